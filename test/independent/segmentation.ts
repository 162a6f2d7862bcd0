import { liftingSizeSets } from "./base-graphs.js";
import { attachCrc } from "./crc.js";

/** The value of a filler bit <NULL>. */
export const filler = -1;

export interface Segmentation {
  readonly baseGraph: 1 | 2;
  readonly liftingSize: number;
  /** Code blocks of K bits, filler bits included. */
  readonly codeBlocks: number[][];
}

/** TS 38.212 6.2.2: the LDPC base graph of a transport block of A bits at code rate R of its MCS. */
export function selectBaseGraph(transportBlockSize: number, codeRate: number): 1 | 2 {
  return transportBlockSize <= 292 || (transportBlockSize <= 3824 && codeRate <= 0.67) || codeRate <= 0.25
    ? 2
    : 1;
}

/** TS 38.212 5.2.2: code block segmentation and code block CRC attachment of the B bits b. */
export function segment(bits: readonly number[], baseGraph: 1 | 2): Segmentation {
  const size = bits.length;
  const largest = baseGraph === 1 ? 8448 : 3840;
  const single = size <= largest;
  const crcLength = single ? 0 : 24;
  const count = single ? 1 : Math.ceil(size / (largest - crcLength));
  const blockSize = (size + count * crcLength) / count;

  let informationColumns = 22;
  if (baseGraph === 2) {
    informationColumns = size > 640 ? 10 : size > 560 ? 9 : size > 192 ? 8 : 6;
  }
  const candidates = liftingSizeSets
    .flat()
    .filter((candidate) => informationColumns * candidate >= blockSize);
  const liftingSize = Math.min(...candidates);
  const codeBlockLength = (baseGraph === 1 ? 22 : 10) * liftingSize;

  const codeBlocks: number[][] = [];
  for (let r = 0, start = 0; r < count; r++) {
    const payload = bits.slice(start, start + blockSize - crcLength);
    start += blockSize - crcLength;
    const block = single ? payload : attachCrc("CRC24B", payload);
    while (block.length < codeBlockLength) {
      block.push(filler);
    }
    codeBlocks.push(block);
  }
  return { baseGraph, liftingSize, codeBlocks };
}
