import {
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
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

const LANES = 4;

/**
 * Least squares at the pilots of one CDM group, antenna and DM-RS symbol: `y·conj(r)/β` (TS 38.211 6.4.1.1.3 undone but
 * for the weights of the ports). Arguments: the grid's row from the group's first subcarrier on, the pseudo-random
 * sequence as i32 words from the bit of the first pilot on, and a row of pilots: the plane of real parts, then that of
 * imaginary ones, {@link pilotStride} apart. Zeros follow the last pilot up to the end of its vector.
 *
 * Four pilots a step: the sequence's bits choose signs.
 */
export function pilotsKernel(configType: DmrsConfigType, pilots: number, amplitude: number): Kernel {
  const stride = pilotStride(pilots);
  // Subcarriers per pilot, on average: 2 (type 1) and 3 (type 2).
  const spacing = configType === 1 ? 2 : 3;
  const scale = Math.SQRT1_2 / amplitude;
  return kernel(
    `pilots_type${configType}_${pilots}_${Math.round(amplitude * amplitude)}`,
    {
      row: buffer("f32", 2 * spacing * pilots),
      sequence: buffer("i32", pilots / 16),
      out: buffer("f32", 2 * stride),
    },
    ({ row, sequence, out }) => {
      const bits = vectorOf("i32", LANES);
      const numbers = vectorOf("f32", LANES);
      const signs = (word: Value, first: number): Value => {
        const masks = Array.from({ length: LANES }, (_, lane) => (1 << (first + 2 * lane)) | 0);
        const set = arith.cmpi("ne", arith.andi(word, arith.constant(bits, masks)), 0);
        return arith.select(set, arith.constant(numbers, -scale), arith.constant(numbers, scale));
      };
      const load = (first: Value): [Value, Value] => {
        const at = (subcarrier: number) => vector.load(row, indexSum(first, 2 * subcarrier), LANES);
        if (configType === 2) return vector.deinterleave(at(0), at(6));
        const even = (a: Value, b: Value) => vector.shuffle(a, b, [0, 1, 4, 5]);
        return vector.deinterleave(even(at(0), at(2)), even(at(4), at(6)));
      };
      /** The four pilots from `group` (counted in fours within the word) on. */
      const four = (first: Value, word: Value, group: number, valid: number): void => {
        const from = arith.muli(first, 2 * spacing);
        const [re, im] = load(indexSum(from, 2 * spacing * LANES * group));
        const signRe = signs(word, 8 * group);
        const signIm = signs(word, 8 * group + 1);
        let outRe = arith.addf(arith.mulf(re, signRe), arith.mulf(im, signIm));
        let outIm = arith.subf(arith.mulf(im, signRe), arith.mulf(re, signIm));
        if (valid < LANES) {
          // What follows the row may be anything, NaN included: a select keeps it out, a product would not.
          const inside = vector.createMask(valid, LANES);
          outRe = arith.select(inside, outRe, arith.constant(numbers, 0));
          outIm = arith.select(inside, outIm, arith.constant(numbers, 0));
        }
        vector.store(outRe, out, indexSum(first, LANES * group));
        vector.store(outIm, out, indexSum(first, stride + LANES * group));
      };
      const whole = pilots - (pilots % 16);
      scf.for(0, whole, 16, (first) => {
        const word = vector.broadcast(memref.load(sequence, arith.divui(first, 16)), LANES);
        for (let group = 0; group < 4; group++) four(first, word, group, LANES);
      });
      if (whole === pilots) return;
      const first = indexSum(whole, 0);
      const word = vector.broadcast(memref.load(sequence, whole / 16), LANES);
      for (let group = 0; LANES * group < pilots - whole; group++)
        four(first, word, group, Math.min(LANES, pilots - whole - LANES * group));
    },
  );
}
