import { describe, expect, it } from "vitest";
import { goldBits } from "../pusch/gold-sequence.js";
import { baseGraph } from "./base-graph.js";
import { prepareEncoder } from "./encode.js";
import { LIFTING_SIZES } from "./lifting-sizes.js";

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
