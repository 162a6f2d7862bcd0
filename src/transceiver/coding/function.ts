import { z } from "zod";
import { defineFunction, int8, int32, uint8 } from "../../functions/index.js";
import { codingScheme } from "./coding-scheme.js";
import { prepareEncoding } from "./encoding.js";
import { prepareMinSum } from "./min-sum.js";
import { harqProcesses, softBits } from "./soft-buffers.js";

/**
 * LDPC encoding. `blocks` holds the K' bits of each code block, CRC included, as packed bytes, first bit highest;
 * `codeword` the N bits d of each, one a byte, filler bits as FILLER. The sizes determine base graph and lifting
 * size. `grant` is a grant message.
 */
export const encoding = defineFunction({
  name: "encoding",
  clause: "TS 38.212 5.3.2, 6.2.3, 6.2.4",
  inputs: { blocks: uint8("codeBlock", "blockByte"), grant: int32("grantField") },
  outputs: { codeword: uint8("codeBlock", "circularBufferBit") },
  state: { codingScheme },
});

encoding.implement("plain", { kind: "model", prepare: prepareEncoding });

/**
 * LDPC decoding. `codeword` holds the soft bits of d_0 to d_(N-1) of each code block, log P(0)/P(1) in the scale of
 * demapping: filler bits 127, bits that were not received 0. `blocks` gets the K' bits of each code block, CRC
 * included, as packed bytes, first bit highest; `iterations` how many it took, negative where the parity checks
 * never held. `grant` is a grant message.
 *
 * Retransmissions are combined in `softBits`, a row of `softBit` soft bits for each of the `harqProcess` processes that are
 * kept, of whatever users: `harqKey` is the key of one, `softBitCapacity` says how many soft bits a carrier needs; what does not fit is decoded without combining, with 0 everything.
 */
export const decoding = defineFunction({
  name: "decoding",
  clause: "TS 38.212 5.3.2, 5.4.2, 6.2.3, 6.2.4, TS 38.321 5.4.2.2",
  inputs: { codeword: int8("codeBlock", "circularBufferBit"), grant: int32("grantField") },
  outputs: { blocks: uint8("codeBlock", "blockByte"), iterations: int32("codeBlock") },
  parameters: {
    maximumIterations: z.int().min(1).max(100).default(8),
    /** Stop after the first iteration that fulfils every parity check. */
    earlyStop: z.boolean().default(true),
    /** Highest position of the circular buffer that this transmission reaches; all of it unless given. */
    lastPosition: z.int().min(0).optional(),
  },
  state: { codingScheme, harqProcesses, softBits },
});

decoding.implement("min-sum", { kind: "model", prepare: prepareMinSum });
