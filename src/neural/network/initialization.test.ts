import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { createRandom } from "../../system/index.js";
import { type Initialization, initialWeights } from "./initialization.js";

const fans = { inputs: 50, outputs: 200 };

function drawn(initialization: Initialization, seed = 3): number[] {
  return [...initialWeights(initialization, createRandom(seed), [400, 500], fans).data];
}

/** Mean and variance. */
function moments(values: readonly number[]): [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
}

describe("weights begin", () => {
  // 200,000 draws: the variance of each is known to about 0.4 %, and 2 % is five deviations or more.
  it("by Glorot uniformly with the variance 2 / (inputs + outputs)", () => {
    const values = drawn("glorot");
    const limit = Math.sqrt(6 / 250);
    expect(Math.max(...values.slice(0, 5000))).toBeLessThanOrEqual(limit);
    expect(Math.max(...values.slice(0, 5000))).toBeGreaterThan(0.99 * limit);
    const [mean, variance] = moments(values);
    expect(Math.abs(mean)).toBeLessThan(0.01 * limit);
    expect(variance / (2 / 250)).toBeCloseTo(1, 1.7);
  });

  it("by He with the variance 2 / inputs", () => {
    const [mean, variance] = moments(drawn("he"));
    expect(Math.abs(mean)).toBeLessThan(0.003);
    expect(Math.abs(variance / (2 / 50) - 1)).toBeLessThan(0.02);
  });

  it("cut at two deviations with the variance 1 / inputs", () => {
    const values = drawn("truncated-normal");
    const [mean, variance] = moments(values);
    expect(Math.abs(mean)).toBeLessThan(0.003);
    expect(Math.abs(variance / (1 / 50) - 1)).toBeLessThan(0.02);
    const largest = values.reduce((all, value) => Math.max(all, Math.abs(value)), 0);
    // Two deviations of the normal variable, whose variance the cut lowers to 0.7737 of it (its density at 2 is 0.05399).
    expect(largest / Math.sqrt(1 / 50 / 0.77374)).toBeLessThanOrEqual(2.0001);
    expect(largest / Math.sqrt(1 / 50 / 0.77374)).toBeGreaterThan(1.99);
  });

  it("at 0, and all by their seed", () => {
    expect(new Set(drawn("zeros"))).toEqual(new Set([0]));
    expect(drawn("he")).toEqual(drawn("he"));
    expect(drawn("he")).not.toEqual(drawn("he", 4));
  });

  it("not by the terabyte", () => {
    expect(() => initialWeights("he", createRandom(1), [65536, 65536], fans)).toThrow(InputError);
  });
});
