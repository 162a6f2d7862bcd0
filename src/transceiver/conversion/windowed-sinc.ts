/** Zero crossings of the filter on each side: its length is twice that, in samples of the lower rate. */
export const SINC_HALF_LENGTH = 15;

/** Kaiser's shape for 83 dB: 0.1102·(83 - 8.7). */
const KAISER_SHAPE = 8.19;

/** Modified Bessel function of the first kind, order 0. */
function bessel0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const BESSEL_AT_SHAPE = bessel0(KAISER_SHAPE);

/**
 * A low-pass filter's impulse response, `sin(πx)/(πx)` under a Kaiser window, `x` in samples of the lower rate from
 * its middle: ±1e-4 about 1 up to 0.82 of half the rate, below -80 dB from 1.18 on. At whole x it is exactly 0 or 1,
 * and beyond ±{@link SINC_HALF_LENGTH} it is 0.
 */
export function windowedSinc(x: number): number {
  if (x === 0) return 1;
  const position = x / SINC_HALF_LENGTH;
  if (Number.isInteger(x) || Math.abs(position) >= 1) return 0;
  const window = bessel0(KAISER_SHAPE * Math.sqrt(1 - position * position)) / BESSEL_AT_SHAPE;
  return (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
}
