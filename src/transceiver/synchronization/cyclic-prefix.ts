import { type CompiledKernel, floatLanes, type Kernel, type Target } from "../../compiler/index.js";
import type { Tensor } from "../../functions/index.js";
import { symbolTable } from "../extraction/symbol-table.js";
import type { Carrier } from "../pusch/carrier.js";
import { cyclicPrefixProductsKernel, cyclicPrefixSumKernel } from "./cyclic-prefix-kernel.js";
import { guardSamples } from "./guard.js";
import { offsetFieldIndex } from "./offsets.js";

/** Estimates are used where they are this many of their standard deviations away from 0. */
const SIGNIFICANT_DEVIATIONS = 3;

/**
 * There is a signal where the correlation is this many of its standard deviations long: the best shift of many is
 * judged, and in noise alone its phase, being anything, would be significant.
 */
const DETECTED_DEVIATIONS = 8;

/**
 * Part of the subcarrier spacing by which a tracked frequency must miss what the prefixes say to be given up. DM-RS some
 * symbols apart give the frequency only up to a multiple of the inverse of their distance: what is tracked could stay
 * beside the true one by that for good, and by nothing less.
 */
const CONTRADICTION = 0.05;

/** The correlation must be this many standard deviations long to contradict, since every slot asks. */
const CONTRADICTING_DEVIATIONS = 12;

/** What the cyclic prefixes of one slot say. */
export interface CyclicPrefixEstimate {
  /** Whether there is a signal that repeats. */
  detected: boolean;
  /** Samples by which the slot is late; a whole number, at most the guard. */
  timing: number;
  /** Whether there is a signal and the prefixes agree better there than without a shift, beyond chance. */
  timingSignificant: boolean;
  /** Hz, within half the subcarrier spacing. */
  frequency: number;
  /** Standard deviation of `frequency` in Hz, from the spread of the symbols; infinite where there is no signal. */
  frequencyDeviation: number;
  frequencySignificant: boolean;
}

/** What preparing the estimate needs of a function's context. */
export interface EstimateContext {
  scratch(name: string, dtype: "float32", ...shape: number[]): Tensor<"float32">;
  compile(kernel: Kernel): CompiledKernel;
  readonly target: Target;
}

/** An estimate before anything was received. */
export function noEstimate(): CyclicPrefixEstimate {
  return {
    detected: false,
    timing: 0,
    timingSignificant: false,
    frequency: 0,
    frequencyDeviation: Infinity,
    frequencySignificant: false,
  };
}

/** Estimates timing and frequency of a slot from its prefixes. Neither of both allocates anything. */
export interface PrefixEstimation {
  /** Of the slot in `samples` (byte offset), wherever it lies within the guard, into `estimate`. */
  search(samples: number, estimate: CyclicPrefixEstimate): void;
  /** Of the slot that is late by `shift` samples, at most the guard, `shift` being `timing` then. */
  at(samples: number, shift: number, estimate: CyclicPrefixEstimate): void;
}

/** Whether prefixes contradict the frequency of `offsets` beyond doubt, by more than DM-RS could ever make up for. */
export function contradicts(
  estimate: CyclicPrefixEstimate,
  offsets: Float32Array,
  spacing_hz: number,
): boolean {
  const distance = Math.abs(estimate.frequency - offsets[offsetFieldIndex.frequency]!);
  // A whole spacing more or less looks the same to prefixes.
  const apart = Math.abs(distance - spacing_hz * Math.round(distance / spacing_hz));
  const certain = 2 * Math.PI * estimate.frequencyDeviation * CONTRADICTING_DEVIATIONS < spacing_hz;
  return certain && apart > CONTRADICTION * spacing_hz;
}

/**
 * Prepares the estimation of timing and frequency from the repetition that a cyclic prefix is: over all antennas and
 * symbols, the position where prefix and end of the symbol agree best within the guard, and the phase between them.
 *
 * Prefixes do not say which slot of the subframe it is. At 60 kHz, where every second slot begins with a longer
 * prefix, a slot without it looks like one with it that is early by the difference (0.52 µs): the smaller shift of
 * the two is taken.
 * @param sampleCount samples of an antenna's slot and both guards.
 */
