import { describe, expect, it } from "vitest";
import { crc, crcOfBits } from "../crc/crc.js";
import { codeBlocks } from "../pusch/code-blocks.js";
import { goldBits } from "../pusch/gold-sequence.js";
import { baseGraph } from "./base-graph.js";
import { prepareEncoder } from "./encode.js";
import { LIFTING_SIZES } from "./lifting-sizes.js";
import { segment } from "./segment.js";

/** Some bits that differ with the seed. */
function bitsOf(seed: number, count: number): Uint8Array {
  const bits = new Uint8Array(count);
  goldBits(seed, bits);
  return bits;
}

describe.each([1, 2] as const)("LDPC encoder, base graph %d", (number) => {
  it.each(LIFTING_SIZES)("Z = %d fulfils every parity check", (liftingSize) => {
    const graph = baseGraph(number, liftingSize);
    const information = bitsOf(532 + liftingSize, graph.informationColumns * liftingSize);
    const encoded = new Uint8Array((graph.columns - 2) * liftingSize + 10).fill(7);
    const offset = new Uint8Array(information.length + 3);
    offset.set(information, 3);
    prepareEncoder(graph)(offset, 3, encoded, 5);
    expect([...encoded.subarray(0, 5), ...encoded.subarray(-5)]).toEqual(Array(10).fill(7));

    // The code's bits are the punctured information bits, then d.
    const code = [...information.subarray(0, 2 * liftingSize), ...encoded.subarray(5, -5)];
    expect(code.slice(0, information.length)).toEqual([...information]);
    const failed = graph.rows.flatMap((row, index) =>
      Array.from({ length: liftingSize }, (_, i) =>
        row.reduce(
          (sum, { column, shift }) => sum ^ code[column * liftingSize + ((i + shift) % liftingSize)]!,
          0,
        ),
      ).flatMap((check, i) => (check === 0 ? [] : [[index, i]])),
    );
    expect(failed).toEqual([]);
    expect(code.slice(information.length)).toContain(1);
  });

  it("keeps nothing from one block to the next", () => {
    const graph = baseGraph(number, 30);
    const encode = prepareEncoder(graph);
    const blocks = [1, 2, 1].map((seed) => {
      const encoded = new Uint8Array((graph.columns - 2) * 30);
      encode(bitsOf(seed, graph.informationColumns * 30), 0, encoded, 0);
      return encoded;
    });
    expect(blocks[2]).toEqual(blocks[0]);
    expect(blocks[1]).not.toEqual(blocks[0]);
  });
});

describe("segmentation, TS 38.212 5.2.2", () => {
  it("copies one block and fills it up with zeros", () => {
    const blocks = codeBlocks(4224, 0.66);
    const transportBlock = bitsOf(1, 4248);
    const segmented = new Uint8Array(blocks.codeBlockSize).fill(9);
    segment(blocks, transportBlock, segmented, crc("crc24b"));
    expect(segmented.subarray(0, 4248)).toEqual(transportBlock);
    expect(segmented.subarray(4248).every((bit) => bit === 0)).toBe(true);
  });

  it("gives every one of several blocks its CRC", () => {
    const blocks = codeBlocks(50184, 0.54);
    expect(blocks.count).toBe(6);
    const transportBlock = bitsOf(2, 50184 + 24);
    const segmented = new Uint8Array(blocks.count * blocks.codeBlockSize).fill(9);
    segment(blocks, transportBlock, segmented, crc("crc24b"));
    const payload = blocks.informationBits - 24;
    for (let block = 0; block < blocks.count; block++) {
      const start = block * blocks.codeBlockSize;
      expect(segmented.subarray(start, start + payload)).toEqual(
        transportBlock.subarray(block * payload, (block + 1) * payload),
      );
      expect(crcOfBits(crc("crc24b"), segmented, start, blocks.informationBits)).toBe(0);
      const filler = segmented.subarray(start + blocks.informationBits, start + blocks.codeBlockSize);
      expect(filler.every((bit) => bit === 0)).toBe(true);
    }
  });
});
