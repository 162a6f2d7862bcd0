import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { ZodType } from "zod";
import { InputError, NeuroranError } from "../errors.js";
import { isUnpackable } from "../functions/turns/index.js";

/** Where the bytes of a body, or why there are none, go. */
export type BodyTaker = (error: Error | undefined, bytes: Buffer) => void;

const nothing = Buffer.alloc(0);

/** Values that travel between turns are nested no deeper. */
const deepest = 100;

/**
 * Hands over the whole body, or BODY_TOO_LARGE as soon as it is longer than `limit` bytes; what comes behind that is read and
 * dropped, so that the client gets to read the reply. Hands over nothing when the connection breaks before its end.
 */
export function readBody(request: IncomingMessage, limit: number, take: BodyTaker): void {
  if (Number(request.headers["content-length"] ?? 0) > limit) {
    take(tooLarge(limit), nothing);
    return;
  }
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    if (length > limit) return;
    length += chunk.length;
    if (length > limit) {
      first = more = undefined;
      take(tooLarge(limit), nothing);
    } else if (first === undefined) first = chunk;
    else if (more === undefined) more = [first, chunk];
    else more.push(chunk);
  });
  request.on("end", () => {
    if (length <= limit)
      take(undefined, more === undefined ? (first ?? nothing) : Buffer.concat(more, length));
  });
}

function tooLarge(limit: number): NeuroranError {
  return new NeuroranError("BODY_TOO_LARGE", `the body is longer than ${limit} bytes: send less at a time`);
}

/**
 * What a JSON body says; undefined where it is empty.
 * @throws InputError where it is no JSON in UTF-8, is nested deeper than 100 levels, or names a member `__proto__`, which code that copies members would run
 * into, or `toJSON` beside `constructor`, which cannot be stored.
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new InputError("body", undefined, "send JSON in UTF-8");
  const text = bytes.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("body", text, `send JSON (${reason})`, { cause });
  }
  if (isDeeper(value, deepest)) {
    throw new InputError("body", undefined, `nest at most ${deepest} lists and objects`);
  }
  // An escape may hide the name; few bodies have one.
  if (/__proto__|toJSON|\\u/.test(text)) refuseNames(value);
  return value;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeper(item, levels - 1));
  for (const name in value) {
    if (isDeeper((value as Record<string, unknown>)[name], levels - 1)) return true;
  }
  return false;
}

function refuseNames(body: unknown): void {
  const open: [value: object, path: string][] = [];
  const enter = (value: unknown, path: string): void => {
    if (typeof value === "object" && value !== null) open.push([value, path]);
  };
  enter(body, "body");
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, path] = next;
    if (Object.hasOwn(value, "__proto__")) {
      throw new InputError(`${path}.__proto__`, undefined, "name the member otherwise");
    }
    if (Object.hasOwn(value, "toJSON") && isUnpackable(value, "toJSON")) {
      throw new InputError(
        `${path}.toJSON`,
        undefined,
        "it cannot stand beside constructor: name one otherwise",
      );
    }
    for (const [name, item] of Object.entries(value)) enter(item, `${path}.${name}`);
  }
}

/** The value as the schema takes it. @throws InputError naming the first field that does not fit. */
export function checkWith<T>(schema: ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const names = issue?.path ?? [];
  const found = names.reduce<unknown>(
    (inside, name) =>
      typeof inside === "object" && inside !== null && Object.hasOwn(inside, name)
        ? (inside as Record<PropertyKey, unknown>)[name]
        : undefined,
    value,
  );
  const field = ["body", ...names.map(String)].join(".");
  throw new InputError(field, found, issue?.message ?? "it does not fit the schema of the handler");
}

/**
 * Refuses what the schema does not take. What the schema itself throws is left to the turn, whose failure it is.
 * @throws InputError naming the first field that does not fit.
 */
export function refuseUnfit(schema: ZodType, value: unknown): void {
  try {
    checkWith(schema, value);
  } catch (error) {
    if (error instanceof InputError) throw error;
  }
}
