/**
 * Fractional delay by a sinc under a Kaiser window: 32 taps leave the response within −69 dB of the ideal delay up to
 * 0.85 of the Nyquist frequency. NR signals stay below: the widest use of any channel bandwidth with the usual sample
 * rates is 0.83.
 */
export const sincTaps = 32;

/** Samples after the present one that the filter needs. */
export const sincLead = sincTaps / 2 - 1;

const kaiserShape = 7.4;

/**
 * Coefficients of a delay by `fraction`, 0 to below 1: coefficient i applies to the sample `i − sincLead` before the
 * present one. A fraction of 0 gives exactly a 1 and zeros.
 */
export function sincCoefficients(fraction: number, out: Float64Array): void {
  for (let i = 0; i < sincTaps; i++) {
    const x = i - sincLead - fraction;
    out[i] = x === 0 ? 1 : fraction === 0 ? 0 : sinc(x) * kaiser(x / (sincTaps / 2));
  }
}

function sinc(x: number): number {
  return Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Kaiser window over −1 to 1. */
function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : besselI0(kaiserShape * Math.sqrt(1 - x * x)) / besselI0(kaiserShape);
}

/** Modified Bessel function of order 0 by its power series, which converges fast for the shapes in use. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
