import { filler } from "./segmentation.js";
import { transportBlockSize } from "./tbs.js";

/** What limits the circular buffer, TS 38.212 5.4.2.1. */
export interface LimitedBuffer {
  /** Layers for TBS_LBRM. */
  readonly layers: number;
  /** Highest modulation order of the serving cell: 8 with a 256-QAM MCS table, else 6. */
  readonly modulationOrder: number;
  /** Largest number of PRBs over the configured bandwidth parts of the carrier. */
  readonly bandwidth: number;
}

/** TS 38.212 Table 5.4.2.1-1: n_PRB,LBRM. */
export function limitedBufferPrbs(bandwidth: number): number {
  const upperEnds = [32, 66, 107, 135, 162, 217];
  return upperEnds.find((end) => bandwidth <= end) ?? 273;
}

/** TS 38.212 5.4.2.1: N_ref = ⌊TBS_LBRM / (C · 2/3)⌋. */
export function referenceLength(limit: LimitedBuffer, codeBlockCount: number): number {
  const size = transportBlockSize({
    resourceElements: 156 * limitedBufferPrbs(limit.bandwidth),
    modulationOrder: limit.modulationOrder,
    codeRate1024: 948,
    layers: limit.layers,
  });
  return Math.floor((3 * size) / (2 * codeBlockCount));
}

/** TS 38.212 5.4.2.1: E_r of each code block of a transport block with G coded bits, all blocks being sent. */
export function outputLengths(
  codedBits: number,
  codeBlockCount: number,
  layers: number,
  modulationOrder: number,
): number[] {
  const quantum = layers * modulationOrder;
  const lengths: number[] = [];
  for (let r = 0; r < codeBlockCount; r++) {
    lengths.push(
      r <= codeBlockCount - ((codedBits / quantum) % codeBlockCount) - 1
        ? quantum * Math.floor(codedBits / (quantum * codeBlockCount))
        : quantum * Math.ceil(codedBits / (quantum * codeBlockCount)),
    );
  }
  return lengths;
}

/** TS 38.212 Table 5.4.2.1-2: starting position k0. */
export function startingPosition(
  redundancyVersion: number,
  baseGraph: 1 | 2,
  bufferLength: number,
  liftingSize: number,
): number {
  const numerators = baseGraph === 1 ? [0, 17, 33, 56] : [0, 13, 25, 43];
  const denominator = baseGraph === 1 ? 66 : 50;
  const numerator = numerators[redundancyVersion]!;
  return Math.floor((numerator * bufferLength) / (denominator * liftingSize)) * liftingSize;
}

/** TS 38.212 5.4.2.1: bit selection of `length` bits from the circular buffer of the first N_cb bits of d. */
export function selectBits(
  d: readonly number[],
  bufferLength: number,
  startPosition: number,
  length: number,
): number[] {
  const e: number[] = [];
  for (let index = 0; e.length < length; index++) {
    const bit = d[(startPosition + index) % bufferLength]!;
    if (bit !== filler) {
      e.push(bit);
    }
  }
  return e;
}

/** TS 38.212 5.4.2.2: bit interleaving, f(i + j·Qm) = e(i·E/Qm + j). */
export function interleave(e: readonly number[], modulationOrder: number): number[] {
  const f: number[] = new Array<number>(e.length);
  const columns = e.length / modulationOrder;
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < modulationOrder; row++) {
      f[row + column * modulationOrder] = e[row * columns + column]!;
    }
  }
  return f;
}

/** What rate matching of one transport block depends on. */
export interface RateMatching {
  readonly baseGraph: 1 | 2;
  readonly liftingSize: number;
  readonly redundancyVersion: number;
  readonly codedBits: number;
  readonly layers: number;
  readonly modulationOrder: number;
  readonly limit?: LimitedBuffer | undefined;
}

/** TS 38.212 5.4.2 and 5.5: rate matching of all code blocks and their concatenation. */
export function rateMatch(blocks: readonly (readonly number[])[], matching: RateMatching): number[] {
  const { baseGraph, liftingSize, redundancyVersion, codedBits, layers, modulationOrder, limit } = matching;
  const lengths = outputLengths(codedBits, blocks.length, layers, modulationOrder);
  return blocks.flatMap((d, r) => {
    const bufferLength = limit ? Math.min(d.length, referenceLength(limit, blocks.length)) : d.length;
    const start = startingPosition(redundancyVersion, baseGraph, bufferLength, liftingSize);
    return interleave(selectBits(d, bufferLength, start, lengths[r]!), modulationOrder);
  });
}
