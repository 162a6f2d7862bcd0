import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { type CrcName, crc } from "./crc.js";
import { crcKernel, crcTables, remainderNumber, TABLE_WORDS } from "./crc-kernel.js";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const [BYTES, TABLES, REMAINDERS] = [1024, 16384, 512];

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
  it.each([1, 2, 3])("gives the remainders of %i CRCs, in one piece or in two", (count) => {
    const run = target.compile(crcKernel(count), memory);
    const chosen = fc.array(names, { minLength: count, maxLength: count });
    fc.assert(
      fc.property(chosen, fc.uint8Array({ maxLength: 200 }), fc.nat(), (crcs, bytes, cut) => {
        new Uint8Array(memory.buffer, BYTES, bytes.length).set(bytes);
        const tables = new Int32Array(memory.buffer, TABLES, count * TABLE_WORDS);
        crcs.forEach((name, index) => {
          tables.set(crcTables(crc(name)), index * TABLE_WORDS);
        });
        const remainders = new Int32Array(memory.buffer, REMAINDERS, count + 1).fill(0);
        const wanted = crcs.map((name) => remainder(name, bytes));
        const got = () => crcs.map((name, index) => remainderNumber(crc(name), remainders[index]!));
        run(BYTES, TABLES, REMAINDERS, bytes.length);
        expect(got()).toEqual(wanted);
        remainders.fill(0);
        const first = cut % (bytes.length + 1);
        run(BYTES, TABLES, REMAINDERS, first);
        run(BYTES + first, TABLES, REMAINDERS, bytes.length - first);
        expect(got()).toEqual(wanted);
        expect(remainders[count]).toBe(0);
      }),
      { seed: 38212, numRuns: 60 },
    );
  });
});
