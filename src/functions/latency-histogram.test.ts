import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLatencyHistogram } from "./latency-histogram.js";
import { percentile } from "./percentile.js";

function histogramOf(durations: readonly number[]) {
  const histogram = createLatencyHistogram();
  const times = new Float64Array(2);
  const add = (duration: number): void => {
    times[1] = duration;
    histogram.record(times, 0, 1);
  };
  for (const duration of durations) add(duration);
  const found = new Float64Array(1);
  const share = (of: number): number => {
    histogram.percentile(of, found, 0);
    return found[0]!;
  };
  return { add, share };
}

describe("a histogram of latencies", () => {
  it("gives every percentile at least, and by less than a tenth more", () => {
    const durations = fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), {
      minLength: 1,
      maxLength: 500,
    });
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
        const exact = percentile(
          [...all].sort((a, b) => a - b),
          share,
        );
        const found = histogramOf(all).share(share);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(1.1 * exact);
      }),
      { seed: 11 },
    );
  });

  it("has 0 of none, and takes what is beyond its bins into the outermost", () => {
    expect(histogramOf([]).share(0.99)).toBe(0);
    expect(histogramOf([0, -1]).share(1)).toBeLessThan(0.0011);
    expect(histogramOf([1e9]).share(1)).toBe(2 ** 16);
  });

  it("forgets", () => {
    const { add, share } = histogramOf(new Array<number>(2000).fill(100));
    expect(share(0.99)).toBeGreaterThan(99);
    for (let n = 0; n < 20_000; n++) add(1);
    expect(share(0.99)).toBeLessThan(1.1);
  });
});
