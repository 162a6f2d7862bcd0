import { createRandom } from "../src/radio/index.js";
import type { LdpcLink } from "./ldpc-link.js";
import type { LdpcReceiver } from "./ldpc-receivers.js";

export interface BlockErrors {
  readonly errors: number;
  readonly blocks: number;
  /** Mean over all blocks. */
  readonly iterations: number;
}

/** Block `k` of a seed has the same bits and noise at every SNR and for every receiver. */
export function blockErrors(
  link: LdpcLink,
  receive: LdpcReceiver,
  snr: number,
  blocks: number,
  seed: number,
): BlockErrors {
  const information = new Uint8Array(link.informationBits);
  const llrs = new Float64Array((link.graph.columns - 2) * link.graph.liftingSize);
  const random = createRandom(seed);
  let errors = 0;
  let iterations = 0;
  for (let block = 0; block < blocks; block++) {
    link.send(snr, random.fork(block), information, llrs);
    const count = receive(llrs, information);
    if (count < 0) errors++;
    iterations += Math.abs(count);
  }
  return { errors, blocks, iterations: iterations / blocks };
}

export interface Threshold {
  /** Es/N0 in dB at which one block of ten is lost. */
  readonly snr: number;
  /** Half the 95 % confidence interval, dB. */
  readonly interval: number;
  /** Mean iterations at the point just above. */
  readonly iterations: number;
}

const STEP = 0.1;

/** The threshold of a link with a receiver; the search begins at `start`. */
export function threshold(
  link: LdpcLink,
  receive: LdpcReceiver,
  start: number,
  blocks: number,
  seed: number,
): Threshold {
  return searchThreshold((snr) => blockErrors(link, receive, snr, blocks, seed), start);
}

/** Walks in steps of 0.1 dB until two neighbours lie on both sides of 10 %, then interpolates their logarithms. */
export function searchThreshold(measure: (snr: number) => BlockErrors, start: number): Threshold {
  const points = new Map<number, BlockErrors>();
  const at = (step: number): BlockErrors => {
    const known = points.get(step) ?? measure(start + step * STEP);
    points.set(step, known);
    return known;
  };
  const { blocks } = at(0);
  const lost = (step: number) => at(step).errors >= 0.1 * blocks;
  let upper = 0;
  while (lost(upper)) upper++;
  while (!lost(upper - 1)) upper--;
  // Half an error more keeps the logarithm finite.
  const logarithm = (step: number) => Math.log((at(step).errors + 0.5) / blocks);
  const slope = (logarithm(upper) - logarithm(upper - 1)) / STEP;
  const snr = start + upper * STEP + (Math.log(0.1) - logarithm(upper)) / slope;
  // The standard error of log p at p = 0.1 is √(0.9 / (0.1·n)).
  const interval = (1.96 * Math.sqrt(9 / blocks)) / Math.abs(slope);
  return { snr, interval, iterations: at(upper).iterations };
}
