/**
 * SNOW 3G keystream generator (TS 35.216), the core of NEA1 and NIA1.
 *
 * A state is an Int32Array of {@link SNOW3G_STATE_WORDS} words: s0..s15 of the shift register, then R1, R2, R3.
 */

import { turnShiftRegister } from "./shift-register.js";

/** Words of a generator state: sixteen of the shift register and three of the finite state machine. */
export const SNOW3G_STATE_WORDS = 19;

const R1 = 16;
const R2 = 17;
const R3 = 18;

/** Multiplication by x in GF(2^8) modulo x^8 + the polynomial `reduction` (TS 35.216 3.1.1). */
function multiplyByX(value: number, reduction: number): number {
  return (value & 0x80) !== 0 ? ((value << 1) & 0xff) ^ reduction : value << 1;
}

/** `multiplyByX` repeated (MULxPOW, TS 35.216 3.1.2). */
function multiplyByPowerOfX(value: number, power: number, reduction: number): number {
  let result = value;
  for (let i = 0; i < power; i++) result = multiplyByX(result, reduction);
  return result;
}

function multiply(a: number, b: number, reduction: number): number {
  let product = 0;
  let shifted = a;
  for (let bits = b; bits !== 0; bits >>>= 1) {
    if ((bits & 1) !== 0) product ^= shifted;
    shifted = multiplyByX(shifted, reduction);
  }
  return product;
}

function power(value: number, exponent: number, reduction: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = multiply(result, value, reduction);
  return result;
}

/** S-box SR (TS 35.216 3.3.1): the S-box of AES, inversion and an affine map. */
function rijndaelBox(x: number): number {
  const inverse = power(x, 254, 0x1b);
  let result = 0x63;
  for (let turn = 0; turn < 5; turn++) result ^= ((inverse << turn) | (inverse >>> (8 - turn))) & 0xff;
  return result;
}

/** S-box SQ (TS 35.216 3.3.2): a sum of powers over x^8 + x^6 + x^5 + x^3 + 1, from Dickson polynomials. */
function dicksonBox(x: number): number {
  let result = 0x25;
  for (const exponent of [1, 9, 13, 15, 33, 41, 45, 47, 49]) result ^= power(x, exponent, 0x69);
  return result;
}

/**
 * A 32-bit S-box (S-box a byte, then the column mix; TS 35.216 3.3) as four tables of 256 words, one after the
 * other, the first for the most significant byte.
 */
function columnTables(box: (x: number) => number, reduction: number): Int32Array {
  const tables = new Int32Array(1024);
  for (let x = 0; x < 256; x++) {
    const once = box(x);
    const twice = multiplyByX(once, reduction);
    const thrice = twice ^ once;
    // The column is (2, 3, 1, 1) from the top for the first byte and turns down one row a byte.
    const column = (twice << 24) | (thrice << 16) | (once << 8) | once;
    for (let i = 0; i < 4; i++) tables[256 * i + x] = (column >>> (8 * i)) | (column << (32 - 8 * i));
  }
  return tables;
}

function alphaTable(powers: readonly number[]): Int32Array {
  const table = new Int32Array(256);
  for (let c = 0; c < 256; c++) {
    for (const exponent of powers) table[c] = (table[c]! << 8) | multiplyByPowerOfX(c, exponent, 0xa9);
  }
  return table;
}

const S1 = columnTables(rijndaelBox, 0x1b);
const S2 = columnTables(dicksonBox, 0x69);
const DISCARDED = new Uint32Array(1);
const MULTIPLY_ALPHA = alphaTable([23, 245, 48, 239]);
const DIVIDE_ALPHA = alphaTable([16, 39, 6, 64]);

/**
 * Clocks the machine `clocks` times. With `keystream`, one word a clock is written to it from index 0; without,
 * the output of the finite state machine goes back into the register (initialisation mode, TS 35.216 3.4.4).
 */
function clock(state: Int32Array, clocks: number, keystream: Uint32Array | undefined): void {
  let r1 = state[R1]!;
  let r2 = state[R2]!;
  let r3 = state[R3]!;
  // The register is turned by an index instead of being moved: after 16 clocks it stands as it stood.
  for (let i = 0; i < clocks; i++) {
    const s0 = state[i & 15]!;
    const s11 = state[(i + 11) & 15]!;
    const f = ((state[(i + 15) & 15]! + r1) | 0) ^ r2;
    const next = (r2 + (r3 ^ state[(i + 5) & 15]!)) | 0;
    r3 =
      S2[r2 >>> 24]! ^
      S2[256 | ((r2 >>> 16) & 0xff)]! ^
      S2[512 | ((r2 >>> 8) & 0xff)]! ^
      S2[768 | (r2 & 0xff)]!;
    r2 =
      S1[r1 >>> 24]! ^
      S1[256 | ((r1 >>> 16) & 0xff)]! ^
      S1[512 | ((r1 >>> 8) & 0xff)]! ^
      S1[768 | (r1 & 0xff)]!;
    r1 = next;
    const feedback =
      (s0 << 8) ^ MULTIPLY_ALPHA[s0 >>> 24]! ^ state[(i + 2) & 15]! ^ (s11 >>> 8) ^ DIVIDE_ALPHA[s11 & 0xff]!;
    if (keystream === undefined) {
      state[i & 15] = feedback ^ f;
    } else {
      keystream[i] = f ^ s0;
      state[i & 15] = feedback;
    }
  }
  turnShiftRegister(state, clocks & 15);
  state[R1] = r1;
  state[R2] = r2;
  state[R3] = r3;
}

/**
 * Loads key and initialisation vector and runs the 32 initialising clocks and the one whose output is thrown away
 * (TS 35.216 4.1, 4.2).
 *
 * @param state {@link SNOW3G_STATE_WORDS} words, overwritten
 * @param key k0..k3 as TS 35.216 numbers them: `key[3]` holds the first four bytes of the key, big endian
 * @param iv0 to `iv3`: the four words of the initialisation vector
 */
export function initializeSnow3g(
  state: Int32Array,
  key: Uint32Array,
  iv0: number,
  iv1: number,
  iv2: number,
  iv3: number,
): void {
  for (let i = 0; i < 4; i++) {
    const word = key[i]!;
    state[i] = ~word;
    state[4 + i] = word;
    state[8 + i] = ~word;
    state[12 + i] = word;
  }
  state[15] = state[15]! ^ iv0;
  state[12] = state[12]! ^ iv1;
  state[10] = state[10]! ^ iv2;
  state[9] = state[9]! ^ iv3;
  state[R1] = 0;
  state[R2] = 0;
  state[R3] = 0;
  clock(state, 32, undefined);
  clock(state, 1, DISCARDED);
}

/** Writes the next `words` words of the keystream to `keystream` from index 0 (TS 35.216 4.2). */
export function generateSnow3g(state: Int32Array, keystream: Uint32Array, words: number): void {
  clock(state, words, keystream);
}
