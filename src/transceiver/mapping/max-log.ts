import { arith, math, type Value, vectorOf } from "../../compiler/index.js";
import { type AxisLlr, greater, lesser, type SquareOrder } from "./axis-llr.js";

/**
 * Max-log in closed form. The bits of the Gray mapping fold the axis: with `t_0 = t` and `t_(j+1) = 2^(m-1-j) - |t_j|`
 * bit j changes where t_j does its sign, and the nearest points of both its values give
 * `(k + 1)·(|t_j| - k)` with `k = min(⌊|t_j|/2⌋, 2^(m-1-j) - 1)`: the slope grows with every further point passed.
 */
export const maxLog: AxisLlr = (t, unit, order) => {
  const llrs: Value[] = [];
  let folded = t;
  for (let points = 2 ** (order / 2 - 1); points >= 1; points /= 2) {
    llrs.push(arith.mulf(steepened(folded, points - 1), unit));
    if (points > 1) folded = arith.subf(splat(points, folded), math.absf(folded));
  }
  return llrs;
};

/**
 * How much larger the mean of the exact ratio is than that of max-log, for each bit of an axis: max-log leaves out
 * all points but the nearest, which makes it too small at the signal-to-noise ratios where these modulations are
 * used. Means over the transmitted points at 6 dB (16QAM), 12 dB (64QAM) and 18 dB (256QAM), where code rates about
 * one half to two thirds reach a block error rate of 10 %; the factors tend to 1 with rising ratio.
 */
export const MAX_LOG_FACTORS: Readonly<Record<SquareOrder, readonly number[]>> = {
  2: [1],
  4: [1.05, 1.04],
  6: [1.03, 1.07, 1.068],
  8: [1.011, 1.034, 1.081, 1.084],
};

/** Max-log with each bit scaled to the mean of the exact ratio. */
export const scaledMaxLog: AxisLlr = (t, unit, order) =>
  maxLog(t, unit, order).map((llr, bit) => {
    const factor = MAX_LOG_FACTORS[order][bit]!;
    return factor === 1 ? llr : arith.mulf(llr, factor);
  });

/** `sign(t)·(k + 1)·(|t| - k)` with `k = min(⌊|t|/2⌋, most)`. */
function steepened(t: Value, most: number): Value {
  if (most === 0) return t;
  if (most === 1) return arith.subf(arith.addf(t, t), lesser(greater(t, -2), 2));
  // Adding 1.5·2^23 rounds to the nearest whole number: half less, it rounds down. Where that lies between two, both
  // give the same.
  const magic = 12582912;
  const magnitude = math.absf(t);
  const halfLess = lesser(arith.subf(arith.mulf(magnitude, 0.5), 0.5), most);
  const k = arith.subf(arith.addf(halfLess, magic), magic);
  const size = arith.mulf(arith.addf(k, 1), arith.subf(magnitude, k));
  return withSignOf(size, t);
}

/** A magnitude with the sign of another number. */
function withSignOf(magnitude: Value, signed: Value): Value {
  const sign = arith.andi(arith.bitcast(signed, "i32"), -0x80000000);
  return arith.bitcast(arith.ori(arith.bitcast(magnitude, "i32"), sign), "f32");
}

function splat(value: number, like: Value): Value {
  return arith.constant(vectorOf("f32", like.type.lanes), value);
}
