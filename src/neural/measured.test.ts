import { describe, expect, it } from "vitest";
import { meanOfShares, proportion } from "./measured.js";

describe("a measured share", () => {
  it("is not known to be zero because none was seen", () => {
    const { value, interval } = meanOfShares(0, 0, 1000);
    expect(value).toBe(0);
    // Clopper and Pearson's bound of 95 % of one side, -ln 0.05 / n, is known as the rule of three.
    expect(interval![1]).toBeGreaterThan(3 / 1000);
    expect(interval![1]).toBeLessThan(5 / 1000);
  });

  it("of draws that are 0 or 1 has about the interval of a proportion", () => {
    const [count, draws] = [300, 1000];
    const [low, high] = meanOfShares(count, count, draws).interval!;
    const [lowest, highest] = proportion(count, draws).interval!;
    expect(Math.abs(low - lowest)).toBeLessThan(1e-3);
    expect(Math.abs(high - highest)).toBeLessThan(1e-3);
  });

  it("stays between 0 and 1", () => {
    expect(meanOfShares(1e-3, 1e-6, 50).interval![0]).toBe(0);
    expect(meanOfShares(49.9, 49.85, 50).interval![1]).toBe(1);
  });
});
