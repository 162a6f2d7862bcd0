import { arith, math } from "./arith.js";
import { constant } from "./builder.js";
import type { Operation, Value } from "./operation.js";
import { withElement } from "./type.js";
import { type Reduction, vector } from "./vector.js";

/** Operations that every target says in others, in the same ones: so that results are the same. */

/** A reduction lane after lane. */
export function expandReduction(operation: Operation): Value {
  const source = operation.operands[0]!;
  const kind = operation.attributes.kind as Reduction;
  const float = source.type.element === "f32" || source.type.element === "f64";
  const operators: Record<Reduction, (a: Value, b: Value) => Value> = {
    add: float ? arith.addf : arith.addi,
    mul: float ? arith.mulf : arith.muli,
    minsi: arith.minsi,
    minui: arith.minui,
    maxsi: arith.maxsi,
    maxui: arith.maxui,
    and: arith.andi,
    or: arith.ori,
    xor: arith.xori,
    minimumf: arith.minimumf,
    maximumf: arith.maximumf,
  };
  let result = vector.extract(source, 0);
  for (let k = 1; k < source.type.lanes; k++) result = operators[kind](result, vector.extract(source, k));
  return result;
}

/** e^x for f32 by range reduction to ±ln(2)/2 and a polynomial of degree 6 (Cephes' coefficients). */
export function expandExponential(operation: Operation): Value {
  const x = operation.operands[0]!;
  const integer = withElement(x.type, "i32");
  const f = (v: number): Value => constant(x.type, v);
  const clamped = arith.maximumf(arith.minimumf(x, f(88.8)), f(-88));
  const n = math.roundeven(arith.mulf(clamped, f(Math.LOG2E)));
  // ln 2 in two pieces: the product of n with the first is exact.
  let r = arith.subf(clamped, arith.mulf(n, f(0.693359375)));
  r = arith.subf(r, arith.mulf(n, f(-2.1219444e-4)));
  let p = f(1.98756915e-4);
  for (const c of [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]) {
    p = arith.addf(arith.mulf(p, r), f(c));
  }
  p = arith.addf(arith.addf(arith.mulf(arith.mulf(p, r), r), r), f(1));
  // 2^n in two factors, so that n = 128 does not overflow before the product does.
  const i = arith.fptosi(n, "i32");
  const half = arith.shrsi(i, 1);
  const power = (k: Value): Value =>
    arith.bitcast(arith.shli(arith.addi(k, constant(integer, 127)), constant(integer, 23)), "f32");
  const value = arith.mulf(arith.mulf(p, power(half)), power(arith.subi(i, half)));
  const flushed = arith.select(arith.cmpf("olt", x, f(-87.336544)), f(0), value);
  const limited = arith.select(arith.cmpf("ogt", x, f(88.72284)), f(Number.POSITIVE_INFINITY), flushed);
  return arith.select(arith.cmpf("une", x, x), x, limited);
}

/** Natural logarithm for f32: exponent and a polynomial on the mantissa in [√½, √2) (Cephes' coefficients). */
export function expandLogarithm(operation: Operation): Value {
  const x = operation.operands[0]!;
  const integer = withElement(x.type, "i32");
  const f = (v: number): Value => constant(x.type, v);
  const int = (v: number): Value => constant(integer, v);
  // Numbers below the normal range are scaled up first.
  const tiny = arith.cmpf("olt", x, f(1.17549435e-38));
  const scaled = arith.select(tiny, arith.mulf(x, f(2 ** 24)), x);
  const bits = arith.bitcast(scaled, "i32");
  const exponent = arith.subi(arith.andi(arith.shrui(bits, int(23)), int(255)), int(126));
  const mantissa = arith.bitcast(arith.ori(arith.andi(bits, int(0x007fffff)), int(0x3f000000)), "f32");
  const low = arith.cmpf("olt", mantissa, f(Math.SQRT1_2));
  const one = f(1);
  const m = arith.subf(arith.select(low, arith.addf(mantissa, mantissa), mantissa), one);
  let e = arith.sitofp(exponent, "f32");
  e = arith.subf(e, arith.select(low, one, f(0)));
  e = arith.subf(e, arith.select(tiny, f(24), f(0)));
  const z = arith.mulf(m, m);
  let p = f(7.0376836292e-2);
  for (const c of [
    -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
    -2.4999993993e-1, 3.3333331174e-1,
  ]) {
    p = arith.addf(arith.mulf(p, m), f(c));
  }
  let y = arith.mulf(arith.mulf(p, m), z);
  y = arith.addf(y, arith.mulf(e, f(-2.1219444e-4)));
  y = arith.subf(y, arith.mulf(z, f(0.5)));
  const value = arith.addf(arith.addf(m, y), arith.mulf(e, f(0.693359375)));
  const infinity = f(Number.POSITIVE_INFINITY);
  const finite = arith.select(arith.cmpf("oeq", x, infinity), infinity, value);
  const defined = arith.select(arith.cmpf("uge", x, f(0)), finite, f(Number.NaN));
  const withZero = arith.select(arith.cmpf("oeq", x, f(0)), f(Number.NEGATIVE_INFINITY), defined);
  return arith.select(arith.cmpf("une", x, x), x, withZero);
}
