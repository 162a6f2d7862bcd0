import { describe, expect, it } from "vitest";
import { createRandom } from "../src/radio/index.js";
import { harqLink } from "./harq-link.js";
import { searchThreshold } from "./ldpc-sweep.js";

const seed = 38321;
const blocks = 300;

/** SNR in dB at which one block of ten is lost behind the last transmission. */
function threshold(
  size: number,
  rate: number,
  redundancyVersions: readonly (0 | 1 | 2 | 3)[],
  start: number,
) {
  const link = harqLink(size, rate, redundancyVersions);
  const measure = (snr: number) => {
    let errors = 0;
    for (let block = 0; block < blocks; block++) {
      if (!link.send(snr, createRandom(seed).fork(block))) errors++;
    }
    return { errors, blocks, iterations: 0 };
  };
  const { snr, interval } = searchThreshold(measure, start);
  return { snr, interval };
}

describe(`soft combining in AWGN, ${blocks} blocks, seed ${seed}`, () => {
  // Bits of a block, its rate, and about where one transmission loses a tenth: base graph 2, then 1.
  it.each([
    [976, 1 / 3, -1.1],
    [976, 0.6, 2.5],
    [1032, 0.87, 6.2],
  ])("of %i bits at rate %f", (size, rate, start) => {
    const once = threshold(size, rate, [0], start);
    const repeated = threshold(size, rate, [0, 0, 0, 0], start - 6);
    const gain = once.snr - repeated.snr;
    const uncertainty = once.interval + repeated.interval;
    console.log(
      `${size} bits at ${rate.toFixed(2)}: ${once.snr.toFixed(2)} dB; identical: ${gain.toFixed(2)} dB`,
    );
    expect(uncertainty).toBeLessThan(0.2);
    expect(Math.abs(gain - 20 * Math.log10(2))).toBeLessThan(0.3);
    if (rate < 0.6) return;
    const versions = threshold(size, rate, [0, 2, 3, 1], repeated.snr - 2);
    console.log(`redundancy versions 0, 2, 3, 1: ${(once.snr - versions.snr).toFixed(2)} dB`);
    expect(once.snr - versions.snr).toBeGreaterThan(gain);
  });
});
