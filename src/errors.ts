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
