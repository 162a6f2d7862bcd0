import { aesCounterMode } from "./aes.js";
import { keyWords, requireKey } from "./key.js";
import { generateSnow3g, initializeSnow3g, SNOW3G_STATE_WORDS } from "./snow3g.js";
import { generateZuc, initializeZuc, ZUC_STATE_WORDS } from "./zuc.js";

/** The confidentiality algorithms of NR (TS 33.501 5.11.1.1): null, SNOW 3G, AES, ZUC. */
export const confidentialityAlgorithms = ["nea0", "nea1", "nea2", "nea3"] as const;

export type ConfidentialityAlgorithm = (typeof confidentialityAlgorithms)[number];

/**
 * Adds the keystream to `lengthBits` bits of `data` from byte `start`, in place; the same call enciphers and
 * deciphers. Bits of the last byte beyond the length stay as they are; length 0 does nothing.
 *
 * @param count COUNT, 32 bits
 * @param bearer BEARER, 5 bits: the radio bearer identity minus 1
 * @param direction DIRECTION: 0 uplink, 1 downlink
 */
export type Confidentiality = (
  count: number,
  bearer: number,
  direction: number,
  data: Uint8Array,
  start: number,
  lengthBits: number,
) => void;

/** Words of keystream generated at a time: fits the first-level cache with the tables. */
const CHUNK_WORDS = 64;

/**
 * Prepares an algorithm of TS 33.501 Annex D.2 (defined in TS 33.401 Annex B.1) with a key.
 *
 * @param key 16 bytes; ignored by nea0
 * @throws InputError when the key is not 16 bytes
 */
export function prepareConfidentiality(
  algorithm: ConfidentialityAlgorithm,
  key: Uint8Array,
): Confidentiality {
  if (algorithm === "nea0") return () => {};
  requireKey("encryptionKey", key);
  if (algorithm === "nea1") return nea1(key);
  if (algorithm === "nea2") return nea2(key);
  return nea3(key);
}

/** 128-NEA1: SNOW 3G as in UEA2 (TS 35.215 3). */
function nea1(key: Uint8Array): Confidentiality {
  const words = keyWords(key).reverse();
  const state = new Int32Array(SNOW3G_STATE_WORDS);
  const keystream = new Uint32Array(CHUNK_WORDS);
  return (count, bearer, direction, data, start, lengthBits) => {
    const identity = (bearer << 27) | (direction << 26);
    initializeSnow3g(state, words, identity, count, identity, count);
    addKeystream(generateSnow3g, state, keystream, data, start, lengthBits);
  };
}

/** 128-NEA2: AES in counter mode (TS 33.401 B.1.3). */
function nea2(key: Uint8Array): Confidentiality {
  const encrypt = aesCounterMode(key);
  const counterBlock = new Uint8Array(16);
  return (count, bearer, direction, data, start, lengthBits) => {
    writeCount(counterBlock, count);
    counterBlock[4] = (bearer << 3) | (direction << 2);
    encrypt(counterBlock, data, start, lengthBits);
  };
}

/** 128-NEA3: ZUC as in 128-EEA3 (TS 35.221 3). */
function nea3(key: Uint8Array): Confidentiality {
  const ownKey = Uint8Array.from(key);
  const iv = new Uint8Array(16);
  const state = new Int32Array(ZUC_STATE_WORDS);
  const keystream = new Uint32Array(CHUNK_WORDS);
  return (count, bearer, direction, data, start, lengthBits) => {
    writeCount(iv, count);
    iv[4] = (bearer << 3) | (direction << 2);
    iv.copyWithin(8, 0, 8);
    initializeZuc(state, ownKey, iv);
    addKeystream(generateZuc, state, keystream, data, start, lengthBits);
  };
}

function writeCount(block: Uint8Array, count: number): void {
  block[0] = count >>> 24;
  block[1] = count >>> 16;
  block[2] = count >>> 8;
  block[3] = count;
}

function addKeystream(
  generate: (state: Int32Array, keystream: Uint32Array, words: number) => void,
  state: Int32Array,
  keystream: Uint32Array,
  data: Uint8Array,
  start: number,
  lengthBits: number,
): void {
  const end = start + (lengthBits >>> 3);
  let position = start;
  while (end - position >= 4) {
    const words = Math.min(CHUNK_WORDS, (end - position) >>> 2);
    generate(state, keystream, words);
    for (let i = 0; i < words; i++) {
      const word = keystream[i]!;
      data[position] = data[position]! ^ (word >>> 24);
      data[position + 1] = data[position + 1]! ^ (word >>> 16);
      data[position + 2] = data[position + 2]! ^ (word >>> 8);
      data[position + 3] = data[position + 3]! ^ word;
      position += 4;
    }
  }
  let bits = lengthBits - 8 * (position - start);
  if (bits === 0) return;
  generate(state, keystream, 1);
  for (let word = keystream[0]!; bits > 0; bits -= 8, word <<= 8) {
    const mask = bits >= 8 ? 0xff : 0xff & ~(0xff >>> bits);
    data[position] = data[position]! ^ ((word >>> 24) & mask);
    position++;
  }
}
