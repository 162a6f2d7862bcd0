import { InputError } from "../../errors.js";
import type { State } from "../../functions/index.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import { LIFTING_SIZES } from "./lifting-sizes.js";

/** Where each field of the coding scheme stands; zeros before the first grant. */
export const codingSchemeIndex = Object.freeze({
  baseGraph: 0,
  /** Z_c. */
  liftingSize: 1,
  codeBlockCount: 2,
  /** Bits. */
  transportBlockSize: 3,
});

/** The state that encoding and decoding keep: how the transport blocks under the grant in force are coded. */
export const codingScheme = {
  dtype: "int32",
  dimensions: [Object.keys(codingSchemeIndex).length],
  version: 1,
} as const satisfies State;

/** Takes the coding scheme out of a grant message; one that is not valid leaves the scheme. Allocates nothing. */
export function keepCodingScheme(grant: Int32Array, scheme: Int32Array): void {
  if (grant[grantFieldIndex.valid] === 0) return;
  scheme[codingSchemeIndex.baseGraph] = grant[grantFieldIndex.baseGraph]!;
  scheme[codingSchemeIndex.liftingSize] = grant[grantFieldIndex.liftingSize]!;
  scheme[codingSchemeIndex.codeBlockCount] = grant[grantFieldIndex.codeBlockCount]!;
  scheme[codingSchemeIndex.transportBlockSize] = grant[grantFieldIndex.transportBlockSize]!;
}

/** The LDPC code of code blocks, as their sizes alone determine it. */
export interface CodeShape {
  readonly baseGraph: 1 | 2;
  /** Z_c. */
  readonly liftingSize: number;
  /** K': bits before filler bits, a code block's CRC included; a multiple of 8 for every size of TS 38.214. */
  readonly informationBits: number;
  /** K: 22 or 10 times the lifting size. */
  readonly codeBlockSize: number;
}

/**
 * The code of blocks with `circularBufferBit` encoded bits and `blockByte` bytes of information. N = 66·Z or 50·Z
 * tells the base graph: 66·Z = 50·Z' needs a lifting size that 25 divides, and there is none.
 * @throws InputError for sizes of no code.
 */
export function codeShape(circularBufferBit: number, blockByte: number): CodeShape {
  const baseGraph = LIFTING_SIZES.includes(circularBufferBit / 66) ? 1 : 2;
  const liftingSize = circularBufferBit / (baseGraph === 1 ? 66 : 50);
  if (!LIFTING_SIZES.includes(liftingSize))
    throw new InputError(
      "dimensions.circularBufferBit",
      circularBufferBit,
      "give 66 or 50 times a lifting size",
    );
  const codeBlockSize = (baseGraph === 1 ? 22 : 10) * liftingSize;
  const informationBits = 8 * blockByte;
  if (informationBits <= 2 * liftingSize || informationBits > codeBlockSize)
    throw new InputError(
      "dimensions.blockByte",
      blockByte,
      `give ${(liftingSize >> 2) + 1} to ${codeBlockSize >> 3} bytes for ${circularBufferBit} encoded bits`,
    );
  return { baseGraph, liftingSize, informationBits, codeBlockSize };
}
