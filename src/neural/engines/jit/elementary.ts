import { arith, math, type Value } from "../../../compiler/index.js";
import type { BinaryFunction, UnaryFunction } from "./plan.js";

/** The greater of two in one instruction; `a` where `a` is no number, so that what is no number is not lost. */
function greater(a: Value, b: number): Value {
  const bound = splat(b, a);
  return arith.select(arith.cmpf("ogt", bound, a), bound, a);
}

/** The smaller of two in one instruction; `a` where `a` is no number. */
function lesser(a: Value, b: number): Value {
  const bound = splat(b, a);
  return arith.select(arith.cmpf("olt", bound, a), bound, a);
}

function splat(value: number, like: Value): Value {
  return arith.constant(like.type, value);
}

/** Σ coefficients[k]·x^(n-1-k). */
function polynomial(x: Value, coefficients: readonly number[]): Value {
  const [first, ...others] = coefficients as [number, ...number[]];
  return others.reduce((sum, c) => math.fma(sum, x, splat(c, x)), splat(first, x));
}

/**
 * A ratio of odd and even polynomial, which is exact to a few units in the last place from 0 on; ±1 beyond the range,
 * where no f32 lies between. (The coefficients are those of Eigen's `ptanh`.)
 */
function tanh(x: Value): Value {
  const t = greater(lesser(x, 7.905311107635498), -7.905311107635498);
  const square = arith.mulf(t, t);
  const odd = polynomial(
    square,
    [
      -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8,
      1.48572235717979e-5, 6.37261928875436e-4, 4.89352455891786e-3,
    ],
  );
  const even = polynomial(
    square,
    [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3],
  );
  return arith.divf(arith.mulf(t, odd), even);
}

function sigmoid(x: Value): Value {
  return arith.divf(splat(1, x), arith.addf(math.exp(arith.negf(x)), 1));
}

/** max(x, 0) + log(1 + e^-|x|). What 1 + u loses of u is given back by the quotient: relative errors stay small. */
function softplus(x: Value): Value {
  const u = math.exp(arith.negf(math.absf(x)));
  const w = arith.addf(u, 1);
  const rounded = arith.subf(w, 1);
  const lost = arith.cmpf("oeq", rounded, 0);
  const ratio = arith.divf(u, arith.select(lost, splat(1, x), rounded));
  const logarithm = arith.select(lost, u, arith.mulf(math.log(w), ratio));
  return arith.addf(greater(x, 0), logarithm);
}

/** Functions of f32 vectors, to a relative error of about 1e-6; what is no number stays none. */
export const unaryFunctions: Readonly<Record<UnaryFunction, (x: Value) => Value>> = {
  abs: math.absf,
  exp: math.exp,
  log: math.log,
  neg: arith.negf,
  reciprocal: (x) => arith.divf(splat(1, x), x),
  relu: (x) => greater(x, 0),
  sigmoid,
  softplus,
  sqrt: math.sqrt,
  tanh,
};

/** Functions of two f32 vectors. */
export const binaryFunctions: Readonly<Record<BinaryFunction, (a: Value, b: Value) => Value>> = {
  add: arith.addf,
  sub: arith.subf,
  mul: arith.mulf,
  div: arith.divf,
  min: arith.minimumf,
  max: arith.maximumf,
  leakyRelu: (x, slope) => arith.select(arith.cmpf("olt", x, 0), arith.mulf(x, slope), x),
};
