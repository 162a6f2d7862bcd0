import { z } from "zod";
import type { CommitDomain } from "../functions/turns/index.js";
import { positionOf, streamEvents } from "./event-stream.js";
import { type Exchange, parametersOf, replyJson } from "./exchange.js";
import type { OpenStreams } from "./function-routes.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { checkWith, parseJson, readBody } from "./json-body.js";
import type { NodeLog } from "./node-log.js";

const sessionRequest = z.strictObject({
  timeToLive_ms: z
    .int("give whole milliseconds")
    .min(1000, "give a second or more")
    .max(86_400_000, "give a day or less")
    .default(600_000),
});

/** `POST /sessions`: a new session's id; `{"timeToLive_ms": …}` says after what silence it is forgotten (10 minutes). */
export function serveSessions(exchange: Exchange, domain: CommitDomain): void {
  const { request, response, path } = exchange;
  if (path.length > 1) throw pathUnknown("there is /sessions");
  if (request.method !== "POST") throw methodRefused(exchange, "POST");
  readBody(request, 1000, (problem, bytes) => {
    try {
      if (problem !== undefined) throw problem;
      const { timeToLive_ms } = checkWith(sessionRequest, parseJson(bytes) ?? {});
      domain
        .openSession(timeToLive_ms)
        .then((session) => replyJson(response, 201, JSON.stringify({ session })), exchange.fail);
    } catch (error) {
      exchange.fail(error);
    }
  });
}

/** `GET /logs`: the kept lines as a list; with `accept: text/event-stream` as server-sent events that go on. */
export function serveLogs(exchange: Exchange, log: NodeLog, streams: OpenStreams): void {
  const { request, response, path, query } = exchange;
  if (path.length > 1) throw pathUnknown("there is /logs");
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
  const from = positionOf(request, parametersOf(query, ["from"]));
  if (!request.headers.accept?.includes("text/event-stream")) {
    replyJson(response, 200, JSON.stringify(log.lines(from)));
    return;
  }
  const stream = streamEvents(
    response,
    (position, deliver) =>
      log.subscribe(position, (line) => deliver(line.position, () => JSON.stringify(line))),
    from,
  );
  streams.add(stream);
  response.once("close", () => streams.delete(stream));
}
