import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { CompiledKernel } from "../../compiler/index.js";
import { type CrcName, crc } from "./crc.js";
import {
  crcKernel,
  crcShape,
  crcTables,
  crcWorkspaceLength,
  remainderNumber,
  TABLE_WORDS,
} from "./crc-kernel.js";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const [REMAINDERS, TABLES, BYTES, WORKSPACE] = [512, 1024, 16384, 65536];

/** Remainder by long division of the bytes' bits, followed by as many zeros as the CRC has bits. */
function remainder(name: CrcName, bytes: Uint8Array): number {
  const { length, polynomial } = crc(name);
  const top = 2 ** (length - 1);
  let state = 0;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const carry = ((state & top) !== 0) !== (((byte >> bit) & 1) === 1);
      state = ((state << 1) & (2 * top - 1)) ^ (carry ? polynomial : 0);
    }
  return state;
}

const names = fc.constantFrom<CrcName>("crc24a", "crc24b", "crc24c", "crc16", "crc11", "crc6");

describe.each(testTargets)("CRC kernel on $name", (target) => {
  it.each([
    [[], 0],
    [[8], 192],
    [[16], 384],
    [[16, 8], 384],
    [[64, 16, 8], 1536],
  ])("gives the remainders of sequences, folded by vectors of %j bytes", (folds, least) => {
    const kernels = new Map<CrcName, CompiledKernel>();
    fc.assert(
      fc.property(
        names.filter((name) => folds.length === 0 || crc(name).length >= 16),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: least, max: 2 * least + 200 }),
        fc.nat({ max: 9 }),
        fc.integer({ min: 1, max: 255 }),
        (name, sequences, length, gap, factor) => {
          const shape = { crc: name, folds };
          const run = kernels.get(name) ?? target.compile(crcKernel(shape), memory);
          kernels.set(name, run);
          const stride = length + gap;
          const all = new Uint8Array(memory.buffer, BYTES, sequences * stride);
          for (let byte = 0; byte < all.length; byte++)
            all[byte] = Math.imul(byte * factor + 1, 0x9e3779b1) >>> 24;
          new Int32Array(memory.buffer, TABLES, TABLE_WORDS).set(crcTables(crc(name)));
          const remainders = new Int32Array(memory.buffer, REMAINDERS, sequences + 1).fill(7);
          const workspace = new Uint8Array(memory.buffer, WORKSPACE, crcWorkspaceLength(shape, length) + 1);
          // Nothing is to be found in the workspace.
          workspace.fill(factor);
          run(BYTES, TABLES, WORKSPACE, REMAINDERS, sequences, length, stride);
          for (let index = 0; index < sequences; index++) {
            const wanted = remainder(name, all.subarray(index * stride, index * stride + length));
            expect(remainderNumber(crc(name), remainders[index]!)).toBe(wanted);
          }
          expect(remainders[sequences]).toBe(7);
          expect(workspace.at(-1)).toBe(factor);
        },
      ),
      { seed: 38212, numRuns: 60 },
    );
  });

  it("folds as often as it pays", () => {
    expect(crcShape(crc("crc24a"), 36117, 64).folds).toEqual([64, 16, 8]);
    expect(crcShape(crc("crc24a"), 36117, 16).folds).toEqual([16, 8]);
    expect(crcShape(crc("crc24b"), 1035, 64).folds).toEqual([16, 8]);
    expect(crcShape(crc("crc16"), 100, 64).folds).toEqual([]);
  });
});
