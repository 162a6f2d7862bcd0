/** What a function is to be done by. */
import { InputError, NeuroranError } from "../errors.js";
import { type FunctionData, type Implementation, modelImplementation } from "./declaration.js";

/** Two implementations that take turns: one that served before, and another that is tried in a share of the slots. */
export interface CanaryChoice {
  readonly present: string;
  readonly canary: string;
  /** Of the slots that the canary is given, above 0 and below 1. */
  readonly share: number;
}

/**
 * The name of an implementation, or where the function has a neural form the path of a model's directory, which has a
 * separator in it; or two of them.
 */
export type Choice = string | CanaryChoice;

/** By function or node path; of both, the path's wins. */
export type Choices = Readonly<Record<string, Choice>>;

/** What a function can be done by. */
export interface Alternatives {
  readonly implementations: readonly string[];
  /** Whether a model can stand for it. */
  readonly takesModels: boolean;
}

/** Whether a choice is a model rather than the name of an implementation, wherever both may stand. */
export function isModelPath(choice: string): boolean {
  return /[/\\]/.test(choice);
}

export function alternativesOf({ implementations, neural }: FunctionData): Alternatives {
  return { implementations: [...implementations.keys()], takesModels: neural !== undefined };
}

/** What else may be given for a function, for the error that says so. */
export function remedyOf(name: string, { implementations, takesModels }: Alternatives): string {
  const known = `${name} has the implementations: ${implementations.join(", ")}`;
  if (!takesModels) return known;
  return `${known}; or give a model: the path of its directory, or its name, name@version or name@alias in the registry`;
}

/**
 * The implementation of a name, or the model of a path in its place.
 * @param field what the choice was given for, for errors
 * @throws InputError for a name that the function does not have
 */
export function chosenImplementation(
  definition: FunctionData,
  chosen: string,
  field: string,
): Implementation {
  const { name, implementations, neural } = definition;
  const registered = implementations.get(chosen);
  if (registered !== undefined) return registered;
  if (neural !== undefined && isModelPath(chosen)) return modelImplementation(neural, chosen);
  throw new InputError(field, chosen, remedyOf(name, alternativesOf(definition)));
}

/** @throws NeuroranError IMPLEMENTATION_MISSING where the function has none */
export function firstImplementation(path: string, { implementations }: FunctionData): string {
  for (const name of implementations.keys()) return name;
  const remedy = "import the file that adds one, or call its implement(...)";
  throw new NeuroranError("IMPLEMENTATION_MISSING", `${path} has no implementation: ${remedy}`);
}
