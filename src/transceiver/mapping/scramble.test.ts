import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goldBits } from "../pusch/gold-sequence.js";
import { prepareScramble } from "./scramble.js";

describe("scrambling, TS 38.211 6.3.1.1", () => {
  it("adds the sequence of its initial value, and twice gives the codeword back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.array(fc.constantFrom(0, 1), { maxLength: 300 }),
        (init, bits) => {
          const scramble = prepareScramble(bits.length);
          const codeword = Uint8Array.from(bits);
          const sequence = new Uint8Array(bits.length);
          goldBits(init, sequence);
          scramble(init, codeword);
          expect([...codeword]).toEqual(bits.map((bit, index) => (bit + sequence[index]!) % 2));
          scramble(init, codeword);
          expect([...codeword]).toEqual(bits);
        },
      ),
      { seed: 6311 },
    );
  });
});
