import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { InputError, NeuroranError } from "../errors.js";
import type {
  CommitDomain,
  Identification,
  Invocation,
  Outcome,
  RequestHandler,
  StatefulFunctionData,
} from "../functions/turns/index.js";
import { checkKey } from "../functions/turns/index.js";
import { type Exchange, parametersOf, replyJson, replyNothing, replyProblem } from "./exchange.js";
import { parseJson, readBody, refuseUnfit } from "./json-body.js";
import { jsonText } from "./json-value.js";
import { listed } from "./problem.js";

/** The functions that are deployed. */
export interface Functions {
  /** Those whose modules are loaded, by name. */
  readonly loaded: ReadonlyMap<string, StatefulFunctionData>;
  /** All. */
  names(): Iterable<string>;
  /** Whether there is one of this name; resolves when it is loaded. @throws (rejections) what loading its module throws. */
  ready(name: string): Promise<boolean>;
}

/** A request body may have so many bytes. */
export const longestBody_bytes = 4 * 2 ** 20;

const longestDelay_ms = 10 * 365 * 86_400_000;

/**
 * `POST /functions/{name}/{key}/{handler}`: the body, JSON, is checked by the handler's schema. The reply is 200 with the handler's
 * reply, 204 where that is undefined, 422 where the handler failed; with `mode=send` (or `prefer: respond-async`) 202 when the
 * message is accepted for good, to run after `delay` milliseconds. The function must be loaded.
 */
export function serveCall(
  exchange: Exchange,
  { domain, functions }: { readonly domain: CommitDomain; readonly functions: Functions },
): void {
  const { request, path, query } = exchange;
  const [, name, key, handler] = path as [string, string, string, string];
  const found = requestHandler(functions.loaded.get(name)!, handler);
  checkKey(key);
  const { headers } = request;
  const identification = identificationOf(headers);
  const delay_ms = sendDelay(query, headers);
  readBody(request, longestBody_bytes, (problem, bytes) => {
    try {
      if (problem !== undefined) throw problem;
      // As it came: the turn has the schema take it, which may change it.
      const body = parseJson(bytes);
      refuseUnfit(found.request, body);
      const invocation: Invocation = { target: { function: name, key }, handler, body };
      if (delay_ms === undefined) invoke(domain, exchange, invocation, identification);
      else send(domain, exchange, invocation, delay_ms, identification);
    } catch (error) {
      exchange.fail(error);
    }
  });
}

function invoke(
  domain: CommitDomain,
  exchange: Exchange,
  invocation: Invocation,
  identification: Identification | undefined,
): void {
  domain
    .invoke(invocation, identification)
    .then((outcome) => replyOutcome(exchange.response, outcome), exchange.fail);
}

function send(
  domain: CommitDomain,
  exchange: Exchange,
  invocation: Invocation,
  delay_ms: number,
  identification: Identification | undefined,
): void {
  const options = identification === undefined ? { delay_ms } : { delay_ms, identification };
  domain.send(invocation, options).then(() => replyNothing(exchange.response, 202), exchange.fail);
}

function replyOutcome(response: ServerResponse, outcome: Outcome): void {
  if (!outcome.ok) {
    // Whatever its code: another status would say that nothing has run, and clients would ask again.
    replyProblem(response, 422, outcome.error);
  } else if (outcome.value === undefined) {
    replyNothing(response, 204);
  } else {
    let text: string;
    try {
      text = jsonText(outcome.value);
    } catch (error) {
      const message = `the reply has no JSON: ${error instanceof Error ? error.message : String(error)}`;
      replyProblem(response, 422, { code: "HANDLER_FAILED", message });
      return;
    }
    replyJson(response, 200, text);
  }
}

/** No function of this name is deployed; tells those that are. */
export function functionUnknown(functions: Functions, name: string): NeuroranError {
  const there = listed(functions.names(), "none: deploy a module first");
  return new NeuroranError(
    "FUNCTION_UNKNOWN",
    `no function ${JSON.stringify(name)} is deployed; there is ${there}`,
  );
}

function requestHandler({ name, handlers }: StatefulFunctionData, handler: string): RequestHandler {
  const found = Object.hasOwn(handlers, handler) ? handlers[handler] : undefined;
  if (found?.kind === "request") return found;
  const requests = Object.keys(handlers).filter((one) => handlers[one]!.kind === "request");
  throw new NeuroranError(
    "HANDLER_UNKNOWN",
    `${name} takes no request ${JSON.stringify(handler)}; there is ${listed(requests, "none")}`,
  );
}

/** Undefined where the caller waits for the reply. @throws InputError naming the parameter. */
function sendDelay(query: string, headers: IncomingHttpHeaders): number | undefined {
  const preferred =
    typeof headers.prefer === "string" && /(^|,)\s*respond-async\s*(,|;|$)/i.test(headers.prefer);
  if (query === "") return preferred ? 0 : undefined;
  const parameters = parametersOf(query, ["mode", "delay"]);
  const [mode, delay] = [parameters.get("mode"), parameters.get("delay")];
  if (mode !== null && mode !== "send" && mode !== "invoke") {
    throw new InputError("mode", mode, "give send, or invoke, which waits for the reply");
  }
  const sends = mode === null ? preferred : mode === "send";
  if (delay === null) return sends ? 0 : undefined;
  if (!sends) throw new InputError("delay", delay, "only what is sent can be delayed: add mode=send");
  return wholeNumber("delay", delay, 0, longestDelay_ms);
}

/** @throws InputError naming the header. */
function identificationOf(headers: IncomingHttpHeaders): Identification | undefined {
  const idempotencyKey = headers["idempotency-key"];
  const session = headers["neuroran-session"];
  if (idempotencyKey === undefined && session === undefined) return undefined;
  if (idempotencyKey !== undefined) {
    if (session !== undefined) {
      throw new InputError(
        "idempotency-key",
        idempotencyKey,
        "a request of a session needs none: leave it out",
      );
    }
    if (typeof idempotencyKey !== "string" || idempotencyKey === "" || idempotencyKey.length > 256) {
      throw new InputError("idempotency-key", idempotencyKey, "give a text of 1 to 256 characters");
    }
    return { idempotencyKey };
  }
  if (typeof session !== "string" || session === "" || session.length > 256) {
    throw new InputError("neuroran-session", session, "give the id that POST /sessions gave");
  }
  const sequence = numberHeader(headers, "neuroran-sequence", 1, Number.MAX_SAFE_INTEGER);
  if (headers["neuroran-acknowledged"] === undefined)
    return { session: { session, sequence, acknowledged: 0 } };
  const acknowledged = numberHeader(headers, "neuroran-acknowledged", 0, sequence - 1);
  return { session: { session, sequence, acknowledged } };
}

function numberHeader(headers: IncomingHttpHeaders, name: string, least: number, greatest: number): number {
  const text = headers[name];
  return wholeNumber(name, typeof text === "string" ? text : undefined, least, greatest);
}

function wholeNumber(field: string, text: string | undefined, least: number, greatest: number): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= greatest) return value;
  throw new InputError(field, text, `give a whole number from ${least} to ${greatest}`);
}
