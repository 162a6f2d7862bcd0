import { arith, type Value } from "../../compiler/index.js";
import type { ModulationOrder } from "../pusch/mcs.js";

/** Orders whose constellations are a product of two equal axes. */
export type SquareOrder = Exclude<ModulationOrder, 1>;

/**
 * Builds the soft bits of one axis of a square constellation, the even or the odd bits of a symbol.
 * @param t f32 vector of received amplitudes in units of half the distance of neighbouring points, so that the
 * points are at ±1, ±3, …; finite.
 * @param unit `4·d²/N0` times the scale of soft bits, d being that half distance and N0 the variance of the complex
 * noise; 0 must give 0.
 * @returns a vector for each bit of the axis, neither limited nor rounded.
 */
export type AxisLlr = (t: Value, unit: Value, order: SquareOrder) => Value[];

/** Half the distance of neighbouring points at mean power 1 (TS 38.211 5.1.3 to 5.1.6). */
export const HALF_DISTANCE: Readonly<Record<SquareOrder, number>> = {
  2: Math.SQRT1_2,
  4: 1 / Math.sqrt(10),
  6: 1 / Math.sqrt(42),
  8: 1 / Math.sqrt(170),
};

/** The smaller of two, in one instruction; the second where the first is no number. */
export function lesser(a: Value, b: Value | number): Value {
  return arith.select(arith.cmpf("olt", a, b), a, b);
}

/** The greater of two, in one instruction; the second where the first is no number. */
export function greater(a: Value, b: Value | number): Value {
  return arith.select(arith.cmpf("ogt", a, b), a, b);
}
