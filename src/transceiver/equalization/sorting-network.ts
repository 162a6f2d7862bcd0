import { arith, type Value } from "../../compiler/index.js";

/** Lane by lane the smaller and the greater of two floats, one instruction each; neither may be NaN. */
function exchange(a: Value, b: Value): [Value, Value] {
  return [arith.select(arith.cmpf("olt", a, b), a, b), arith.select(arith.cmpf("ogt", a, b), a, b)];
}

/** Sorts lane by lane, ascending, by Batcher's odd-even merges. @param values as many as a power of two. */
export function sortAscending(values: readonly Value[]): Value[] {
  const sorted = [...values];
  const { length } = sorted;
  for (let size = 1; size < length; size *= 2)
    for (let distance = size; distance >= 1; distance /= 2)
      for (let start = distance % size; start + distance < length; start += 2 * distance)
        for (let k = start; k < Math.min(start + distance, length - distance); k++)
          if (Math.floor(k / (2 * size)) === Math.floor((k + distance) / (2 * size)))
            [sorted[k], sorted[k + distance]] = exchange(sorted[k]!, sorted[k + distance]!);
  return sorted;
}

/** The smaller half of two ascending lists of equal length, ascending, by a bitonic merge. */
export function smallerHalf(a: readonly Value[], b: readonly Value[]): Value[] {
  const { length } = a;
  const merged = a.map((value, k) => exchange(value, b[length - 1 - k]!)[0]);
  for (let distance = length / 2; distance >= 1; distance /= 2)
    for (let k = 0; k < length; k++)
      if ((k & distance) === 0)
        [merged[k], merged[k + distance]] = exchange(merged[k]!, merged[k + distance]!);
  return merged;
}
