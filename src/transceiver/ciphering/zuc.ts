/**
 * ZUC keystream generator (TS 35.222), the core of NEA3 and NIA3.
 *
 * A state is an Int32Array of {@link ZUC_STATE_WORDS} words: s0..s15 of the shift register over GF(2^31 - 1), then
 * R1 and R2. Zero is represented as 2^31 - 1, so that a register word is never 0.
 */

import { turnShiftRegister } from "./shift-register.js";

/** Words of a generator state: sixteen of the shift register and two of the nonlinear function. */
export const ZUC_STATE_WORDS = 18;

const R1 = 16;
const R2 = 17;

const DISCARDED = new Uint32Array(1);

/** S-box S0 of TS 35.222 3.4.2, row by row, in hexadecimal. */
const S0 = boxOf(
  "3e725b47cae0003304d1549809b96dcb7b1bf932af9d6aa5b82dfc1d085303904d4e8499e4ced991ddb685488b296eac" +
    "cdc1f81e734369c6b5bdfd396320d438767db2a7cfed57c5f32cbb142106559be3ef5e314f7f5aa40d8251495fba581c" +
    "4a16d517a892241f8cffd8ae2e01d3ad3b4bda46ebc9de9a8f87d73a806f2fc8b1b437f70a2213287ccc3c89c7c39656" +
    "07bf7ef00b2b975235417961a64c10febc2695888ab0a3fbc01894f2e1e5e95dd0dc1166645cec59427512f5749caa23" +
    "0e86abbe2a02e767e644a26cc2939ff1f6fa36d250689e6271153dd640c4e20f8e83776b25053f0c30ea70b7a1e8a965" +
    "8d271adb81b3a0f4457a19dfee783460",
);

/** S-box S1 of TS 35.222 3.4.2, row by row, in hexadecimal. */
const S1 = boxOf(
  "55c263713bc847869f3cda5b29aafd778cc5940ca61a1300e3a8167240f9f84244266896" +
    "81d9453e1076c6a78b3943e13ab5562ac06db3052266bfdc0bfa6248dd20110636c9c1cff62752bb69f5d4877f844cd2" +
    "9c57a4bc4f9adffed68d7aeb2b53d85ca11417fb23d57d3067730809eeb7703f61b2198e4ee54b938f5ddba9adf1ae2e" +
    "cb0dfcf42d466e1d97e8d1e94d37a5755e839eab829db91ce0cd498901b6bd5824a25f387899159050b895e4d091c7ce" +
    "ed0fb46fa0ccf0024a79c3dea3efea51e66b18ec1b2c80f774e7ff215a6a541e41319235c433070aba7e0e3488b1987c" +
    "f33d606c7bcad31f3265042864be859b2f598ad7b025acaf1203e2f2",
);

/** Key loading constants D of TS 35.222 3.5, 15 bits each. */
const LOADING = Int32Array.of(
  0x44d7,
  0x26bc,
  0x626b,
  0x135e,
  0x5789,
  0x35e2,
  0x7135,
  0x09af,
  0x4d78,
  0x2f13,
  0x6bc4,
  0x1af1,
  0x5e26,
  0x3c4d,
  0x789a,
  0x47ac,
);

function boxOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** Sum modulo 2^31 - 1 of two values in 1..2^31 - 1 (or 0 on one side), in the same range. */
function add(a: number, b: number): number {
  const sum = (a + b) | 0;
  return (sum & 0x7fffffff) + (sum >>> 31);
}

/** Multiplication by 2^k modulo 2^31 - 1: a rotation of 31 bits. */
function rotate31(value: number, k: number): number {
  return ((value << k) | (value >>> (31 - k))) & 0x7fffffff;
}

function rotate32(value: number, k: number): number {
  return (value << k) | (value >>> (32 - k));
}

/** Linear transform L1, then the S-boxes (TS 35.222 3.4). */
function substituteFirst(value: number): number {
  const x = value ^ rotate32(value, 2) ^ rotate32(value, 10) ^ rotate32(value, 18) ^ rotate32(value, 24);
  return (
    (S0[x >>> 24]! << 24) | (S1[(x >>> 16) & 0xff]! << 16) | (S0[(x >>> 8) & 0xff]! << 8) | S1[x & 0xff]!
  );
}

/** Linear transform L2, then the S-boxes (TS 35.222 3.4). */
function substituteSecond(value: number): number {
  const x = value ^ rotate32(value, 8) ^ rotate32(value, 14) ^ rotate32(value, 22) ^ rotate32(value, 30);
  return (
    (S0[x >>> 24]! << 24) | (S1[(x >>> 16) & 0xff]! << 16) | (S0[(x >>> 8) & 0xff]! << 8) | S1[x & 0xff]!
  );
}

/**
 * Clocks the machine `clocks` times. With `keystream`, one word a clock is written to it from index 0; without,
 * the output of the nonlinear function goes back into the register (initialisation mode, TS 35.222 3.2).
 */
function clock(state: Int32Array, clocks: number, keystream: Uint32Array | undefined): void {
  let r1 = state[R1]!;
  let r2 = state[R2]!;
  // The register is turned by an index instead of being moved: after 16 clocks it stands as it stood.
  for (let i = 0; i < clocks; i++) {
    const s0 = state[i & 15]!;
    const s15 = state[(i + 15) & 15]!;
    const x0 = ((s15 & 0x7fff8000) << 1) | (state[(i + 14) & 15]! & 0xffff);
    const x1 = (state[(i + 11) & 15]! << 16) | (state[(i + 9) & 15]! >>> 15);
    const x2 = (state[(i + 7) & 15]! << 16) | (state[(i + 5) & 15]! >>> 15);
    const w = ((x0 ^ r1) + r2) | 0;
    const w1 = (r1 + x1) | 0;
    const w2 = r2 ^ x2;
    r1 = substituteFirst((w1 << 16) | (w2 >>> 16));
    r2 = substituteSecond((w2 << 16) | (w1 >>> 16));
    let feedback = add(s0, rotate31(s0, 8));
    feedback = add(feedback, rotate31(state[(i + 4) & 15]!, 20));
    feedback = add(feedback, rotate31(state[(i + 10) & 15]!, 21));
    feedback = add(feedback, rotate31(state[(i + 13) & 15]!, 17));
    feedback = add(feedback, rotate31(s15, 15));
    if (keystream === undefined) {
      feedback = add(feedback, w >>> 1);
    } else {
      keystream[i] = w ^ ((state[(i + 2) & 15]! << 16) | (s0 >>> 15));
    }
    state[i & 15] = feedback;
  }
  turnShiftRegister(state, clocks & 15);
  state[R1] = r1;
  state[R2] = r2;
}

/**
 * Loads key and initialisation vector and runs the 32 initialising clocks and the one whose output is thrown away
 * (TS 35.222 3.5, 3.6).
 *
 * @param state {@link ZUC_STATE_WORDS} words, overwritten
 * @param key 16 bytes
 * @param iv 16 bytes
 */
export function initializeZuc(state: Int32Array, key: Uint8Array, iv: Uint8Array): void {
  for (let i = 0; i < 16; i++) state[i] = (key[i]! << 23) | (LOADING[i]! << 8) | iv[i]!;
  state[R1] = 0;
  state[R2] = 0;
  clock(state, 32, undefined);
  clock(state, 1, DISCARDED);
}

/** Writes the next `words` words of the keystream to `keystream` from index 0 (TS 35.222 3.6). */
export function generateZuc(state: Int32Array, keystream: Uint32Array, words: number): void {
  clock(state, words, keystream);
}
