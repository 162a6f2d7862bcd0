import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Kernel, Target } from "../../compiler/index.js";
import { combinationKernel, placementKernel, transpositionKernel } from "./deinterleaving-kernel.js";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const [FROM, TO] = [1024, 16384];

const softBits = (length: number) =>
  fc.array(fc.oneof(fc.integer({ min: -128, max: 127 }), fc.constantFrom(-128, -127, 127)), {
    minLength: length,
    maxLength: length,
  });

/** Runs a kernel that takes `from`, `to` and a count, and gives `to` with what stands on both sides of it. */
function results(
  target: Target,
  kernel: Kernel,
  from: readonly number[],
  before: readonly number[],
  count: number,
): number[] {
  const run = target.compile(kernel, memory);
  new Int8Array(memory.buffer, FROM, from.length).set(from);
  const to = new Int8Array(memory.buffer, TO - 1, before.length + 2);
  to.set([55, ...before, 66]);
  run(FROM, TO, count);
  expect([to[0], to.at(-1)]).toEqual([55, 66]);
  return [...to.subarray(1, -1)];
}

describe.each(testTargets)("transposition kernel on $name", (target) => {
  it.each([2, 4, 6, 8] as const)("of %i rows moves every bit to its place", (rows) => {
    for (const lanes of [16, 32, 64]) {
      const kernel = transpositionKernel(rows, lanes);
      const drawn = fc.integer({ min: 1, max: 150 }).chain((columns) => softBits(rows * columns));
      fc.assert(
        fc.property(drawn, (received) => {
          const columns = received.length / rows;
          const wanted = received.map((_, at) => received[(at % columns) * rows + Math.floor(at / columns)]!);
          expect(results(target, kernel, received, new Array(received.length).fill(1), columns)).toEqual(
            wanted,
          );
        }),
        { seed: 38212, numRuns: 30 },
      );
    }
  });
});

const pairs = fc
  .integer({ min: 0, max: 200 })
  .chain((count) => fc.record({ from: softBits(count), before: softBits(count) }));

describe.each(testTargets)("placement and combination kernels on $name", (target) => {
  it.each([16, 32, 64])("place runs of any length, %i lanes", (lanes) => {
    fc.assert(
      fc.property(pairs, ({ from, before }) => {
        expect(results(target, placementKernel(lanes), from, before, from.length)).toEqual(from);
      }),
      { seed: 38212, numRuns: 30 },
    );
  });

  it.each([16, 32, 64])("combine runs of any length, limited to ±127, %i lanes", (lanes) => {
    fc.assert(
      fc.property(pairs, ({ from, before }) => {
        const wanted = from.map((bit, at) => Math.max(-127, Math.min(127, bit + before[at]!)));
        expect(results(target, combinationKernel(lanes), from, before, from.length)).toEqual(wanted);
      }),
      { seed: 38212, numRuns: 30 },
    );
  });
});
