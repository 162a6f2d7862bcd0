import type { Complex } from "./complex.js";
import { add, multiply, scale, unit, zero } from "./complex.js";

/** X(k) = Σ x(n)·e^(−j2πkn/N) for any N, by the sum; no input gives no output. */
export function dft(x: readonly Complex[]): Complex[] {
  return transform(x, -1);
}

/** x(n) = 1/N Σ X(k)·e^(j2πkn/N), by the sum. */
export function inverseDft(x: readonly Complex[]): Complex[] {
  return transform(x, 1).map((value) => scale(value, 1 / x.length));
}

function transform(x: readonly Complex[], sign: 1 | -1): Complex[] {
  const size = x.length;
  // The product is taken modulo N first: the angle of a large one would lose digits.
  return x.map((_, k) =>
    x.reduce(
      (sum, value, n) => add(sum, multiply(value, unit((sign * 2 * Math.PI * ((k * n) % size)) / size))),
      zero,
    ),
  );
}
