/** A map whose keys can be walked in the order of their UTF-8 bytes. */
export interface OrderedMap<V> {
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** The keys from `from` (included) to `to` (excluded), in order. */
  keys(from: string, to: string): string[];
}

/** Keys of one run; an insertion moves half of them at most. */
const longestRun = 256;

export function orderedMap<V>(): OrderedMap<V> {
  const values = new Map<string, V>();
  /** All keys in order, cut into runs, none of them empty. */
  const runs: string[][] = [];
  let compare = compareUnits;

  /** The index of the run that the key is in or would go to; 0 where there is none. */
  function runOf(key: string): number {
    let [low, high] = [0, runs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(runs[middle]![0]!, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The place in a run of the first key that is not below `key`. */
  function placeOf(run: readonly string[], key: string): number {
    let [low, high] = [0, run.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(run[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function insert(key: string): void {
    // Until a key has such units, JavaScript's own comparison gives the order of the bytes, many times faster.
    if (compare === compareUnits && /[\ud800-\uffff]/.test(key)) {
      compare = compareKeys;
      const all = runs.flat().sort(compareKeys);
      runs.length = 0;
      for (let at = 0; at < all.length; at += longestRun) runs.push(all.slice(at, at + longestRun));
    }
    const index = runOf(key);
    const run = runs[index];
    if (run === undefined) {
      runs.push([key]);
      return;
    }
    run.splice(placeOf(run, key), 0, key);
    if (run.length > longestRun) runs.splice(index + 1, 0, run.splice(longestRun / 2));
  }

  return {
    get size() {
      return values.size;
    },
    get: (key) => values.get(key),
    has: (key) => values.has(key),
    set(key, value) {
      const { size } = values;
      values.set(key, value);
      if (values.size > size) insert(key);
    },
    delete(key) {
      if (!values.delete(key)) return;
      const index = runOf(key);
      const run = runs[index]!;
      run.splice(placeOf(run, key), 1);
      if (run.length === 0) runs.splice(index, 1);
    },
    keys(from, to) {
      const found: string[] = [];
      for (let index = runOf(from); index < runs.length; index++) {
        const run = runs[index]!;
        if (compare(run[0]!, to) >= 0) break;
        const isWhole = compare(run[0]!, from) >= 0 && compare(run.at(-1)!, to) < 0;
        const part = isWhole ? run : run.slice(placeOf(run, from), placeOf(run, to));
        for (const key of part) found.push(key);
      }
      return found;
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

function compareUnits(one: string, other: string): number {
  return one < other ? -1 : one === other ? 0 : 1;
}
