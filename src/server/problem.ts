import { InputError, NeuroranError } from "../errors.js";

/** What a client is told of a request that was not served, as JSON. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  /** The field, header or query parameter that is wrong; left out where none is to blame. */
  readonly field?: string;
  /** What stood there, and what is allowed. */
  readonly value?: unknown;
  readonly remedy?: string;
}

const statuses: Readonly<Record<string, number>> = {
  INPUT_INVALID: 400,
  UNAUTHORISED: 401,
  MODULE_UNSIGNED: 403,
  FUNCTION_UNKNOWN: 404,
  HANDLER_UNKNOWN: 404,
  FLOW_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  PATH_UNKNOWN: 404,
  STATE_UNKNOWN: 404,
  METHOD_REFUSED: 405,
  REQUEST_CONFLICT: 409,
  REQUEST_ACKNOWLEDGED: 409,
  REQUEST_TOO_FAR: 409,
  SWAP_UNDERWAY: 409,
  CANARY_UNDERWAY: 409,
  CANARY_DECIDED: 409,
  STATE_LAYOUT: 409,
  FLOW_PORTS: 409,
  NOT_OWNER: 421,
  SESSION_UNKNOWN: 410,
  BODY_TOO_LARGE: 413,
  OVERLOADED: 503,
  COMMIT_FAILED: 503,
  DOMAIN_CLOSED: 503,
  STORE_FULL: 503,
  STORE_FAILED: 503,
  STORE_CLOSED: 503,
  OUTCOME_UNKNOWN: 504,
};

/** Of whatever was thrown: its status, and what may be told of it. A defect's message stays in the node's log. */
export function problemOf(error: unknown): { status: number; problem: Problem } {
  if (error instanceof InputError) {
    return { status: 400, problem: inputProblem(error) };
  }
  if (error instanceof NeuroranError) {
    const { code, message } = error;
    return { status: Object.hasOwn(statuses, code) ? statuses[code]! : 500, problem: { code, message } };
  }
  return { status: 500, problem: { code: "DEFECT", message: "the node failed; its log says where" } };
}

function inputProblem(error: InputError): Problem {
  const { code, message, field, remedy, value } = error;
  const told = typeof value === "string" ? value.slice(0, 200) : value;
  // The message says of other values what fits a line.
  return Object(told) === told || typeof told === "bigint"
    ? { code, message, field, remedy }
    : { code, message, field, remedy, value: told };
}

/** "a, b, c", or the first twenty of more; what to say where there is none. */
export function listed(names: Iterable<string>, none: string): string {
  const all = [...names].sort();
  if (all.length === 0) return none;
  return all.length > 20 ? `${all.slice(0, 20).join(", ")} and ${all.length - 20} more` : all.join(", ");
}
