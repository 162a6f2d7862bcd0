import type { IncomingMessage, ServerResponse } from "node:http";
import { InputError } from "../errors.js";
import type { Problem } from "./problem.js";

/** A request, its path taken apart, and the place of its reply. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The parts between slashes, percent-decoded. */
  readonly path: readonly string[];
  /** What stands behind the question mark, as it came. */
  readonly query: string;
  /** Replies with what went wrong; a defect goes to the log. */
  fail(error: unknown): void;
}

/**
 * The parts of a request's path and its query.
 * @throws InputError where a part is not percent-encoded UTF-8.
 */
export function takeApart(url: string): { path: string[]; query: string } {
  const mark = url.indexOf("?");
  const whole = mark < 0 ? url : url.slice(0, mark);
  // Proxies may be told the whole address, and may hand it on.
  const path = whole.startsWith("/") ? whole : whole.replace(/^\w+:\/\/[^/]*/, "");
  const parts = path.slice(1).split("/");
  if (path.includes("%")) {
    for (let i = 0; i < parts.length; i++) parts[i] = decoded(parts[i]!);
  }
  return { path: parts, query: mark < 0 ? "" : url.slice(mark + 1) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new InputError("path", part, "percent-encode names and keys as UTF-8", { cause });
  }
}

/** The parameters of a query. @throws InputError where one is not among `known`, or comes twice. */
export function parametersOf(query: string, known: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(query);
  for (const name of new Set(parameters.keys())) {
    if (!known.includes(name)) {
      const allowed = known.length === 0 ? "leave it out" : `the query takes ${known.join(", ")}`;
      throw new InputError(name, parameters.get(name), allowed);
    }
    if (parameters.getAll(name).length > 1) {
      throw new InputError(name, parameters.getAll(name).join(", "), "give it once");
    }
  }
  return parameters;
}

/** Replies with JSON text and its length; where the connection has gone, to nobody. */
export function replyJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, [
    "content-type",
    "application/json",
    "content-length",
    String(Buffer.byteLength(text)),
  ]);
  response.end(text);
}

/** Replies without a body. */
export function replyNothing(response: ServerResponse, status: 202 | 204): void {
  response.writeHead(status, status === 204 ? [] : ["content-length", "0"]);
  response.end();
}

/** Replies with a problem, or cuts the connection where a reply has begun. */
export function replyProblem(response: ServerResponse, status: number, problem: Problem): void {
  if (response.headersSent) response.destroy();
  else replyJson(response, status, JSON.stringify(problem));
}
