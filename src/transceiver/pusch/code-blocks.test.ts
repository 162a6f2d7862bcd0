import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { chooseBaseGraph, codeBlocks } from "./code-blocks.js";
import { mcs } from "./mcs.js";
import { transportBlockSize } from "./transport-block-size.js";

/** Every size that PUSCH resources give, with the rate that gave it. */
const sized = fc
  .record({
    prbs: fc.integer({ min: 1, max: 275 }),
    symbols: fc.integer({ min: 3, max: 14 }),
    table: fc.constantFrom(1, 2, 3),
    index: fc.integer({ min: 0, max: 27 }),
    layers: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ prbs, symbols, table, index, layers }) => {
    const { modulationOrder, targetCodeRate } = mcs(table as 1 | 2 | 3, index) as {
      modulationOrder: number;
      targetCodeRate: number;
    };
    const resources = { prbs, symbols, dmrsPerPrb: 12, overheadPerPrb: 0, layers, scaling: 1 };
    return {
      rate: targetCodeRate,
      size: transportBlockSize({ ...resources, modulationOrder, targetCodeRate }),
    };
  });

describe("base graph, TS 38.212 6.2.2", () => {
  it.each([
    [292, 0.9, 2],
    [296, 0.67, 2],
    [296, 0.68, 1],
    [3824, 0.67, 2],
    [3840, 0.67, 1],
    [3840, 0.25, 2],
    [100000, 0.25, 2],
    [100000, 0.26, 1],
  ] as const)("for %d bits at rate %d is %d", (size, rate, number) => {
    expect(chooseBaseGraph(size, rate)).toBe(number);
  });
});

describe("segmentation, TS 38.212 5.2.2", () => {
  it.each([
    // One block: CRC16, K_b 6 to 10 of base graph 2, or CRC24A and base graph 1.
    [24, 0.1, { baseGraph: 2, count: 1, transportBlockCrc: "crc16", informationBits: 40, liftingSize: 7 }],
    [176, 0.5, { baseGraph: 2, informationBits: 192, liftingSize: 32, codeBlockSize: 320, fillerBits: 128 }],
    [184, 0.5, { informationBits: 200, liftingSize: 26, codeBlockSize: 260 }],
    [552, 0.5, { informationBits: 568, liftingSize: 64 }],
    [640, 0.5, { informationBits: 656, liftingSize: 72, encodedBits: 3600 }],
    [
      3824,
      0.5,
      {
        baseGraph: 2,
        count: 1,
        transportBlockCrc: "crc16",
        informationBits: 3840,
        liftingSize: 384,
        fillerBits: 0,
      },
    ],
    [
      4224,
      0.66,
      {
        baseGraph: 1,
        count: 1,
        transportBlockCrc: "crc24a",
        crcLength: 0,
        informationBits: 4248,
        liftingSize: 208,
        liftingSizeSet: 6,
        encodedBits: 13728,
      },
    ],
    [8424, 0.66, { count: 1, crcLength: 0, informationBits: 8448, liftingSize: 384, fillerBits: 0 }],
    // Two blocks and more: CRC24B each.
    [8448, 0.66, { count: 2, crcLength: 24, informationBits: 4260, liftingSize: 208 }],
    [13576, 0.54, { count: 2, crcLength: 24, informationBits: 6824, liftingSize: 320, codeBlockSize: 7040 }],
  ])("of %d bits at rate %d", (size, rate, expected) => {
    expect(codeBlocks(size, rate)).toMatchObject(expected);
  });

  it("splits every transport block into equal blocks that the smallest lifting size holds", () => {
    fc.assert(
      fc.property(sized, ({ size, rate }) => {
        const blocks = codeBlocks(size, rate);
        const payload = blocks.informationBits - blocks.crcLength;
        expect(blocks.count * payload).toBe(size + blocks.transportBlockCrcLength);
        expect(blocks.fillerBits).toBeGreaterThanOrEqual(0);
        expect(blocks.informationBits + blocks.fillerBits).toBe(blocks.codeBlockSize);
        expect(blocks.codeBlockSize).toBeLessThanOrEqual(blocks.baseGraph === 1 ? 8448 : 3840);
        // Filler bits never reach into the punctured blocks.
        expect(blocks.informationBits).toBeGreaterThan(2 * blocks.liftingSize);
      }),
      { seed: 522, numRuns: 3000 },
    );
  });

  it("refuses a size that does not divide", () => {
    expect(() => codeBlocks(8449, 0.66)).toThrow(InputError);
    expect(() => codeBlocks(8449, 0.66)).toThrow("transportBlockSize: 8449");
  });
});
