import { NeuroranError } from "../errors.js";
import type { Entry, Store } from "./store.js";

/**
 * A store that forgets everything with the process, for tests and for what need not last. Commits take effect when the
 * present task is over, as those of a real store do not take effect at once either.
 */
export function memoryStore(): Store {
  const entries = new Map<string, Uint8Array>();
  /** All keys in order; undefined when a key came or went since it was made. */
  let sorted: string[] | undefined = [];
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  function* range(from: string, to: string): Iterable<Entry> {
    sorted ??= [...entries.keys()].sort(compareKeys);
    // Taken whole before the first is given, as a commit between two of them must not show.
    const found: Entry[] = [];
    for (let index = lowerBound(sorted, from); index < sorted.length; index++) {
      const key = sorted[index]!;
      if (compareKeys(key, to) >= 0) break;
      found.push({ key, value: entries.get(key)!.slice() });
    }
    yield* found;
  }

  return {
    get: (key) => entries.get(key)?.slice(),
    range(from, to) {
      const found = [...range(from, to)];
      return found;
    },
    commit(batch) {
      if (closed)
        return Promise.reject(new NeuroranError("STORE_CLOSED", "the store is closed; open it again"));
      const taken = batch.map(({ key, value }) => ({ key, value: value?.slice() }));
      last = last.then(() => {
        for (const { key, value } of taken) {
          if (entries.has(key) !== (value !== undefined)) sorted = undefined;
          if (value === undefined) entries.delete(key);
          else entries.set(key, value);
        }
      });
      return last;
    },
    async close() {
      closed = true;
      await last;
    },
  };
}

/** Compares as the keys' UTF-8 bytes do. Negative where `one` comes first. */
export function compareKeys(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index++) {
    const [left, right] = [one.charCodeAt(index), other.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return one.length - other.length;
}

/** UTF-16 puts surrogates, which stand for the highest code points, below U+E000 to U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x2000 : unit >= 0xe000 ? unit - 0x800 : unit;
}

/** The index of the first key that is not below `key`. */
export function lowerBound(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(sorted[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
