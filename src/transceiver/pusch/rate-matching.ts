import type { CodeBlocks } from "./code-blocks.js";

/** Rate matching of the code blocks of a codeword (TS 38.212 5.4.2). Positions count in the encoder's output d. */
export interface RateMatching {
  /** N_cb: bits of the circular buffer, filler bits included. */
  readonly circularBufferSize: number;
  /** k_0 of the redundancy version. */
  readonly start: number;
  /** First position of the filler bits. */
  readonly fillerStart: number;
  /** Position after the last filler bit; equal to `fillerStart` without filler bits. */
  readonly fillerEnd: number;
  /** E_r of each code block. */
  readonly outputBits: readonly number[];
}

/** Numerators of TS 38.212 Table 5.4.2.1-2 by redundancy version; the denominator is the columns of d, 66 or 50. */
const STARTS = { 1: [0, 17, 33, 56], 2: [0, 13, 25, 43] } as const;

/**
 * @param codewordBits G: bits of the codeword, a multiple of `layers * modulationOrder`.
 * @param limitedBufferSize TBS_LBRM in bits; undefined without limited-buffer rate matching.
 */
export function rateMatching(
  blocks: CodeBlocks,
  codewordBits: number,
  layers: number,
  modulationOrder: number,
  rvIndex: 0 | 1 | 2 | 3,
  limitedBufferSize: number | undefined,
): RateMatching {
  const { count, encodedBits, liftingSize, baseGraph } = blocks;
  const circularBufferSize =
    limitedBufferSize === undefined
      ? encodedBits
      : Math.min(encodedBits, Math.floor((limitedBufferSize * 3) / (count * 2)));
  const columns = baseGraph === 1 ? 66 : 50;
  const start =
    Math.floor((STARTS[baseGraph][rvIndex] * circularBufferSize) / (columns * liftingSize)) * liftingSize;
  const unit = layers * modulationOrder;
  const units = codewordBits / unit;
  const outputBits = Array.from({ length: count }, (_, block) =>
    block < count - (units % count) ? unit * Math.floor(units / count) : unit * Math.ceil(units / count),
  );
  return Object.freeze({
    circularBufferSize,
    start,
    fillerStart: blocks.informationBits - 2 * liftingSize,
    fillerEnd: blocks.codeBlockSize - 2 * liftingSize,
    outputBits: Object.freeze(outputBits),
  });
}
