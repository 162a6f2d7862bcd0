import { HALF_DISTANCE, type SquareOrder } from "../axis-llr.js";
import { AXIS_BITS, type AxisRatios, axisUnit } from "./axis-ratios.js";

/** Steps of the quadrature in a standard deviation of the noise, and how many of those it goes beyond a point. */
const STEPS = 12;
const REACH = 8;

/**
 * What an axis demapper gives at amplitudes (mean power of the constellation 1) under complex noise of a variance: natural
 * log P(0)/P(1), `[amplitude][bit of the axis]`.
 */
export type AxisResponse = (amplitudes: Float64Array, noise: number) => ArrayLike<number>;

/**
 * Generalized mutual information of bit-interleaved coded modulation over white noise, in bit a symbol: what a demapper's
 * soft bits, taken as they are, carry of the code bits,
 * `Σ 1 - E log2(1 + exp(-(1 - 2b)·llr))`. It is at most what the exact ratios reach, and small or even negative for soft
 * bits that promise too much. Both axes being alike, one is integrated, by quadrature: nothing is drawn.
 * @param snr_db Es/N0.
 */
export function mutualInformation(order: SquareOrder, snr_db: number, response: AxisResponse): number {
  const noise = 10 ** (-snr_db / 10);
  const distance = HALF_DISTANCE[order];
  const deviation = Math.sqrt(noise / 2);
  const bits = AXIS_BITS[order];
  const points = 2 ** bits.length;
  const step = deviation / STEPS;
  const limit = (points - 1) * distance + REACH * deviation;
  const amplitudes = Float64Array.from(
    { length: 2 * Math.ceil(limit / step) + 1 },
    (_, k) => (k - Math.ceil(limit / step)) * step,
  );
  const ratios = response(amplitudes, noise);
  let lost = 0;
  for (let point = 0; point < points; point++) {
    const mean = (2 * point + 1 - points) * distance;
    for (let k = 0; k < amplitudes.length; k++) {
      const normal = (amplitudes[k]! - mean) / deviation;
      if (Math.abs(normal) > REACH) continue;
      const weight = Math.exp((-normal * normal) / 2);
      for (let bit = 0; bit < bits.length; bit++) {
        const ratio = ratios[k * bits.length + bit]!;
        lost += weight * softplus(bits[bit]![point] === 0 ? -ratio : ratio);
      }
    }
  }
  const density = 1 / (STEPS * Math.sqrt(2 * Math.PI) * points * Math.LN2);
  return 2 * (bits.length - lost * density);
}

/** log(1 + e^x). */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The response of a demapper given by its formula. */
export function formulaResponse(order: SquareOrder, ratios: AxisRatios): AxisResponse {
  const bits = AXIS_BITS[order].length;
  const out = new Float64Array(bits);
  return (amplitudes, noise) => {
    const all = new Float64Array(amplitudes.length * bits);
    amplitudes.forEach((amplitude, k) => {
      ratios(amplitude / HALF_DISTANCE[order], axisUnit(order, noise), order, out);
      all.set(out, k * bits);
    });
    return all;
  };
}
