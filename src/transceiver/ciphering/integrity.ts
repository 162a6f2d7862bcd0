import { aesCmac } from "./aes.js";
import { keyWords, requireKey } from "./key.js";
import { generateSnow3g, initializeSnow3g, SNOW3G_STATE_WORDS } from "./snow3g.js";
import { generateZuc, initializeZuc, ZUC_STATE_WORDS } from "./zuc.js";

/** The integrity algorithms of NR (TS 33.501 5.11.1.2): null, SNOW 3G, AES, ZUC. */
export const integrityAlgorithms = ["nia0", "nia1", "nia2", "nia3"] as const;

export type IntegrityAlgorithm = (typeof integrityAlgorithms)[number];

/**
 * The 32-bit MAC-I of `lengthBits` bits of `data` from byte `start`, as an unsigned number. Bits of the last byte
 * beyond the length do not count.
 *
 * @param count COUNT, 32 bits
 * @param bearer BEARER, 5 bits: the radio bearer identity minus 1
 * @param direction DIRECTION: 0 uplink, 1 downlink
 */
export type Integrity = (
  count: number,
  bearer: number,
  direction: number,
  data: Uint8Array,
  start: number,
  lengthBits: number,
) => number;

/** Words of ZUC keystream generated at a time. */
const CHUNK_WORDS = 64;

/** Bytes of workspace of NIA2 at first: a PDCP SDU of 9000 bytes (TS 38.323 4.3.1), its headers and a block. */
const WORKSPACE_BYTES = 9040;

/**
 * Prepares an algorithm of TS 33.501 Annex D.3 (defined in TS 33.401 Annex B.2) with a key. nia0 returns 0 always
 * (TS 33.501 D.1).
 *
 * @param key 16 bytes; ignored by nia0
 * @throws InputError when the key is not 16 bytes
 */
export function prepareIntegrity(algorithm: IntegrityAlgorithm, key: Uint8Array): Integrity {
  if (algorithm === "nia0") return () => 0;
  requireKey("integrityKey", key);
  if (algorithm === "nia1") return nia1(key);
  if (algorithm === "nia2") return nia2(key);
  return nia3(key);
}

/** Four bytes, big endian; bytes from `end` on read as 0. */
function readWord(data: Uint8Array, position: number, end: number): number {
  if (position + 4 <= end) {
    return (
      (data[position]! << 24) | (data[position + 1]! << 16) | (data[position + 2]! << 8) | data[position + 3]!
    );
  }
  let word = 0;
  for (let i = 0; i < 4; i++) word = (word << 8) | (position + i < end ? data[position + i]! : 0);
  return word;
}

/** As `readWord`, with the bits of the message beyond its last bit as 0. */
function readMessageWord(data: Uint8Array, start: number, index: number, lengthBits: number): number {
  const word = readWord(data, start + 4 * index, start + ((lengthBits + 7) >>> 3));
  const bits = lengthBits - 32 * index;
  if (bits >= 32) return word;
  return bits <= 0 ? 0 : word & ~(0xffffffff >>> bits);
}

/** Carry-less products of 0..15 with 0x1b: what four bits shifted out of GF(2^64) fold back to. */
const FOLD = Int32Array.from({ length: 16 }, (_, nibble) => {
  let product = 0;
  for (let bit = 0; bit < 4; bit++) if ((nibble & (1 << bit)) !== 0) product ^= 0x1b << bit;
  return product;
});

/**
 * Multiplication in GF(2^64) modulo x^64 + x^4 + x^3 + x + 1 (MUL64 of TS 35.215 4.3.3) by a fixed factor, four bits
 * at a time. A value is two words: high, low.
 */
function tabulateMultiples(multiples: Int32Array, high: number, low: number): void {
  multiples[2] = high;
  multiples[3] = low;
  for (let n = 2; n < 16; n++) {
    const half = 2 * (n >> 1);
    const h = multiples[half]!;
    const l = multiples[half + 1]!;
    multiples[2 * n] = (h << 1) | (l >>> 31);
    multiples[2 * n + 1] = (l << 1) ^ (h < 0 ? 0x1b : 0);
    if ((n & 1) !== 0) {
      multiples[2 * n] = multiples[2 * n]! ^ high;
      multiples[2 * n + 1] = multiples[2 * n + 1]! ^ low;
    }
  }
}

/** `value` (two words) times the tabulated factor, in place. */
function multiply(value: Int32Array, multiples: Int32Array): void {
  const valueHigh = value[0]!;
  const valueLow = value[1]!;
  let high = 0;
  let low = 0;
  for (let shift = 28; shift >= 0; shift -= 4) {
    const fold = FOLD[high >>> 28]!;
    const nibble = 2 * ((valueHigh >>> shift) & 15);
    high = ((high << 4) | (low >>> 28)) ^ multiples[nibble]!;
    low = (low << 4) ^ fold ^ multiples[nibble + 1]!;
  }
  for (let shift = 28; shift >= 0; shift -= 4) {
    const fold = FOLD[high >>> 28]!;
    const nibble = 2 * ((valueLow >>> shift) & 15);
    high = ((high << 4) | (low >>> 28)) ^ multiples[nibble]!;
    low = (low << 4) ^ fold ^ multiples[nibble + 1]!;
  }
  value[0] = high;
  value[1] = low;
}

