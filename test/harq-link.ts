import { wasmTarget } from "../src/compiler/index.js";
import { prepareFunction } from "../src/functions/index.js";
import type { Random } from "../src/radio/index.js";
import { baseGraph } from "../src/transceiver/coding/base-graph.js";
import { prepareEncoder } from "../src/transceiver/coding/encode.js";
import { decoding } from "../src/transceiver/coding/function.js";
import { harqProcessKey } from "../src/transceiver/coding/soft-buffers.js";
import { rateMatchingPositions } from "../src/transceiver/interleaving/rate-match.js";
import { LLR_SCALE } from "../src/transceiver/mapping/llr-scale.js";
import { codeBlocks } from "../src/transceiver/pusch/code-blocks.js";
import { GRANT_FIELDS, grantFieldIndex } from "../src/transceiver/pusch/grant-message.js";
import { rateMatching } from "../src/transceiver/pusch/rate-matching.js";

/** A transport block of random bits without CRC, sent bit by bit as ±1 over white noise, with soft combining. */
export interface HarqLink {
  /** dB: squared amplitude over the variance of the real noise, at each transmission. */
  send(snr: number, random: Random): boolean;
}

/**
 * The link of one block of `size` bits at a code rate, sent with each of the redundancy versions in turn until its
 * parity holds. `send` tells whether the bits that came out last are right.
 */
export function harqLink(
  size: number,
  rate: number,
  redundancyVersions: readonly (0 | 1 | 2 | 3)[],
): HarqLink {
  const blocks = codeBlocks(size, rate);
  if (blocks.count !== 1) throw new Error("one code block only");
  const { encodedBits, informationBits, liftingSize, baseGraph: number, fillerBits, codeBlockSize } = blocks;
  const encode = prepareEncoder(baseGraph(number, liftingSize));
  const sentBits = 2 * Math.round(size / rate / 2);
  const positions = redundancyVersions.map((rv) =>
    rateMatchingPositions(rateMatching(blocks, sentBits, 1, 2, rv, undefined), sentBits, 2),
  );
  const decoder = prepareFunction(decoding, "min-sum", {
    target: wasmTarget(),
    dimensions: {
      codeBlock: 1,
      circularBufferBit: encodedBits,
      blockByte: informationBits / 8,
      grantField: GRANT_FIELDS,
    },
    parameters: { maximumIterations: 20 },
    stateDimensions: { softBit: encodedBits, harqProcess: 1 },
  });
  decoder.choose(harqProcessKey, 0);
  const grant = decoder.inputs.grant.view;
  grant[grantFieldIndex.valid] = 1;
  grant[grantFieldIndex.rnti] = 1;
  grant[grantFieldIndex.transportBlockSize] = size;
  grant[grantFieldIndex.baseGraph] = number;
  grant[grantFieldIndex.liftingSize] = liftingSize;
  grant[grantFieldIndex.codeBlockCount] = 1;
  const bits = new Uint8Array(codeBlockSize);
  const encoded = new Uint8Array(encodedBits);
  const soft = decoder.inputs.codeword.view;
  const fillerEnd = codeBlockSize - 2 * liftingSize;
  return {
    send(snr, random) {
      random.bits(bits.subarray(0, informationBits));
      encode(bits, 0, encoded, 0);
      const deviation = 10 ** (-snr / 20);
      for (const [index, places] of positions.entries()) {
        soft.fill(0).fill(127, fillerEnd - fillerBits, fillerEnd);
        for (const place of places) {
          const llr = (2 / deviation ** 2) * (1 - 2 * encoded[place]! + deviation * random.gaussian());
          const quantized = Math.max(-127, Math.min(127, Math.round(LLR_SCALE * llr)));
          soft[place] = Math.max(-127, Math.min(127, soft[place]! + quantized));
        }
        grant[grantFieldIndex.newDataIndicator] = index === 0 ? 1 : 0;
        grant[grantFieldIndex.rvIndex] = redundancyVersions[index]!;
        decoder.process();
        if (decoder.outputs.iterations.view[0]! > 0) break;
      }
      const decided = decoder.outputs.blocks.view;
      return bits
        .subarray(0, informationBits)
        .every((bit, k) => bit === ((decided[k >> 3]! >> (7 - (k & 7))) & 1));
    },
  };
}
