import { InputError } from "../../errors.js";

/** Bytes of every key of the 128-bit algorithms of TS 33.501. */
const KEY_BYTES = 16;

/** @throws InputError naming `field` when `key` is not 16 bytes. The bytes themselves are never shown. */
export function requireKey(field: string, key: Uint8Array): void {
  if (key.length !== KEY_BYTES) {
    throw new InputError(field, `${key.length} bytes`, `give a key of ${KEY_BYTES} bytes (128 bits)`);
  }
}

/** The four words of a key, big endian, first bytes first. */
export function keyWords(key: Uint8Array): Uint32Array {
  const words = new Uint32Array(4);
  for (let i = 0; i < 16; i++) words[i >>> 2] = (words[i >>> 2]! << 8) | key[i]!;
  return words;
}
