import type { z } from "zod";
import { InputError } from "../errors.js";

/** What a parameter may be: one of the simple types, or a zod schema where more is to be said. */
export type ParameterType = "number" | "integer" | "boolean" | "string" | z.ZodType;

/** Parameters by name. Their values are known when a variant is prepared and stay for its life. */
export type Parameters = Readonly<Record<string, ParameterType>>;

type Simple = { number: number; integer: number; boolean: boolean; string: string };

/** The values an implementation sees, after the schemas have filled in their defaults. */
export type ParameterValues<P extends Parameters> = {
  readonly [N in keyof P]: P[N] extends z.ZodType
    ? z.output<P[N]>
    : P[N] extends keyof Simple
      ? Simple[P[N]]
      : never;
};

/** The values one gives; what a schema has a default for may be left out. */
export type ParameterInputs<P extends Parameters> = {
  readonly [N in keyof P]?: P[N] extends z.ZodType
    ? z.input<P[N]>
    : P[N] extends keyof Simple
      ? Simple[P[N]]
      : never;
};

/**
 * Checks the values given for `parameters` of the function at `path`.
 * @throws InputError naming `path.parameter` for a value that is missing, of the wrong kind or unknown.
 */
export function checkParameters(
  path: string,
  parameters: Parameters,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(parameters, name)) {
      const known = Object.keys(parameters).join(", ") || "none";
      throw new InputError(`${path}.${name}`, given[name], `${path} has the parameters: ${known}`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(parameters)) {
    values[name] = checkParameter(`${path}.${name}`, type, given[name]);
  }
  return values;
}

function checkParameter(field: string, type: ParameterType, value: unknown): unknown {
  if (typeof type === "object") {
    const result = type.safeParse(value);
    if (result.success) return result.data;
    const issues = result.error.issues.map((issue) => [...issue.path.map(String), issue.message].join(": "));
    throw new InputError(field, value, issues.join("; "));
  }
  const accepted =
    type === "integer" ? Number.isSafeInteger(value) : typeof value === type && !Number.isNaN(value);
  if (!accepted) throw new InputError(field, value, `give a ${type}`);
  return value;
}
