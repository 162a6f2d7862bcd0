import { arith, type Value, vector } from "../compiler/index.js";

/** Lanes of complex numbers inside a kernel: real and imaginary parts apart. */
export interface Complex {
  readonly re: Value;
  readonly im: Value;
}

export function add(a: Complex, b: Complex): Complex {
  return { re: arith.addf(a.re, b.re), im: arith.addf(a.im, b.im) };
}

export function subtract(a: Complex, b: Complex): Complex {
  return { re: arith.subf(a.re, b.re), im: arith.subf(a.im, b.im) };
}

export function multiply(a: Complex, b: Complex): Complex {
  return {
    re: arith.subf(arith.mulf(a.re, b.re), arith.mulf(a.im, b.im)),
    im: arith.addf(arith.mulf(a.re, b.im), arith.mulf(a.im, b.re)),
  };
}

/** conj(a)·b. */
export function multiplyConjugate(a: Complex, b: Complex): Complex {
  return {
    re: arith.addf(arith.mulf(a.re, b.re), arith.mulf(a.im, b.im)),
    im: arith.subf(arith.mulf(a.re, b.im), arith.mulf(a.im, b.re)),
  };
}

export function scale(a: Complex, by: number): Complex {
  return { re: arith.mulf(a.re, by), im: arith.mulf(a.im, by) };
}

/** All lanes are the scalar re + j·im. */
export function broadcast(re: Value, im: Value, lanes: number): Complex {
  return { re: vector.broadcast(re, lanes), im: vector.broadcast(im, lanes) };
}

/** Splits interleaved numbers, `lanes` in each of the two vectors, into their parts. */
export function split(first: Value, second: Value): Complex {
  const [re, im] = vector.deinterleave(first, second);
  return { re, im };
}
