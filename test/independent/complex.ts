/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** Resource grid `[antenna port or layer][OFDM symbol][subcarrier]`. */
export type Grid = Complex[][][];

export const zero: Complex = { re: 0, im: 0 };

export function complex(re: number, im = 0): Complex {
  return { re, im };
}

export function add(a: Complex, b: Complex): Complex {
  return { re: a.re + b.re, im: a.im + b.im };
}

export function subtract(a: Complex, b: Complex): Complex {
  return { re: a.re - b.re, im: a.im - b.im };
}

export function multiply(a: Complex, b: Complex): Complex {
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

export function scale(a: Complex, factor: number): Complex {
  return { re: a.re * factor, im: a.im * factor };
}

export function conjugate(a: Complex): Complex {
  return { re: a.re, im: -a.im };
}

/** |a|². */
export function power(a: Complex): number {
  return a.re * a.re + a.im * a.im;
}

/** a / b; b = 0 gives NaN or infinity, as division does. */
export function divide(a: Complex, b: Complex): Complex {
  return scale(multiply(a, conjugate(b)), 1 / power(b));
}

/** e^(j·angle), angle in radians. */
export function unit(angle: number): Complex {
  return { re: Math.cos(angle), im: Math.sin(angle) };
}

/** A grid of zeros. */
export function emptyGrid(ports: number, symbols: number, subcarriers: number): Grid {
  return Array.from({ length: ports }, () =>
    Array.from({ length: symbols }, () => Array.from({ length: subcarriers }, () => zero)),
  );
}
