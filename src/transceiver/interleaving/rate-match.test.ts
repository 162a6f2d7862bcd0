import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCarrier } from "../pusch/carrier.js";
import { codeBlocks } from "../pusch/code-blocks.js";
import { puschConfiguration } from "../pusch/configuration.js";
import { parseGrant } from "../pusch/grant.js";
import { rateMatching } from "../pusch/rate-matching.js";
import { prepareRateMatch, rateMatchingPositions } from "./rate-match.js";

/** TS 38.212 5.4.2.1 and 5.4.2.2 as they stand, on d with null for filler bits; the result names positions of d. */
function clause(
  d: readonly (number | null)[],
  bufferSize: number,
  start: number,
  outputBits: number,
  order: number,
) {
  const e: number[] = [];
  for (let j = 0; e.length < outputBits; j++) {
    const bit = d[(start + j) % bufferSize]!;
    if (bit !== null) e.push(bit);
  }
  const f = Array<number>(outputBits);
  for (let j = 0; j < outputBits / order; j++)
    for (let i = 0; i < order; i++) f[i + j * order] = e[(i * outputBits) / order + j]!;
  return f;
}

describe("bit selection and interleaving", () => {
  it("are those of the clause for every redundancy version, buffer, modulation and length", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          [24, 0.1],
          [176, 0.5],
          [640, 0.6],
          [552, 0.9],
          [3824, 0.5],
          [4224, 0.66],
          [13576, 0.2],
        ),
        fc.constantFrom(0, 1, 2, 3),
        fc.constantFrom(1, 2, 4, 6, 8),
        fc.integer({ min: 1, max: 3000 }),
        fc.option(fc.integer({ min: 100, max: 200 })),
        ([size, rate], rv, order, symbols, limit) => {
          const blocks = codeBlocks(size!, rate!);
          // At least 1.5 times the information fits a limited buffer that this transport block is allowed in.
          const limited = limit === null ? undefined : Math.ceil((size! * limit) / 100);
          const codeword = symbols * order * blocks.count;
          const matching = rateMatching(blocks, codeword, 1, order, rv as 0 | 1 | 2 | 3, limited);
          const d = Array.from({ length: blocks.encodedBits }, (_, position) =>
            position >= matching.fillerStart && position < matching.fillerEnd ? null : position,
          );
          const outputBits = matching.outputBits[0]!;
          const positions = rateMatchingPositions(matching, outputBits, order);
          expect([...positions]).toEqual(
            clause(d, matching.circularBufferSize, matching.start, outputBits, order),
          );
        },
      ),
      { seed: 5421, numRuns: 300 },
    );
  });

  it("reach past the end of the buffer into its start and skip filler bits there", () => {
    const matching = { circularBufferSize: 10, start: 7, fillerStart: 1, fillerEnd: 3, outputBits: [8] };
    expect([...rateMatchingPositions(matching, 8, 1)]).toEqual([7, 8, 9, 0, 3, 4, 5, 6]);
    expect([...rateMatchingPositions(matching, 8, 2)]).toEqual([7, 3, 8, 4, 9, 5, 0, 6]);
    expect([...rateMatchingPositions({ ...matching, start: 2 }, 3, 1)]).toEqual([3, 4, 5]);
    expect([...rateMatchingPositions(matching, 0, 2)]).toEqual([]);
  });

  it("concatenate the blocks in order", () => {
    const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
    const grant = parseGrant(
      { slot: 0, physCellId: 0, rnti: 1, rbStart: 0, rbSize: 51, mcsIndex: 20 },
      carrier,
    );
    const configuration = puschConfiguration(carrier, grant);
    const { count, encodedBits } = configuration.codeBlocks;
    expect(count).toBeGreaterThan(1);
    const encoded = new Uint8Array(count * encodedBits);
    for (let block = 0; block < count; block++)
      encoded.fill(block + 1, block * encodedBits, (block + 1) * encodedBits);
    const codeword = new Uint8Array(configuration.codewordBits);
    prepareRateMatch(configuration)(encoded, codeword);
    const expected = configuration.rateMatching.outputBits.flatMap((bits, block) =>
      Array<number>(bits).fill(block + 1),
    );
    expect([...codeword]).toEqual(expected);
  });
});
