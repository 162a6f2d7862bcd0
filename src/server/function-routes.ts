import { InputError, NeuroranError } from "../errors.js";
import { type CommitDomain, checkKey } from "../functions/turns/index.js";
import { type EventStream, positionOf, streamEvents } from "./event-stream.js";
import { type Exchange, parametersOf, replyJson, replyNothing } from "./exchange.js";
import { type Functions, functionNamed, longestBody_bytes, serveCall } from "./function-calls.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { parseJson, readBody } from "./json-body.js";
import { jsonText } from "./json-value.js";

/** Streams that are open, so that a node that ends can say so to their readers. */
export type OpenStreams = Set<EventStream>;

const keysAtOnce = 1000;

/**
 * Everything under `/functions`:
 * - `GET /functions`: what is in service, with its statistics.
 * - `POST /functions/{name}/{key}/{handler}`: a call, see {@link serveCall}.
 * - `GET /functions/{name}/{key}/events`: the events of a key as server-sent events, from a position on.
 * - `GET /functions/{name}/{key}/state`, `PUT` replaces it.
 * - `GET /functions/{name}/keys?after=…&limit=…`: the keys that have state.
 */
export function serveFunctions(
  exchange: Exchange,
  domain: CommitDomain,
  functions: Functions,
  streams: OpenStreams,
): void {
  const { path } = exchange;
  const method = exchange.request.method;
  if (path.length === 4) {
    if (method === "POST") serveCall(exchange, domain, functions);
    else if (path[3] === "events") serveEvents(exchange, domain, functions, streams);
    else if (path[3] === "state") serveState(exchange, domain, functions);
    else throw methodRefused(exchange, "POST");
  } else if (path.length === 3 && path[2] === "keys") serveKeys(exchange, domain, functions);
  else if (path.length === 1) serveList(exchange, domain, functions);
  else throw pathUnknown("there is /functions, /functions/{name}/keys and /functions/{name}/{key}/{handler}");
}

function serveList(exchange: Exchange, domain: CommitDomain, functions: Functions): void {
  if (exchange.request.method !== "GET") throw methodRefused(exchange, "GET");
  const list = domain.statistics().functions.map((statistics) => {
    const declared = functions.get(statistics.name);
    const requests = Object.entries(declared?.handlers ?? {}).filter(([, { kind }]) => kind === "request");
    return { ...statistics, version: declared?.state.version, requests: requests.map(([name]) => name) };
  });
  replyJson(exchange.response, 200, JSON.stringify(list));
}

function serveEvents(
  exchange: Exchange,
  domain: CommitDomain,
  functions: Functions,
  streams: OpenStreams,
): void {
  const { request, response, path, query } = exchange;
  const [, name, key] = path as [string, string, string, string];
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
  functionNamed(functions, name);
  checkKey(key);
  const from = positionOf(request, parametersOf(query, ["from"]));
  const stream = streamEvents(
    response,
    (position, deliver) =>
      domain.subscribe({ function: name, key }, position, (one) =>
        deliver(one.position, () => jsonText(one.event)),
      ),
    from,
  );
  streams.add(stream);
  response.once("close", () => streams.delete(stream));
}

function serveState(exchange: Exchange, domain: CommitDomain, functions: Functions): void {
  const { request, response, path } = exchange;
  const [, name, key] = path as [string, string, string, string];
  functionNamed(functions, name);
  checkKey(key);
  const address = { function: name, key };
  if (request.method === "GET") {
    const state = domain.stateOf(address);
    if (state === undefined) {
      const message = `${name} has no state of the key ${JSON.stringify(key)}`;
      throw new NeuroranError("STATE_UNKNOWN", message);
    }
    replyJson(response, 200, JSON.stringify(state));
  } else if (request.method === "PUT") {
    readBody(request, longestBody_bytes, (problem, bytes) => {
      try {
        if (problem !== undefined) throw problem;
        domain.setState(address, parseJson(bytes)).then(() => replyNothing(response, 204), exchange.fail);
      } catch (error) {
        exchange.fail(error);
      }
    });
  } else throw methodRefused(exchange, "GET, PUT");
}

function serveKeys(exchange: Exchange, domain: CommitDomain, functions: Functions): void {
  const { request, response, path, query } = exchange;
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
  const name = path[1]!;
  functionNamed(functions, name);
  const parameters = parametersOf(query, ["after", "limit"]);
  const limit = parameters.get("limit") ?? String(keysAtOnce);
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1) {
    throw new InputError("limit", limit, "give a whole number from 1 to 99999");
  }
  const after = parameters.get("after");
  if (after !== null) checkKey(after);
  replyJson(response, 200, JSON.stringify(domain.keys(name, after ?? undefined, Number(limit))));
}
