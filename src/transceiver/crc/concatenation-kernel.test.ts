import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { concatenationKernel } from "./concatenation-kernel.js";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const [FROM, TO] = [1024, 32768];

describe.each(testTargets)("concatenation kernel on $name", (target) => {
  it.each([16, 64])("joins parts of any length by vectors of %i bytes", (lanes) => {
    const run = target.compile(concatenationKernel(lanes), memory);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat({ max: 9 }),
        fc.nat({ max: 400 }),
        (sequences, part, gap, missing) => {
          const stride = part + gap;
          const total = Math.max(0, sequences * part - missing);
          const from = Array.from({ length: sequences * stride }, (_, at) => (at * 7 + (at >> 8)) & 255);
          new Uint8Array(memory.buffer, FROM, from.length).set(from);
          const to = new Uint8Array(memory.buffer, TO, total + 1).fill(9);
          run(FROM, TO, sequences, stride, part, total);
          const parts = Array.from({ length: sequences }, (_, k) =>
            from.slice(k * stride, k * stride + part),
          );
          expect([...to]).toEqual([...parts.flat().slice(0, total), 9]);
        },
      ),
      { seed: 38212, numRuns: 60 },
    );
  });
});
