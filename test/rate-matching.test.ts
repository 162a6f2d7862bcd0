import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import {
  deinterleaving,
  deinterleavingParameters,
  interleaving,
  interleavingParameters,
} from "../src/transceiver/interleaving/function.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { rateMatch } from "./independent/rate-matching.js";
import { hasData } from "./independent/reference-data.js";
import { filler } from "./independent/segmentation.js";
import { dimensions, type IndependentGrant } from "./independent/transmitter.js";
import { carrierFor, productConfiguration } from "./product-grant.js";
import { testTargets } from "./targets.js";

const seed = 3821254;
const cases = 160;

/** The place in all code blocks' bits d, counted through, of every bit that is sent: rate matching of the places. */
function sentPlaces(grant: IndependentGrant, count: number, encodedBits: number, fillers: [number, number]) {
  const blocks = Array.from({ length: count }, (_, block) =>
    Array.from({ length: encodedBits }, (_, bit) =>
      bit >= fillers[0] && bit < fillers[1] ? filler : block * encodedBits + bit,
    ),
  );
  const { codedBits, modulationOrder, baseGraph } = dimensions(grant);
  return rateMatch(blocks, {
    baseGraph,
    liftingSize: encodedBits / (baseGraph === 1 ? 66 : 50),
    redundancyVersion: grant.rvIndex,
    codedBits,
    layers: grant.nrOfLayers,
    modulationOrder,
    limit: grant.limitedBuffer,
  });
}

describe(`rate matching of ${cases} random grants against the independent one, seed ${seed}`, () => {
  it.skipIf(!hasData)("selects the same bits, and adds soft bits where they belong", () => {
    const random = randomGenerator(seed);
    const seen = { versions: new Set<number>(), orders: new Set<number>(), limited: 0, repeated: 0, many: 0 };
    for (let index = 0; index < cases; index++) {
      const grant = randomGrant(random, index);
      const configuration = productConfiguration(grant, carrierFor(grant, random));
      const { codeBlocks, codewordBits, modulationOrder, rateMatching } = configuration;
      const { count, encodedBits, informationBits, codeBlockSize, liftingSize } = codeBlocks;
      const fillers: [number, number] = [informationBits - 2 * liftingSize, codeBlockSize - 2 * liftingSize];
      const places = sentPlaces(grant, count, encodedBits, fillers);
      expect(places).toHaveLength(codewordBits);
      const sizes = { codeBlock: count, circularBufferBit: encodedBits, codewordBit: codewordBits };

      const codeword = Uint8Array.from({ length: count * encodedBits }, () => random.integer(0, 255));
      const sent = runFunction(interleaving, "plain", {
        dimensions: sizes,
        parameters: interleavingParameters(configuration),
        inputs: { codeword },
      });
      expect(
        Buffer.compare(
          sent.outputs.bits,
          Uint8Array.from(places, (place) => codeword[place]!),
        ),
      ).toBe(0);

      const llrs = Int8Array.from({ length: codewordBits }, () => random.integer(-127, 127));
      const wanted = new Int8Array(count * encodedBits);
      for (let block = 0; block < count; block++)
        wanted.fill(127, block * encodedBits + fillers[0], block * encodedBits + fillers[1]);
      // Bits that are repeated come in the order of selection, as limited sums depend on it: row after row.
      let start = 0;
      for (const bits of rateMatching.outputBits) {
        const columns = bits / modulationOrder;
        for (let row = 0; row < modulationOrder; row++)
          for (let column = 0; column < columns; column++) {
            const at = start + column * modulationOrder + row;
            const sum = wanted[places[at]!]! + llrs[at]!;
            wanted[places[at]!] = Math.max(-127, Math.min(127, sum));
          }
        start += bits;
      }
      for (const target of testTargets) {
        const received = runFunction(deinterleaving, "transposition", {
          dimensions: sizes,
          parameters: deinterleavingParameters(configuration),
          target,
          inputs: { llrs },
        });
        const different = wanted.findIndex((llr, at) => received.outputs.codeword[at] !== llr);
        expect(different, `grant ${index} on ${target.name}`).toBe(-1);
      }

      seen.versions.add(grant.rvIndex);
      seen.orders.add(modulationOrder);
      if (rateMatching.circularBufferSize < encodedBits) seen.limited++;
      if (new Set(places).size < places.length) seen.repeated++;
      if (new Set(rateMatching.outputBits).size > 1) seen.many++;
    }
    expect([...seen.versions].sort()).toEqual([0, 1, 2, 3]);
    expect([...seen.orders].sort()).toEqual([2, 4, 6, 8]);
    expect(Math.min(seen.limited, seen.repeated, seen.many)).toBeGreaterThan(3);
  });
});
