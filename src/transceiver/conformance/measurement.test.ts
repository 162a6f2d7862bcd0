import { describe, expect, it } from "vitest";
import { requiredSnr } from "./measurement.js";

describe("the SNR at which the required throughput is reached", () => {
  const at = (...throughputs: number[]) =>
    requiredSnr(throughputs.map((throughput, index) => ({ snr_db: 2 * index, throughput })));

  it("lies between the points around 70 %", () => {
    expect(at(0.5, 0.6, 0.8, 0.9)).toBeCloseTo(3, 9);
    expect(at(0.2, 0.7, 0.9)).toBe(2);
  });

  it("is the last one, where noise makes the throughput fall again", () => {
    expect(at(0.72, 0.69, 0.71)).toBeCloseTo(3, 9);
  });

  it("is infinite outside of the points", () => {
    expect(at(0.1, 0.69)).toBe(Number.POSITIVE_INFINITY);
    expect(at(0.7, 0.9)).toBe(Number.NEGATIVE_INFINITY);
  });
});
