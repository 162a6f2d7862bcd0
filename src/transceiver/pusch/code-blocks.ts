import { InputError } from "../../errors.js";
import { LIFTING_SIZES, liftingSizeSet } from "../coding/lifting-sizes.js";

/** How a transport block becomes LDPC code blocks (TS 38.212 5.2.2, 6.2.1 to 6.2.3). */
export interface CodeBlocks {
  readonly baseGraph: 1 | 2;
  /** Z_c. */
  readonly liftingSize: number;
  /** i_LS of TS 38.212 Table 5.3.2-1. */
  readonly liftingSizeSet: number;
  /** C. */
  readonly count: number;
  readonly transportBlockCrc: "crc24a" | "crc16";
  /** Bits of the transport block's CRC: 24 or 16. */
  readonly transportBlockCrcLength: 24 | 16;
  /** Bits of each code block's CRC24B: 24, or 0 where there is one block. */
  readonly crcLength: 24 | 0;
  /** K': bits of a code block, its CRC included, before filler bits. */
  readonly informationBits: number;
  /** K: bits that the encoder takes, 22 (base graph 1) or 10 times the lifting size. */
  readonly codeBlockSize: number;
  /** K - K'. */
  readonly fillerBits: number;
  /** N: bits that the encoder gives, 66 or 50 times the lifting size; filler bits among them. */
  readonly encodedBits: number;
}

/** TS 38.212 6.2.2: 2 for short blocks and low rates. */
export function chooseBaseGraph(transportBlockSize: number, targetCodeRate: number): 1 | 2 {
  if (transportBlockSize <= 292) return 2;
  if (transportBlockSize <= 3824 && targetCodeRate <= 0.67) return 2;
  return targetCodeRate <= 0.25 ? 2 : 1;
}

/**
 * Segmentation of a transport block.
 * @param transportBlockSize A in bits, at least 1.
 * @param targetCodeRate of the first transmission.
 * @throws InputError for a size that does not divide into equal code blocks, which TS 38.214 never gives.
 */
export function codeBlocks(transportBlockSize: number, targetCodeRate: number): CodeBlocks {
  const baseGraph = chooseBaseGraph(transportBlockSize, targetCodeRate);
  const transportBlockCrcLength = transportBlockSize > 3824 ? 24 : 16;
  const total = transportBlockSize + transportBlockCrcLength;
  const largest = baseGraph === 1 ? 8448 : 3840;
  const count = total <= largest ? 1 : Math.ceil(total / (largest - 24));
  const crcLength = count === 1 ? 0 : 24;
  const informationBits = total / count + crcLength;
  if (!Number.isInteger(informationBits))
    throw new InputError(
      "transportBlockSize",
      transportBlockSize,
      `give a size of TS 38.214 5.1.3.2; it has to divide into ${count} code blocks`,
    );
  const columns = informationColumns(baseGraph, total);
  const liftingSize = LIFTING_SIZES.find((size) => columns * size >= informationBits)!;
  const codeBlockSize = (baseGraph === 1 ? 22 : 10) * liftingSize;
  return Object.freeze({
    baseGraph,
    liftingSize,
    liftingSizeSet: liftingSizeSet(liftingSize),
    count,
    transportBlockCrc: transportBlockCrcLength === 24 ? "crc24a" : "crc16",
    transportBlockCrcLength,
    crcLength,
    informationBits,
    codeBlockSize,
    fillerBits: codeBlockSize - informationBits,
    encodedBits: (baseGraph === 1 ? 66 : 50) * liftingSize,
  });
}

/** K_b of TS 38.212 5.2.2. */
function informationColumns(baseGraph: 1 | 2, total: number): number {
  if (baseGraph === 1) return 22;
  if (total > 640) return 10;
  if (total > 560) return 9;
  return total > 192 ? 8 : 6;
}
