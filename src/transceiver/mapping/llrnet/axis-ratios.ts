import { HALF_DISTANCE, type SquareOrder } from "../axis-llr.js";
import { MAX_LOG_FACTORS } from "../max-log.js";

/**
 * Natural log-likelihood ratios, log P(0)/P(1), of the bits of one axis of a square constellation, in double precision:
 * what learned demappers are measured by and trained towards. Both axes of a symbol are alike and independent.
 * @param t received amplitude in half distances of neighbouring points, which so stand at ±1, ±3, …
 * @param unit `4·d²/N0`, d being that half distance and N0 the variance of the complex noise; above 0.
 * @param out receives the ratio of each bit of the axis.
 */
export type AxisRatios = (t: number, unit: number, order: SquareOrder, out: Float64Array) => void;

/** The value of bit `bit` of the axis at each of its points, from the lowest: `[bit][point]` (TS 38.211 5.1.3 to 5.1.6). */
export const AXIS_BITS: Readonly<Record<SquareOrder, readonly (readonly (0 | 1)[])[]>> = {
  2: axisBits(1),
  4: axisBits(2),
  6: axisBits(3),
  8: axisBits(4),
};

function axisBits(bits: number): (0 | 1)[][] {
  return Array.from({ length: bits }, (_, bit) =>
    Array.from({ length: 2 ** bits }, (_, index) => {
      // The standard's brackets fold the axis once for each bit before.
      let folded = 2 * index + 1 - 2 ** bits;
      for (let level = 0; level < bit; level++) folded = 2 ** (bits - 1 - level) - Math.abs(folded);
      return folded > 0 ? 0 : 1;
    }),
  );
}

/** The points' distances to the amplitude, squared. */
const squares = new Float64Array(16);

function setSquares(t: number, points: number): void {
  for (let index = 0; index < points; index++) squares[index] = (t - (2 * index + 1 - points)) ** 2;
}

/** Max-log: the difference between the nearest points of both values. */
export const maxLogRatios: AxisRatios = (t, unit, order, out) => {
  const bits = AXIS_BITS[order];
  setSquares(t, 2 ** bits.length);
  bits.forEach((values, bit) => {
    let [zero, one] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let index = 0; index < values.length; index++) {
      if (values[index] === 0) zero = Math.min(zero, squares[index]!);
      else one = Math.min(one, squares[index]!);
    }
    out[bit] = ((one - zero) * unit) / 4;
  });
};

/** The exact ratio, log-MAP: sums over all points. */
export const exactRatios: AxisRatios = (t, unit, order, out) => {
  const bits = AXIS_BITS[order];
  setSquares(t, 2 ** bits.length);
  bits.forEach((values, bit) => {
    out[bit] = logarithmOfSum(values, 0, unit / 4) - logarithmOfSum(values, 1, unit / 4);
  });
};

/** log Σ exp(-square·scale) over the points whose bit has the value; relative to the nearest, so that none vanishes. */
function logarithmOfSum(values: readonly (0 | 1)[], value: 0 | 1, scale: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < values.length; index++)
    if (values[index] === value) nearest = Math.min(nearest, squares[index]!);
  let sum = 0;
  for (let index = 0; index < values.length; index++)
    if (values[index] === value) sum += Math.exp((nearest - squares[index]!) * scale);
  return Math.log(sum) - nearest * scale;
}

/** Max-log with each bit scaled to the mean of the exact ratio. */
export const scaledMaxLogRatios: AxisRatios = (t, unit, order, out) => {
  maxLogRatios(t, unit, order, out);
  MAX_LOG_FACTORS[order].forEach((factor, bit) => {
    out[bit]! *= factor;
  });
};

/** `unit` of {@link AxisRatios} for a noise variance. */
export function axisUnit(order: SquareOrder, noise: number): number {
  return (4 * HALF_DISTANCE[order] ** 2) / noise;
}
