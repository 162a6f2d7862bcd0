/** What requests are refused with that no handler takes. */
import type { ZodError } from "zod";
import { InputError, NeuroranError } from "../../errors.js";
import type { Address } from "./address.js";
import type { StatefulFunctionData } from "./declaration.js";

export function functionUnknown(name: string, known: Iterable<string>): NeuroranError {
  const names = [...known].join(", ") || "none";
  return new NeuroranError("FUNCTION_UNKNOWN", `no function ${name} is deployed; there are: ${names}`);
}

export function handlerUnknown({ name, handlers }: StatefulFunctionData, handler: string): NeuroranError {
  const requests = Object.keys(handlers).filter((one) => handlers[one].kind === "request");
  return new NeuroranError(
    "HANDLER_UNKNOWN",
    `${name} has no handler ${handler}; it takes: ${requests.join(", ")}`,
  );
}

/** A call named it, perhaps one of an earlier version. */
export function continuationUnknown({ name }: StatefulFunctionData, continuation: string): NeuroranError {
  const remedy = "keep the continuations that calls under way may name";
  return new NeuroranError("HANDLER_UNKNOWN", `${name} has no continuation ${continuation}: ${remedy}`);
}

/** Names the field, what is there and what is allowed, as zod says it. */
export function requestInvalid(
  target: Address,
  handler: string,
  body: unknown,
  { issues: [issue] }: ZodError,
): NeuroranError {
  const path = issue.path.map(String);
  const field = [target.function, handler, ...path].join(".");
  const value = issue.path.reduce<unknown>(
    (at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name],
    body,
  );
  return new InputError(field, value, issue.message);
}

export function notOwner({ function: name, key }: Address, node: string): NeuroranError {
  return new NeuroranError("NOT_OWNER", `key ${key} of ${name} is at node ${node}: ask there`);
}
