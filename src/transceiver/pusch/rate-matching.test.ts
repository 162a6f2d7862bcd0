import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.js";
import { rateMatching } from "./rate-matching.js";

describe("rate matching, TS 38.212 5.4.2", () => {
  it("starts redundancy versions by Table 5.4.2.1-2 with the whole buffer", () => {
    const starts = (size: number, rate: number) =>
      ([0, 1, 2, 3] as const).map(
        (rv) => rateMatching(codeBlocks(size, rate), 6000, 1, 2, rv, undefined).start,
      );
    expect(starts(8424, 0.8)).toEqual([0, 17 * 384, 33 * 384, 56 * 384]);
    expect(starts(3824, 0.5)).toEqual([0, 13 * 384, 25 * 384, 43 * 384]);
  });

  it("starts redundancy versions by the limited buffer", () => {
    // One block of Z = 384: N_ref = floor(12000 / (2/3)) = 18000 of N = 25344; floor(33 · 18000 / 25344) = 23.
    const blocks = codeBlocks(8424, 0.8);
    expect(rateMatching(blocks, 6000, 1, 2, 2, 12000)).toMatchObject({
      circularBufferSize: 18000,
      start: 23 * 384,
    });
    expect(rateMatching(blocks, 6000, 1, 2, 1, 12000).start).toBe(12 * 384);
    expect(rateMatching(blocks, 6000, 1, 2, 3, 12000).start).toBe(39 * 384);
    expect(rateMatching(blocks, 6000, 1, 2, 0, 1e6).circularBufferSize).toBe(25344);
  });

  it("gives the shorter blocks first", () => {
    // Two blocks, G / (N_L · Q_m) = 7561 symbols.
    const { outputBits } = rateMatching(codeBlocks(13576, 0.54), 7561 * 4, 1, 4, 0, undefined);
    expect(outputBits).toEqual([3780 * 4, 3781 * 4]);
  });

  it("places filler bits behind the information, less the punctured blocks", () => {
    expect(rateMatching(codeBlocks(4224, 0.66), 6336, 1, 2, 0, undefined)).toMatchObject({
      fillerStart: 4248 - 2 * 208,
      fillerEnd: 4576 - 2 * 208,
    });
  });

  it("shares the codeword's symbols among the blocks, none more than one ahead", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(3824, 8424, 13576, 50184, 335976),
        fc.integer({ min: 50, max: 50000 }),
        fc.constantFrom(1, 2, 3, 4),
        fc.constantFrom(2, 4, 6, 8),
        (size, symbols, layers, order) => {
          const unit = layers * order;
          const { outputBits } = rateMatching(
            codeBlocks(size, 0.66),
            symbols * unit,
            layers,
            order,
            0,
            undefined,
          );
          expect(outputBits.reduce((sum, bits) => sum + bits, 0)).toBe(symbols * unit);
          expect(outputBits.every((bits) => bits % unit === 0)).toBe(true);
          expect(Math.max(...outputBits) - Math.min(...outputBits)).toBeLessThanOrEqual(unit);
          expect([...outputBits].sort((left, right) => left - right)).toEqual(outputBits);
        },
      ),
      { seed: 542, numRuns: 300 },
    );
  });
});
