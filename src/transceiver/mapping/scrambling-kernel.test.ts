import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { SEQUENCE_WORDS, scramblingKernel } from "./scrambling-kernel.js";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });

/** Words of x(n + 31) = Σ x(n + tap), bit by bit. */
function shiftRegister(state: number, taps: readonly number[], words: number): Int32Array {
  const bits = Array.from({ length: 31 }, (_, bit) => (state >>> bit) & 1);
  while (bits.length < 32 * words) bits.push(taps.reduce((sum, tap) => sum ^ bits.at(tap - 31)!, 0));
  return Int32Array.from({ length: words }, (_, word) =>
    bits.slice(32 * word, 32 * word + 32).reduce((sum, bit, n) => sum | (bit << n), 0),
  );
}

describe.each(testTargets)("scrambling kernel on $name", (target) => {
  it.each([1, 4, 8, 16])("of %i lanes extends the second generator and adds the first", (lanes) => {
    const run = target.compile(scramblingKernel(lanes), memory);
    const state = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(state, state, fc.integer({ min: 0, max: 100 }), (first, second, words) => {
        const rounded = lanes * Math.ceil(words / lanes);
        const x1 = shiftRegister(first, [0, 3], rounded + 1);
        const x2 = shiftRegister(second, [0, 1, 2, 3], rounded + SEQUENCE_WORDS);
        const [X1, X2, C] = [1024, 8192, 16384];
        const stored = new Int32Array(memory.buffer, X2, rounded + SEQUENCE_WORDS + 1).fill(5);
        const sequence = new Int32Array(memory.buffer, C, rounded + 1).fill(5);
        new Int32Array(memory.buffer, X1, x1.length).set(x1);
        stored.set(x2.subarray(0, SEQUENCE_WORDS));
        run(X1, X2, C, words);
        expect([...stored]).toEqual([...x2, 5]);
        expect([...sequence]).toEqual([...x1.subarray(0, rounded).map((word, at) => word ^ x2[at]!), 5]);
      }),
      { seed: 38211, numRuns: 30 },
    );
  });
});
