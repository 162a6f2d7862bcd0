import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import { inverseDiagonalSums, levinson } from "./toeplitz.js";

const size = 9;

/** A random positive definite first row: a sum of steered vectors. */
function randomRow(seed: number) {
  const random = createRandom(seed);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let wave = 0; wave < 3; wave++) {
    const [power, frequency] = [random.next(), 2 * Math.PI * random.next()];
    for (let k = 0; k < size; k++) {
      re[k]! += power * Math.cos(frequency * k);
      im[k]! += power * Math.sin(frequency * k);
    }
  }
  return { re, im };
}

type Pair = readonly [re: number, im: number];
const times = ([a, b]: Pair, [c, d]: Pair): Pair => [a * c - b * d, a * d + b * c];
const minus = ([a, b]: Pair, [c, d]: Pair): Pair => [a - c, b - d];
const over = (a: Pair, [c, d]: Pair): Pair => times(a, [c / (c * c + d * d), -d / (c * c + d * d)]);

function matrixOf({ re, im }: { re: Float64Array; im: Float64Array }, diagonal: number): Pair[][] {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j): Pair => {
      const d = Math.abs(j - i);
      return [re[d]! + (d === 0 ? diagonal : 0), j >= i ? im[d]! : -im[d]!];
    }),
  );
}

/** Gauss and Jordan: the inverse, and the determinant. */
function inverse(matrix: Pair[][]): { inverse: Pair[][]; determinant: Pair } {
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j): Pair => [i === j ? 1 : 0, 0])]);
  let determinant: Pair = [1, 0];
  for (let pivot = 0; pivot < size; pivot++) {
    const head = rows[pivot]![pivot]!;
    determinant = times(determinant, head);
    rows[pivot] = rows[pivot]!.map((value) => over(value, head));
    for (let other = 0; other < size; other++) {
      if (other === pivot) continue;
      const factor = rows[other]![pivot]!;
      rows[other] = rows[other]!.map((value, k) => minus(value, times(factor, rows[pivot]![k]!)));
    }
  }
  return { inverse: rows.map((row) => row.slice(size)), determinant };
}

describe("Toeplitz matrices", () => {
  it.each([1, 2, 3])("agree with elimination, seed %i", (seed) => {
    const row = randomRow(seed);
    const random = createRandom(seed + 100);
    const vector = () => Float64Array.from({ length: size }, () => random.gaussian());
    const right = { re: vector(), im: vector() };
    const solution = { re: vector(), im: vector() };
    const factors = levinson(row, 0.3, right, solution);
    const { inverse: wanted, determinant } = inverse(matrixOf(row, 0.3));
    expect(factors.logDeterminant).toBeCloseTo(Math.log(determinant[0]), 9);
    for (let i = 0; i < size; i++) {
      const products = wanted[i]!.map((value, j) => times(value, [right.re[j]!, right.im[j]!]));
      expect(solution.re[i]).toBeCloseTo(
        products.reduce((sum, [re]) => sum + re, 0),
        9,
      );
      expect(solution.im[i]).toBeCloseTo(
        products.reduce((sum, [, im]) => sum + im, 0),
        9,
      );
    }
    const sums = inverseDiagonalSums(factors);
    for (let distance = 0; distance < size; distance++) {
      const along = Array.from({ length: size - distance }, (_, i) => wanted[i]![i + distance]!);
      expect(sums.re[distance]).toBeCloseTo(
        along.reduce((sum, [re]) => sum + re, 0),
        9,
      );
      expect(sums.im[distance]).toBeCloseTo(
        along.reduce((sum, [, im]) => sum + im, 0),
        9,
      );
    }
  });
});
