import { z } from "zod";
import { InputError } from "../../errors.js";

/** A whole number from `minimum` to `maximum`; the issue's message is the remedy of an InputError. */
export function wholeNumber(minimum: number, maximum: number) {
  const remedy = `give a whole number from ${minimum} to ${maximum}`;
  return z.int(remedy).min(minimum, remedy).max(maximum, remedy);
}

/** One of a few values. */
export function oneOf<const T extends (string | number)[]>(...values: T) {
  return z.literal(values, `give one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);
}

/** True or false. */
export function flag() {
  return z.boolean("give true or false");
}

/**
 * Parses with a schema made of the pieces above.
 * @throws InputError naming the first field that is wrong; an unknown field is named with the known ones that are like it.
 */
export function parseWith<T extends z.ZodObject>(schema: T, value: unknown, subject: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const field = issue.keys[0]!;
    const known = Object.keys(schema.shape);
    throw new InputError(
      field,
      valueAt(value, [field]),
      `a ${subject} has no such field; is it ${alike(field, known).join(" or ")}?`,
    );
  }
  if (issue.path.length === 0)
    throw new InputError(subject, value, `give an object with the fields of a ${subject}`);
  throw new InputError(fieldName(issue.path), valueAt(value, issue.path), issue.message);
}

function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key, depth) => (typeof key === "number" ? `[${key}]` : (depth ? "." : "") + String(key)))
    .join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}

/** The known names that begin with the given one, else those that contain it, else the one that takes the fewest edits. */
function alike(name: string, known: readonly string[]): string[] {
  const lower = name.toLowerCase();
  const beginning = known.filter((candidate) => candidate.toLowerCase().startsWith(lower));
  if (beginning.length > 0) return beginning;
  const containing = known.filter((candidate) => candidate.toLowerCase().includes(lower));
  if (containing.length > 0) return containing;
  const distances = known.map((candidate) => editDistance(lower, candidate.toLowerCase()));
  return [known[distances.indexOf(Math.min(...distances))]!];
}

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(previous[column]! + 1, current[column - 1]! + 1, substitution));
    }
    previous = current;
  }
  return previous[right.length]!;
}
