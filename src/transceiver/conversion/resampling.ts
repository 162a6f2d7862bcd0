import { InputError } from "../../errors.js";
import { SINC_HALF_LENGTH, windowedSinc } from "./windowed-sinc.js";

/** Numbers that the tables of a ratio may hold: more phases than that are no ratio of converters' rates. */
const LARGEST_TABLE = 2 ** 18;

/** How one number of samples becomes another that takes the same time. */
export interface ResamplingPlan {
  /** Output samples of a period, each with factors of its own. */
  readonly phases: number;
  /** Input samples of a period. */
  readonly inputs: number;
  /** Input samples that an output sample is made of; even. */
  readonly taps: number;
  /** Zeros to put before the input, and behind it. */
  readonly lead: number;
  readonly padded: number;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Plans the conversion of `from` samples to `to` samples of the same duration.
 * @param lanes of the kernel: the taps are filled up to whole vectors.
 * @throws InputError for numbers below 1, or whose ratio is not one of small numbers.
 */
export function planResampling(from: number, to: number, lanes: number): ResamplingPlan {
  for (const [field, value] of [
    ["converterSample", from],
    ["sample", to],
  ] as const)
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new InputError(field, value, "give 1 or more samples");
  const common = greatestCommonDivisor(from, to);
  const [inputs, phases] = [from / common, to / common];
  const half = Math.ceil((SINC_HALF_LENGTH * Math.max(inputs, phases)) / phases);
  const perVector = Math.max(2, lanes) / 2;
  const taps = Math.ceil((2 * half) / perVector) * perVector;
  if (phases * taps > LARGEST_TABLE)
    throw new InputError(
      "sampleRate",
      `${to}/${from}`,
      "give rates whose ratio is one of small whole numbers, as 3/4",
    );
  // The last output sample lies at most one input sample before the end.
  return { phases, inputs, taps, lead: half, padded: from + half + taps };
}

/**
 * Factors of each phase, doubled for real and imaginary parts, and the sample of the padded input at which each
 * begins. The filter passes up to 0.82 of half the lower of both rates within ±1e-4 and stops below -80 dB from 1.18
 * on; its delay is made up for: output sample n stands at the time of input sample n·inputs/phases.
 */
export function resamplingTables({ phases, inputs, taps, lead }: ResamplingPlan): {
  factors: Float32Array;
  starts: Int32Array;
} {
  const factors = new Float32Array(2 * taps * phases);
  const starts = new Int32Array(phases);
  const width = Math.min(1, phases / inputs);
  for (let phase = 0; phase < phases; phase++) {
    const nearest = Math.floor((phase * inputs) / phases);
    const fraction = (phase * inputs) / phases - nearest;
    starts[phase] = nearest + 1;
    const weights = Array.from({ length: taps }, (_, tap) =>
      windowedSinc((tap - (lead - 1) - fraction) * width),
    );
    // Constant input stays constant in every phase: what a sampled filter's sum deviates would be a tone of its own.
    const sum = weights.reduce((total, weight) => total + weight, 0);
    weights.forEach((weight, tap) => {
      factors[2 * (phase * taps + tap)] = weight / sum;
      factors[2 * (phase * taps + tap) + 1] = weight / sum;
    });
  }
  return { factors, starts };
}
