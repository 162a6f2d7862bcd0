import { arith, math, type Value, vectorOf } from "../../compiler/index.js";
import { type AxisLlr, greater, lesser } from "./axis-llr.js";
import { LLR_SCALE } from "./llr-scale.js";
import { maxLog } from "./max-log.js";

/** Exponents of 2 below it count as it: their terms are lost in sums that hold a 1. */
const SMALLEST_EXPONENT = -120;

/**
 * The exact ratio: sums over all points of an axis, whose two axes are independent. Terms are taken relative to the
 * nearest point, so that no sum vanishes or overflows.
 */
export const logMap: AxisLlr = (t, unit, order) => {
  // With one point a side there is nothing to sum.
  if (order === 2) return maxLog(t, unit, order);
  const bits = order / 2;
  const points = 2 ** bits;
  // d²/N0 and the step from base e to base 2.
  const exponentUnit = arith.mulf(unit, Math.LOG2E / (4 * LLR_SCALE));
  const nearest = nearestPoint(t, points);
  const offset = arith.subf(arith.addf(t, t), nearest);
  const terms = Array.from({ length: points }, (_, index) => {
    const point = 2 * index + 1 - points;
    // (t - nearest)² - (t - point)², without the squares.
    const closer = arith.mulf(arith.subf(splat(point, t), nearest), arith.subf(offset, point));
    return powerOfTwo(greater(arith.mulf(closer, exponentUnit), SMALLEST_EXPONENT));
  });
  const sums = sharedSums(terms);
  return Array.from({ length: bits }, (_, bit) => {
    const side = (value: 0 | 1) =>
      sums(terms.flatMap((_, index) => (grayBit(index, bit, bits) === value ? [index] : [])));
    return arith.mulf(math.log(arith.divf(side(0), side(1))), LLR_SCALE);
  });
};

/** Bit `bit` of the point at `2·index + 1 - 2^bits`: folds the axis as TS 38.211 5.1 nests its brackets. */
function grayBit(index: number, bit: number, bits: number): 0 | 1 {
  let folded = 2 * index + 1 - 2 ** bits;
  for (let level = 0; level < bit; level++) folded = 2 ** (bits - 1 - level) - Math.abs(folded);
  return folded > 0 ? 0 : 1;
}

/** Sums of sets of terms; pairs at ±a and those of neighbouring a are added once for all sets that hold them. */
function sharedSums(terms: readonly Value[]): (indices: readonly number[]) => Value {
  const known = new Map<string, Value>();
  const sum = (indices: readonly number[]): Value => {
    if (indices.length === 1) return terms[indices[0]!]!;
    const key = indices.join();
    let value = known.get(key);
    if (value === undefined) {
      const half = indices.length / 2;
      value = arith.addf(sum(indices.slice(0, half)), sum(indices.slice(half)));
      known.set(key, value);
    }
    return value;
  };
  const fromCentre = (index: number) => Math.abs(2 * index + 1 - terms.length);
  return (indices) => sum([...indices].sort((a, b) => fromCentre(a) - fromCentre(b) || a - b));
}

function nearestPoint(t: Value, points: number): Value {
  const lower = arith.addf(t, -1);
  const even = arith.mulf(math.roundeven(arith.mulf(lower, 0.5)), 2);
  return lesser(greater(arith.addf(even, 1), 1 - points), points - 1);
}

/** 2^x for x from -120 to 1, to a relative error of 3e-6: 2^f on f in [-½, ½] by a polynomial, the whole part as exponent. */
function powerOfTwo(x: Value): Value {
  // Adding 1.5·2^23 leaves the nearest whole number in the lowest bits.
  const magic = 12582912;
  const shifted = arith.addf(x, magic);
  const fraction = arith.subf(x, arith.subf(shifted, magic));
  let power = splat(POWER_COEFFICIENTS[0]!, x);
  for (const coefficient of POWER_COEFFICIENTS.slice(1))
    power = arith.addf(arith.mulf(power, fraction), coefficient);
  const exponent = arith.shli(arith.bitcast(shifted, "i32"), 23);
  return arith.bitcast(arith.addi(arith.bitcast(power, "i32"), exponent), "f32");
}

/** Of 2^f on [-½, ½], highest power first: the polynomial with the smallest largest relative error. */
const POWER_COEFFICIENTS = [9.569998048e-3, 5.5917855724e-2, 0.24024746876, 0.69312181715, 0.99999926109];

function splat(value: number, like: Value): Value {
  return arith.constant(vectorOf("f32", like.type.lanes), value);
}
