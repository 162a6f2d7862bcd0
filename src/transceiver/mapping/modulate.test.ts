import { describe, expect, it } from "vitest";
import { goldBits } from "../pusch/gold-sequence.js";
import { constellation, prepareModulate } from "./modulate.js";

/** TS 38.211 5.1.2 to 5.1.6, the formulas of d(i) as they stand. */
const FORMULAS: Record<number, (b: (index: number) => number, i: number) => readonly [number, number]> = {
  1: (b, i) => {
    const value = (1 - 2 * b(0)) / Math.sqrt(2);
    const angle = (Math.PI / 2) * (i % 2);
    return [value * (Math.cos(angle) - Math.sin(angle)), value * (Math.sin(angle) + Math.cos(angle))];
  },
  2: (b) => [(1 - 2 * b(0)) / Math.sqrt(2), (1 - 2 * b(1)) / Math.sqrt(2)],
  4: (b) => [
    ((1 - 2 * b(0)) * (2 - (1 - 2 * b(2)))) / Math.sqrt(10),
    ((1 - 2 * b(1)) * (2 - (1 - 2 * b(3)))) / Math.sqrt(10),
  ],
  6: (b) => [
    ((1 - 2 * b(0)) * (4 - (1 - 2 * b(2)) * (2 - (1 - 2 * b(4))))) / Math.sqrt(42),
    ((1 - 2 * b(1)) * (4 - (1 - 2 * b(3)) * (2 - (1 - 2 * b(5))))) / Math.sqrt(42),
  ],
  8: (b) => [
    ((1 - 2 * b(0)) * (8 - (1 - 2 * b(2)) * (4 - (1 - 2 * b(4)) * (2 - (1 - 2 * b(6)))))) / Math.sqrt(170),
    ((1 - 2 * b(1)) * (8 - (1 - 2 * b(3)) * (4 - (1 - 2 * b(5)) * (2 - (1 - 2 * b(7)))))) / Math.sqrt(170),
  ],
};

describe.each([1, 2, 4, 6, 8] as const)("modulation of %d bits", (order) => {
  it("is that of the clause for every pattern, of mean power 1", () => {
    const points = constellation(order);
    expect(points).toHaveLength(2 * 2 ** order);
    for (let pattern = 0; pattern < 2 ** order; pattern++) {
      const [re, im] = FORMULAS[order]!((index) => (pattern >> (order - 1 - index)) & 1, 0);
      expect(points[2 * pattern]).toBeCloseTo(re, 6);
      expect(points[2 * pattern + 1]).toBeCloseTo(im, 6);
    }
    const power = points.reduce((sum, value) => sum + value * value, 0) / 2 ** order;
    expect(power).toBeCloseTo(1, 6);
  });

  it("takes the bits of a codeword in order", () => {
    const codeword = new Uint8Array(order * 101);
    goldBits(511, codeword);
    const symbols = new Float32Array(2 * 101);
    prepareModulate(order, codeword.length)(codeword, symbols);
    for (let symbol = 0; symbol < 101; symbol++) {
      const [re, im] = FORMULAS[order]!((index) => codeword[symbol * order + index]!, symbol);
      expect(symbols[2 * symbol]).toBeCloseTo(re, 6);
      expect(symbols[2 * symbol + 1]).toBeCloseTo(im, 6);
    }
  });
});
