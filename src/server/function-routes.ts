import { InputError, NeuroranError } from "../errors.js";
import { type Address, type CommitDomain, checkKey } from "../functions/turns/index.js";
import { type EventStream, positionOf, streamEvents } from "./event-stream.js";
import { type Exchange, parametersOf, replyJson, replyNothing } from "./exchange.js";
import { type Functions, functionUnknown, longestBody_bytes, serveCall } from "./function-calls.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { parseJson, readBody } from "./json-body.js";
import { jsonText } from "./json-value.js";

/** Streams that are open, so that a node that ends can say so to their readers. */
export type OpenStreams = Set<EventStream>;

/** What serves functions. */
export interface FunctionService {
  readonly domain: CommitDomain;
  readonly functions: Functions;
  readonly streams: OpenStreams;
  /** What is deployed, as JSON. */
  list(): unknown;
}

const keysAtOnce = 1000;

/**
 * Everything under `/functions`:
 * - `GET /functions`: what is in service, with its statistics.
 * - `POST /functions/{name}/{key}/{handler}`: a call, see {@link serveCall}.
 * - `GET /functions/{name}/{key}/events`: the events of a key as server-sent events, from a position on.
 * - `GET /functions/{name}/{key}/state`, `PUT` replaces it.
 * - `GET /functions/{name}/keys?after=…&limit=…`: the keys that have state.
 */
export function serveFunctions(exchange: Exchange, service: FunctionService): void | Promise<void> {
  const { path, request } = exchange;
  if (path.length === 1) {
    if (request.method !== "GET") throw methodRefused(exchange, "GET");
    replyJson(exchange.response, 200, JSON.stringify(service.list()));
    return;
  }
  const serve = routeOf(exchange);
  const name = path[1]!;
  if (service.functions.loaded.has(name)) {
    serve(exchange, service);
    return;
  }
  return service.functions.ready(name).then((there) => {
    // It may have gone since.
    if (!there || !service.functions.loaded.has(name)) throw functionUnknown(service.functions, name);
    serve(exchange, service);
  });
}

type FunctionRoute = (exchange: Exchange, service: FunctionService) => void;

function routeOf(exchange: Exchange): FunctionRoute {
  const { path, request } = exchange;
  if (path.length === 4) {
    if (request.method === "POST") return serveCall;
    if (path[3] === "events") return serveEvents;
    if (path[3] === "state") return serveState;
    throw methodRefused(exchange, "POST");
  }
  if (path.length === 3 && path[2] === "keys") return serveKeys;
  throw pathUnknown("there is /functions, /functions/{name}/keys and /functions/{name}/{key}/{handler}");
}

function serveEvents(exchange: Exchange, { domain, streams }: FunctionService): void {
  const { request, response, path, query } = exchange;
  const [, name, key] = path as [string, string, string, string];
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
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

function serveState(exchange: Exchange, { domain }: FunctionService): void {
  const { request, response, path } = exchange;
  const [, name, key] = path as [string, string, string, string];
  checkKey(key);
  const address = { function: name, key };
  if (request.method === "GET") {
    domain.stateOf(address).then((state) => {
      if (state === undefined) exchange.fail(stateUnknown(address));
      else replyJson(response, 200, JSON.stringify(state));
    }, exchange.fail);
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

function stateUnknown({ function: name, key }: Address): NeuroranError {
  return new NeuroranError("STATE_UNKNOWN", `${name} has no state of the key ${JSON.stringify(key)}`);
}

function serveKeys(exchange: Exchange, { domain }: FunctionService): void {
  const { request, response, path, query } = exchange;
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
  const name = path[1]!;
  const parameters = parametersOf(query, ["after", "limit"]);
  const limit = parameters.get("limit") ?? String(keysAtOnce);
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1) {
    throw new InputError("limit", limit, "give a whole number from 1 to 99999");
  }
  const after = parameters.get("after");
  if (after !== null) checkKey(after);
  replyJson(response, 200, JSON.stringify(domain.keys(name, after ?? undefined, Number(limit))));
}
