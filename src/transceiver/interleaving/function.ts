import { defineFunction, int8, uint8 } from "../../functions/index.js";
import { prepareDeinterleaving } from "./deinterleaving.js";
import { prepareInterleaving } from "./interleaving.js";
import { interleavingParameters, interleavingSchemeSchema } from "./interleaving-scheme.js";

export { interleavingParameters };

/** Parameters of {@link deinterleaving} for a configuration. */
export const deinterleavingParameters = interleavingParameters;

/**
 * Rate matching, bit interleaving and concatenation. `codeword` holds the encoder's output d of each code block, one
 * bit a byte, filler bits as anything, since they are never selected; `bits` gets the bits that are sent.
 */
export const interleaving = defineFunction({
  name: "interleaving",
  clause: "TS 38.212 5.4.2, 5.5, 6.2.5, 6.2.6",
  inputs: { codeword: uint8("codeBlock", "circularBufferBit") },
  outputs: { bits: uint8("codewordBit") },
  parameters: { interleavingScheme: interleavingSchemeSchema },
});

interleaving.implement("plain", { kind: "model", prepare: prepareInterleaving });

/**
 * Recovers rate matching. `llrs` holds the soft bits that were sent; `codeword` gets, for each code block, those of the
 * encoder's output d: sums of repeated ones limited to ±127, 127 for filler bits, which are 0 for certain, and 0 for
 * bits that were not sent.
 */
export const deinterleaving = defineFunction({
  name: "deinterleaving",
  clause: "TS 38.212 5.4.2, 5.5, 6.2.5, 6.2.6",
  inputs: { llrs: int8("codewordBit") },
  outputs: { codeword: int8("codeBlock", "circularBufferBit") },
  parameters: { interleavingScheme: interleavingSchemeSchema },
});

deinterleaving.implement("transposition", { kind: "model", prepare: prepareDeinterleaving });
