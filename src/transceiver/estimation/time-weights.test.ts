import { describe, expect, it } from "vitest";
import { besselJ0, inverseBessel, linearWeights, prepareWienerWeights } from "./time-weights.js";

const symbols = Float64Array.from({ length: 14 }, (_, k) => k);

describe("weights in time", () => {
  it("are linear between positions and constant outside", () => {
    const weights = new Float32Array(28);
    linearWeights(Float64Array.of(2, 10), symbols, weights);
    expect([...weights.slice(0, 6)]).toEqual([1, 0, 1, 0, 1, 0]);
    expect([...weights.slice(12, 14)]).toEqual([0.5, 0.5]);
    expect([...weights.slice(20)]).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it("of Wiener are the mean for a still channel and the channel itself without error", () => {
    const weights = new Float32Array(42);
    const wiener = prepareWienerWeights(Float64Array.of(2, 7, 11), symbols, weights);
    wiener(Float64Array.of(1, 0.3));
    for (const weight of weights) expect(weight).toBeCloseTo(1 / 3.3, 5);
    wiener(Float64Array.of(0.5, 1e-6));
    expect(weights[3 * 7]).toBeCloseTo(0, 2);
    expect(weights[3 * 7 + 1]).toBeCloseTo(1, 2);
    // One position: no correlation is known, all symbols get it.
    const one = new Float32Array(14);
    prepareWienerWeights(Float64Array.of(2), symbols, one)(Float64Array.of(1, 0.25));
    for (const weight of one) expect(weight).toBeCloseTo(0.8, 5);
  });

  it("use the Bessel function (Abramowitz and Stegun, table 9.1)", () => {
    const table: [number, number][] = [
      [0, 1],
      [1, 0.7651976866],
      [2, 0.2238907791],
      [2.404825558, 0],
      [5, -0.1775967713],
      [8, 0.1716508071],
    ];
    for (const [x, value] of table) expect(Math.abs(besselJ0(x) - value)).toBeLessThan(1e-6);
    for (const x of [0.1, 0.7, 1.3, 1.9]) expect(inverseBessel(besselJ0(x))).toBeCloseTo(x, 4);
    expect(inverseBessel(1.2)).toBe(0);
    expect(inverseBessel(-0.4)).toBeCloseTo(2, 4);
  });
});
