import {
  argument,
  arith,
  type Buffer,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import type { DmrsConfigType } from "../pusch/dmrs-ports.js";

/** Numbers of one plane (real or imaginary parts) of a row of pilots: room for a lag and a vector past the end. */
export function pilotStride(pilots: number): number {
  return 16 * Math.ceil((pilots + 32) / 16);
}

/** Bound of the numbers in a row of pilots, for the types of kernels' memory. */
export const MOST_PILOTS = 2 ** 16;

/** Pilots of a word of the sequence. */
const WORD = 16;

/** Lanes for the pilots past the last whole step: they must not read far past the row. */
export const LAST_LANES = 4;

/**
 * Least squares at the pilots of one CDM group, antenna and DM-RS symbol: `y·conj(r)/β` (TS 38.211 6.4.1.1.3 undone but
 * for the weights of the ports). Arguments: the grid's row from the group's first subcarrier on, the pseudo-random
 * sequence as i32 words from the bit of the first pilot on, a row of pilots (the plane of real parts, then that of
 * imaginary ones, `stride` apart), pilots, and `1/(β√2)`. Zeros follow the last pilot up to the next multiple of four.
 *
 * The sequence's bits choose signs.
 * @param lanes 4 to 16
 */
export const pilotsKernel = kernelBuilder(
  import.meta.url,
  "pilotsKernel",
  (configType: DmrsConfigType, lanes: number): Kernel => {
    // Subcarriers per pilot, on average: 2 (type 1) and 3 (type 2).
    const spacing = configType === 1 ? 2 : 3;
    return kernel(
      `pilots_type${configType}_v${lanes}`,
      {
        row: buffer("f32", 2 * spacing * MOST_PILOTS),
        sequence: buffer("i32", MOST_PILOTS / WORD),
        out: buffer("f32", MOST_PILOTS),
        pilots: argument("index"),
        stride: argument("index"),
        scale: argument("f32"),
      },
      ({ row, sequence, out, pilots, stride, scale }) => {
        /** The sequence's numbers, ±scale, from bits `first`, `first + 2`, … of the word's lanes. */
        const signs = (word: Value, first: number, lanes: number): Value => {
          const masks = Array.from({ length: lanes }, (_, lane) => (1 << (first + 2 * lane)) | 0);
          const set = arith.andi(word, arith.constant(vectorOf("i32", lanes), masks));
          const size = vector.broadcast(scale, lanes);
          return arith.select(arith.cmpi("ne", set, 0), arith.negf(size), size);
        };
        const products = (word: Value, bit: number, first: Value, lanes: number): [Value, Value] => {
          const [re, im] = loadPilots(row, arith.muli(first, 2 * spacing), configType, lanes);
          const [signRe, signIm] = [signs(word, bit, lanes), signs(word, bit + 1, lanes)];
          return [
            arith.addf(arith.mulf(re, signRe), arith.mulf(im, signIm)),
            arith.subf(arith.mulf(im, signRe), arith.mulf(re, signIm)),
          ];
        };
        const whole = arith.subi(pilots, arith.remui(pilots, WORD));
        scf.for(0, whole, WORD, (first) => {
          const word = vector.broadcast(memref.load(sequence, arith.divui(first, WORD)), lanes);
          for (let group = 0; group < WORD; group += lanes) {
            const at = indexSum(first, group);
            const [re, im] = products(word, 2 * group, at, lanes);
            vector.store(re, out, at);
            vector.store(im, out, arith.addi(at, stride));
          }
        });
        scf.for(whole, pilots, LAST_LANES, (first) => {
          const word = memref.load(sequence, arith.divui(whole, WORD));
          const bits = arith.indexCast(arith.muli(arith.subi(first, whole), 2), "i32");
          const shifted = vector.broadcast(arith.shrui(word, bits), LAST_LANES);
          // What follows the row may be anything, NaN included: a select keeps it out, a product would not.
          const inside = vector.createMask(arith.subi(pilots, first), LAST_LANES);
          const zero = arith.constant(vectorOf("f32", LAST_LANES), 0);
          const [re, im] = products(shifted, 0, first, LAST_LANES);
          vector.store(arith.select(inside, re, zero), out, first);
          vector.store(arith.select(inside, im, zero), out, arith.addi(first, stride));
        });
      },
    );
  },
);

/** `lanes` pilots of a CDM group from the number `first` of the row on, as real and imaginary parts. */
export function loadPilots(
  row: Buffer,
  first: Value,
  configType: DmrsConfigType,
  lanes: number,
): [Value, Value] {
  const at = (number: number, count: number) => vector.load(row, indexSum(first, number), count);
  if (configType === 1) {
    const quarter = (k: number) => at(k * lanes, lanes);
    return vector.deinterleave(
      everySecondPair(quarter(0), quarter(1)),
      everySecondPair(quarter(2), quarter(3)),
    );
  }
  const pairs = (from: number, count: number): Value =>
    count === 1
      ? at(12 * from, 4)
      : vector.concatenate(pairs(from, count / 2), pairs(from + count / 2, count / 2));
  return vector.deinterleave(pairs(0, lanes / 4), pairs(lanes / 4, lanes / 4));
}

/** Every second complex number of two vectors of them. */
function everySecondPair(a: Value, b: Value): Value {
  return vector.shuffle(
    a,
    b,
    Array.from({ length: a.type.lanes }, (_, k) => 4 * (k >> 1) + (k & 1)),
  );
}
