import { attachCrc, type Crc } from "../crc/crc.js";
import type { CodeBlocks } from "../pusch/code-blocks.js";

/**
 * Segments a transport block with its CRC into code blocks (TS 38.212 5.2.2): CRC24B where there is more than one,
 * filler bits as 0. Allocates nothing.
 * @param transportBlock A + L bits, one a byte.
 * @param codeBlocks receives `count * codeBlockSize` bits.
 * @param crc24b of `crc("crc24b")`.
 */
export function segment(
  blocks: CodeBlocks,
  transportBlock: Uint8Array,
  codeBlocks: Uint8Array,
  crc24b: Crc,
): void {
  const payload = blocks.informationBits - blocks.crcLength;
  for (let block = 0; block < blocks.count; block++) {
    const start = block * blocks.codeBlockSize;
    for (let bit = 0; bit < payload; bit++) codeBlocks[start + bit] = transportBlock[block * payload + bit]!;
    if (blocks.crcLength > 0) attachCrc(crc24b, codeBlocks, start, payload);
    codeBlocks.fill(0, start + blocks.informationBits, start + blocks.codeBlockSize);
  }
}