export function prepareEstimateFromPrefixes(
  context: EstimateContext,
  carrier: Carrier,
  antennas: number,
  sampleCount: number,
): PrefixEstimation {
  const guard = guardSamples(carrier, sampleCount);
  const { symbols, starts, prefixes, lengths, shortestPrefix: count } = symbolTable(carrier);
  const shortest = lengths.indexOf(Math.min(...lengths));
  const longer = Math.max(...lengths) - lengths[shortest]!;
  // Where each symbol's comparison begins in the shortest slot: prefixes of all lengths end alike.
  const firsts = Int32Array.from({ length: symbols }, (_, symbol) => {
    const index = shortest * symbols + symbol;
    return starts[index]! + prefixes[index]! - count;
  });
  const span = count + 2 * guard + longer;
  const [distance, lanes] = [carrier.fftSize, floatLanes(context.target)];
  const addProducts = context.compile(cyclicPrefixProductsKernel({ count: span, distance, lanes }));
  const sumPrefix = context.compile(cyclicPrefixSumKernel({ count, distance, lanes }));
  const products = context.scratch("products", "float32", 3, span);
  const sums = context.scratch("sums", "float32", 3);
  const shifted = new Float64Array(2 * symbols);
  const unshifted = new Float64Array(2 * symbols);

  const accumulate = (samples: number) => {
    products.view.fill(0);
    for (let antenna = 0; antenna < antennas; antenna++)
      for (let symbol = 0; symbol < symbols; symbol++)
        addProducts(samples + 8 * (antenna * sampleCount + firsts[symbol]!), products.offset);
  };
  /** The best of all shifts of the shortest slot. */
  const search = (): number => {
    const { view } = products;
    let re = 0;
    let im = 0;
    let energy = 0;
    let best = 0;
    let shift = 0;
    for (let at = 0; at < span; at++) {
      re += view[at]!;
      im += view[span + at]!;
      energy += view[2 * span + at]!;
      const first = at - (count - 1);
      if (first < 0) continue;
      const agreement = (re * re + im * im) / (energy * energy);
      if (agreement > best) {
        best = agreement;
        shift = first - guard;
      }
      re -= view[first]!;
      im -= view[span + first]!;
      energy -= view[2 * span + first]!;
    }
    return shift;
  };
  const correlate = (samples: number, shift: number, correlations: Float64Array) => {
    correlations.fill(0);
    for (let symbol = 0; symbol < symbols; symbol++)
      for (let antenna = 0; antenna < antennas; antenna++) {
        const first = antenna * sampleCount + guard + firsts[symbol]! + shift;
        sumPrefix(samples + 8 * first, sums.offset);
        correlations[2 * symbol]! += sums.view[0]!;
        correlations[2 * symbol + 1]! += sums.view[1]!;
      }
  };
  const spacing = carrier.subcarrierSpacing * 1000;
  return {
    search(samples, estimate) {
      accumulate(samples);
      const shift = search();
      const expected = Math.abs(shift - longer) < Math.abs(shift) ? longer : 0;
      correlate(samples, shift, shifted);
      correlate(samples, expected, unshifted);
      evaluate(shifted, unshifted, spacing, estimate);
      estimate.timing = shift - expected;
    },
    at(samples, shift, estimate) {
      // Between where a slot with the longer prefix and one without have their prefixes: most of both is met.
      correlate(samples, Math.min(guard, shift + (longer >> 1)), shifted);
      evaluate(shifted, shifted, spacing, estimate);
      estimate.timing = shift;
    },
  };
}

/**
 * Judges the correlations of the symbols, `[symbol]` interleaved, at the best shift and without one: a true phase
 * or gain is common to the symbols, and what they differ by is the error of each.
 */
function evaluate(
  shifted: Float64Array,
  unshifted: Float64Array,
  spacing: number,
  estimate: CyclicPrefixEstimate,
): void {
  const symbols = shifted.length / 2;
  let re = 0;
  let im = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    re += shifted[2 * symbol]!;
    im += shifted[2 * symbol + 1]!;
  }
  const magnitude = Math.sqrt(re * re + im * im);
  const cos = magnitude > 0 ? re / magnitude : 1;
  const sin = magnitude > 0 ? im / magnitude : 0;
  let across = 0;
  let gain = 0;
  let gainSquared = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const a = shifted[2 * symbol]!;
    const b = shifted[2 * symbol + 1]!;
    across += (b * cos - a * sin) ** 2;
    const better = a * cos + b * sin - (unshifted[2 * symbol]! * cos + unshifted[2 * symbol + 1]! * sin);
    gain += better;
    gainSquared += better * better;
  }
  const unbiased = symbols / (symbols - 1);
  const hertz = spacing / (2 * Math.PI);
  const deviation = magnitude > 0 ? Math.sqrt(across * unbiased) / magnitude : Number.POSITIVE_INFINITY;
  const detected = deviation * DETECTED_DEVIATIONS < 1;
  estimate.detected = detected;
  estimate.frequency = magnitude > 0 ? Math.atan2(im, re) * hertz : 0;
  estimate.frequencyDeviation = deviation * hertz;
  estimate.frequencySignificant =
    detected && Math.abs(estimate.frequency) > SIGNIFICANT_DEVIATIONS * estimate.frequencyDeviation;
  const spread = Math.sqrt(Math.max(0, gainSquared - (gain * gain) / symbols) * unbiased);
  estimate.timingSignificant = detected && gain > SIGNIFICANT_DEVIATIONS * spread;
}
