/**
 * A value as JSON text: what JSON has no form for is written as it reads best. Big integers are decimal texts, typed arrays
 * and sets are lists, maps with keys of text or numbers are objects, others are lists of pairs, dates are ISO 8601; numbers that
 * are not finite and undefined members are as in JSON.stringify. Undefined itself is `null`.
 * @throws TypeError where the value is circular.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(isPlain(value, 0) ? value : plainOf(value)) ?? "null";
}

// The walk costs less than a replacer, which JSON.stringify would call for every member.
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (depth > 16) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name in value) if (!isPlain((value as Record<string, unknown>)[name], depth + 1)) return false;
  return true;
}

function plainOf(value: unknown, above: readonly object[] = []): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (above.includes(value)) throw new TypeError("a value that holds itself has no JSON");
  const path = [...above, value];
  const inner = (item: unknown): unknown => plainOf(item, path);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]): [unknown, unknown] => [inner(key), inner(item)]);
    return entries.every(([key]) => typeof key === "string" || typeof key === "number")
      ? Object.fromEntries(entries as [string, unknown][])
      : entries;
  }
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof Set) return [...value].map(inner);
  if (ArrayBuffer.isView(value)) {
    return value instanceof DataView ? null : Array.from(value as unknown as Iterable<unknown>, inner);
  }
  // `fromEntries` makes members even of names that assignment treats differently, such as __proto__.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, inner(item)]));
}
