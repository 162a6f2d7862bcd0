/** Every error of the project: a stable code for programs, a sentence that says what to do, and the cause. */
export class NeuroranError extends Error {
  constructor(
    /** Stable, upper case with underscores: `INPUT_INVALID`, `KERNEL_TYPE_MISMATCH`. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Something from outside (a file, a grant, an option) is not what it must be. Commands exit with status 2 on it. */
export class InputError extends NeuroranError {
  constructor(
    /** The field, option or byte position that is wrong, as its author knows it. */
    readonly field: string,
    /** What is there; undefined where something is missing. */
    readonly value: unknown,
    /** What is allowed, or what to do. */
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    const refusal = value === undefined ? "nothing is given" : `${printable(value)} is not accepted`;
    super("INPUT_INVALID", `${field}: ${refusal}; ${remedy}`, options);
  }
}

function printable(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === "object" && value !== null) {
    const text = jsonOrName(value);
    return text.length > 80 ? `${text.slice(0, 77)}...` : text;
  }
  return String(value);
}

/** What cannot be written as JSON (nested too deeply, circular) must not hide the error that is being made. */
function jsonOrName(value: object): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** An error as it travels between threads, where classes get lost. */
export interface ErrorDescription {
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly input: { readonly field: string; readonly value: unknown; readonly remedy: string } | undefined;
}

export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error))
    return { code: undefined, message: String(error), stack: undefined, input: undefined };
  const { message, stack } = error;
  const code = error instanceof NeuroranError ? error.code : undefined;
  if (!(error instanceof InputError)) return { code, message, stack, input: undefined };
  const { field, remedy } = error;
  // Whatever an object holds need not be clonable, and a message from the worker must never fail.
  const value = Object(error.value) === error.value ? String(error.value) : error.value;
  return { code, message, stack, input: { field, value, remedy } };
}

/** The error again, of its class where it was one of ours, else with `code`. The worker's stack is its cause. */
export function reviveError(description: ErrorDescription, code: string): NeuroranError {
  const { message, stack, input } = description;
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  if (input !== undefined) return new InputError(input.field, input.value, input.remedy, { cause });
  return new NeuroranError(description.code ?? code, message, { cause });
}