/** 128-NIA1: SNOW 3G and a polynomial over GF(2^64), as in UIA2 (TS 35.215 4; FRESH holds BEARER). */
function nia1(key: Uint8Array): Integrity {
  const words = keyWords(key).reverse();
  const state = new Int32Array(SNOW3G_STATE_WORDS);
  const z = new Uint32Array(5);
  const multiples = new Int32Array(32);
  const evaluation = new Int32Array(2);
  return (count, bearer, direction, data, start, lengthBits) => {
    const fresh = bearer << 27;
    initializeSnow3g(state, words, fresh ^ (direction << 15), count ^ (direction << 31), fresh, count);
    generateSnow3g(state, z, 5);
    tabulateMultiples(multiples, z[0]!, z[1]!);
    evaluation[0] = 0;
    evaluation[1] = 0;
    const blocks = Math.ceil(lengthBits / 64);
    for (let i = 0; i < blocks; i++) {
      evaluation[0] = evaluation[0]! ^ readMessageWord(data, start, 2 * i, lengthBits);
      evaluation[1] = evaluation[1]! ^ readMessageWord(data, start, 2 * i + 1, lengthBits);
      multiply(evaluation, multiples);
    }
    evaluation[0] = evaluation[0]! ^ Math.floor(lengthBits / 0x100000000);
    evaluation[1] = evaluation[1]! ^ lengthBits;
    tabulateMultiples(multiples, z[2]!, z[3]!);
    multiply(evaluation, multiples);
    return (evaluation[0]! ^ z[4]!) >>> 0;
  };
}

/** 128-NIA2: AES in CMAC mode (TS 33.401 B.2.3). */
function nia2(key: Uint8Array): Integrity {
  const authenticate = aesCmac(key);
  const tag = new Uint8Array(16);
  let workspace = new Uint8Array(WORKSPACE_BYTES);
  return (count, bearer, direction, data, start, lengthBits) => {
    const bytes = (lengthBits + 7) >>> 3;
    if (workspace.length < bytes + 32) workspace = new Uint8Array(2 * bytes + 32);
    workspace[0] = count >>> 24;
    workspace[1] = count >>> 16;
    workspace[2] = count >>> 8;
    workspace[3] = count;
    workspace[4] = (bearer << 3) | (direction << 2);
    workspace.fill(0, 5, 8);
    workspace.set(data.subarray(start, start + bytes), 8);
    authenticate(workspace, 64 + lengthBits, tag);
    return ((tag[0]! << 24) | (tag[1]! << 16) | (tag[2]! << 8) | tag[3]!) >>> 0;
  };
}

/** 128-NIA3: ZUC, a sum of keystream windows, as in 128-EIA3 (TS 35.221 4). */
function nia3(key: Uint8Array): Integrity {
  const ownKey = Uint8Array.from(key);
  const iv = new Uint8Array(16);
  const state = new Int32Array(ZUC_STATE_WORDS);
  const keystream = new Uint32Array(CHUNK_WORDS);
  return (count, bearer, direction, data, start, lengthBits) => {
    iv[0] = count >>> 24;
    iv[1] = count >>> 16;
    iv[2] = count >>> 8;
    iv[3] = count;
    iv[4] = bearer << 3;
    iv.copyWithin(8, 0, 8);
    iv[8] = iv[8]! ^ (direction << 7);
    iv[14] = direction << 7;
    initializeZuc(state, ownKey, iv);
    const words = Math.ceil(lengthBits / 32);
    generateZuc(state, keystream, 1);
    let previous = 0;
    let current = keystream[0]! | 0;
    let sum = 0;
    for (let index = 0; index < words; ) {
      const chunk = Math.min(CHUNK_WORDS, words - index);
      generateZuc(state, keystream, chunk);
      for (let i = 0; i < chunk; i++, index++) {
        previous = current;
        current = keystream[i]! | 0;
        sum ^= sumWindows(previous, current, readMessageWord(data, start, index, lengthBits));
      }
    }
    const rest = lengthBits & 31;
    const end = rest === 0 ? current : (previous << rest) | (current >>> (32 - rest));
    generateZuc(state, keystream, 1);
    return (sum ^ end ^ keystream[0]!) >>> 0;
  };
}

/** Sum of the 32-bit windows into `first`, `second` that start at the bits set in `word`. */
function sumWindows(first: number, second: number, word: number): number {
  let sum = 0;
  let window = first;
  let following = second;
  for (let bits = word, i = 0; i < 32; i++, bits <<= 1) {
    sum ^= window & (bits >> 31);
    window = (window << 1) | (following >>> 31);
    following <<= 1;
  }
  return sum;
}
