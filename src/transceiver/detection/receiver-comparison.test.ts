import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { type Comparison, gainAt, noWorseTarget, requiredSnr, worsePoints } from "./receiver-comparison.js";

const snrs_db = [0, 2, 4, 6, 8];
const slots = 400;

/** Two receivers whose slots are lost at random, the second as often as the first so many dB later. */
function comparison(gain_db: number): Comparison {
  const random = createRandom(6);
  const rate = (snr_db: number) => 10 ** (-snr_db / 4);
  const draws = Float64Array.from({ length: slots }, () => random.next());
  const errors = [0, gain_db].map((gain) =>
    snrs_db.map((snr_db) => draws.map((drawn) => (drawn < rate(snr_db + gain) ? 1 : 0))),
  );
  return { names: ["one", "other"], genies: [false, false], snrs_db, bitErrors: errors, blockErrors: errors };
}

describe("a comparison of receivers", () => {
  it("finds the SNR of a rate on straight lines of its logarithm", () => {
    expect(requiredSnr(0.1, [0, 2], [1, 0.01], 0.001)).toBeCloseTo(1, 9);
    expect(requiredSnr(0.1, [0, 2, 4], [1, 0.1, 0.01], 0.001)).toBeCloseTo(2, 9);
    expect(requiredSnr(0.1, [0, 2], [1, 0.5], 0.001)).toBeNaN();
    expect(requiredSnr(0.1, [0, 2], [0.05, 0.01], 0.001)).toBeNaN();
    // Whether half an error or none was counted makes no difference.
    expect(requiredSnr(0.1, [0, 2], [1, 0], 0.01)).toBeCloseTo(1, 9);
  });

  it("finds a gain, with an interval around it", () => {
    for (const gain_db of [0, 1, -0.5]) {
      const { value, interval } = gainAt(0.1, comparison(gain_db), "one", createRandom(1));
      expect(Math.abs(value - gain_db)).toBeLessThan(0.5);
      expect(interval![0]).toBeLessThanOrEqual(value);
      expect(interval![1]).toBeGreaterThanOrEqual(value);
      expect(interval![1] - interval![0]).toBeLessThan(2);
    }
  });

  it("leaves an interval open where draws of the slots do not reach the rate", () => {
    const lost = (errors: number) => Float64Array.from({ length: 20 }, (_, slot) => (slot < errors ? 1 : 0));
    // Nine of ten draws reach it at the last SNR with the first, and all with the second.
    const errors = [
      [lost(20), lost(1)],
      [lost(20), lost(0)],
    ];
    const few: Comparison = {
      names: ["one", "other"],
      genies: [false, false],
      snrs_db: [0, 2],
      bitErrors: errors,
      blockErrors: errors,
    };
    const { value, interval } = gainAt(0.1, few, "one", createRandom(1));
    expect(value).toBeGreaterThan(0);
    expect(interval![0]).toBe(Number.NEGATIVE_INFINITY);
    expect(interval![1]).toBe(Number.POSITIVE_INFINITY);
    const none = { ...few, blockErrors: [errors[0]!, [lost(20), lost(20)]] };
    expect(gainAt(0.1, none, "one", createRandom(1)).value).toBeNaN();
  });

  it("names points that are worse beyond chance, unless the other is a genie", () => {
    const worse = comparison(-2);
    expect(worsePoints(worse, worse.blockErrors)).toContain("one at 2 dB");
    expect(worsePoints({ ...worse, genies: [true, false] }, worse.blockErrors)).toEqual([]);
    const better = comparison(1);
    expect(worsePoints(better, better.blockErrors)).toEqual([]);
    expect(noWorseTarget("t", []).isMet).toBe(true);
    expect(noWorseTarget("t", ["one at 2 dB"]).isMet).toBe(false);
  });
});
