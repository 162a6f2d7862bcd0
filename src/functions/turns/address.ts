import { InputError } from "../../errors.js";

/** One key of a function: what has a state of its own and runs one turn at a time. */
export interface Address {
  readonly function: string;
  readonly key: string;
}

/** Key groups of a function: the unit of ownership, of movement and of scale. */
export const keyGroups = 128;

const longestKey_bytes = 512;
const longestName = 64;

/**
 * The group of a key, 0 to 127: the same on every node and in every version, as stored state lies under it.
 */
export function keyGroupOf(key: string): number {
  // FNV-1a with a final mix (as of MurmurHash3), since the low bits of FNV alone repeat those of short keys.
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & (keyGroups - 1);
}

/** Refuses what cannot be a key: nothing, or more than 512 bytes of UTF-8, or half of a surrogate pair, or a NUL. */
export function checkKey(key: string): void {
  const remedy = "a key is a text of 1 to 512 bytes of UTF-8 without NUL";
  if (typeof key !== "string" || key.length === 0 || !key.isWellFormed() || key.includes("\0")) {
    throw new InputError("key", key, remedy);
  }
  if (key.length > longestKey_bytes / 3 && Buffer.byteLength(key) > longestKey_bytes) {
    throw new InputError("key", key, remedy);
  }
}

/** Functions and handlers stand in addresses, on the command line and in paths of HTTP: refuses what does not fit there. */
export function checkName(place: string, name: unknown): asserts name is string {
  const words = typeof name === "string" && /^[a-z][a-z0-9]*(?:(?:-[a-z0-9]+)*|[A-Za-z0-9]*)$/.test(name);
  if (words && name.length <= longestName) return;
  const remedy = `a name is lower case words with hyphens or in camel case, up to ${longestName} characters`;
  throw new InputError(place, name, remedy);
}
