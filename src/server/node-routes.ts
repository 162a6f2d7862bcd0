import { z } from "zod";
import { NeuroranError } from "../errors.js";
import type { Encryption } from "../functions/encryption/index.js";
import type { CommitDomain } from "../functions/turns/index.js";
import { positionOf, streamEvents } from "./event-stream.js";
import { type Exchange, parametersOf, replyJson } from "./exchange.js";
import type { OpenStreams } from "./function-routes.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { checkWith, parseJson, readBody } from "./json-body.js";
import { metricsText, type NodeMetrics } from "./metrics.js";
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

/** `GET /keys`: the data keys of functions, without the keys themselves; `POST /keys/{function}/rotate` adds a version. */
export function serveKeys(exchange: Exchange, encryption: Encryption): void {
  const { request, response, path } = exchange;
  if (path.length === 1) {
    if (request.method !== "GET") throw methodRefused(exchange, "GET");
    replyJson(response, 200, JSON.stringify(encryption.listKeys()));
  } else if (path.length === 3 && path[2] === "rotate") {
    if (request.method !== "POST") throw methodRefused(exchange, "POST");
    encryption
      .rotateKey(path[1]!)
      .then((keys) => replyJson(response, 200, JSON.stringify(keys)), exchange.fail);
  } else throw pathUnknown("there is /keys and /keys/{function}/rotate");
}

/** `GET /metrics`, for Prometheus. */
export function serveMetrics(exchange: Exchange, metrics: () => NodeMetrics): void {
  const { request, response, path } = exchange;
  if (path.length > 1) throw pathUnknown("there is /metrics");
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
  const text = metricsText(metrics());
  response.writeHead(200, [
    "content-type",
    "text/plain; version=0.0.4",
    "content-length",
    String(Buffer.byteLength(text)),
  ]);
  response.end(text);
}

/** `GET /health`: whether the node serves, 503 where its store fails; takes no token. */
export function serveHealth(exchange: Exchange, problem: () => NeuroranError | undefined): void {
  if (exchange.path.length > 1) throw pathUnknown("there is /health");
  if (exchange.request.method !== "GET") throw methodRefused(exchange, "GET");
  const found = problem();
  if (found !== undefined) throw new NeuroranError("COMMIT_FAILED", found.message, { cause: found });
  replyJson(exchange.response, 200, JSON.stringify({ serving: true }));
}
