import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import type { Crc } from "./crc.js";

/** Bytes that one step takes, each with a table of its own. */
const STEP = 8;
const BYTES = 256;

/** Words of the tables of one CRC. */
export const TABLE_WORDS = STEP * BYTES;

/**
 * Tables for {@link crcKernel}: at `k·256 + byte` the remainder of a byte that `k` zero bytes follow. Remainders here
 * have the byte that is transmitted first lowest, as words read from memory have it.
 */
export function crcTables(crc: Crc): Int32Array {
  const tables = new Int32Array(TABLE_WORDS);
  for (let byte = 0; byte < BYTES; byte++) tables[byte] = reversedBytes(crc.table[byte]!);
  for (let entry = BYTES; entry < TABLE_WORDS; entry++) {
    const shorter = tables[entry - BYTES]!;
    tables[entry] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}

function reversedBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** A remainder of {@link crcKernel} as the number of the CRC's length that `crcOfBytes` gives. */
export function remainderNumber(crc: Crc, remainder: number): number {
  return reversedBytes(remainder) >>> (32 - crc.length);
}

/**
 * Remainders of `count` packed bytes for several CRCs at once, eight bytes a step. `remainders` holds those of the
 * bytes before, 0 for none, and gets the new ones; `tables` those of each CRC, one after the other. The chains of
 * dependent look-ups of two CRCs hide each other's latency.
 */
export const crcKernel = kernelBuilder(import.meta.url, "crcKernel", (crcs: number): Kernel => {
  const most = 2 ** 24;
  return kernel(
    `crc_${crcs}`,
    {
      bytes: buffer("i8", most),
      tables: buffer("i32", crcs * TABLE_WORDS),
      remainders: buffer("i32", crcs),
      count: argument("index"),
    },
    ({ bytes, tables, remainders, count }) => {
      const all = Array.from({ length: crcs }, (_, crc) => crc);
      const lookUp = (crc: number, table: number, word: Value, shift: number) => {
        const shifted = shift === 0 ? word : arith.shrui(word, shift);
        const byte = shift === 24 ? shifted : arith.andi(shifted, 255);
        const base = crc * TABLE_WORDS + table * BYTES;
        return memref.load(tables, arith.addi(arith.indexCast(byte, "index"), base));
      };
      const whole = arith.subi(count, arith.remsi(count, STEP));
      const initial = all.map((crc) => memref.load(remainders, crc));
      const after = scf.for(0, whole, STEP, initial, (start, states) => {
        const words = vector.bitcast(vector.load(bytes, start, STEP), "i32");
        const [first, second] = [vector.extract(words, 0), vector.extract(words, 1)];
        return states.map((state, crc) => {
          const mixed = arith.xori(first, state);
          const found = [mixed, second].flatMap((word, half) =>
            [0, 1, 2, 3].map((byte) => lookUp(crc, STEP - 1 - 4 * half - byte, word, 8 * byte)),
          );
          // The words that wait for nothing first.
          return found.reverse().reduce((sum, remainder) => arith.xori(sum, remainder));
        });
      });
      const last = scf.for(whole, count, 1, after, (at, states) => {
        const byte = arith.extui(memref.load(bytes, at), "i32");
        return states.map((state, crc) =>
          arith.xori(arith.shrui(state, 8), lookUp(crc, 0, arith.xori(state, byte), 0)),
        );
      });
      for (const crc of all) memref.store(last[crc]!, remainders, crc);
    },
  );
});
