import { InputError } from "../../errors.js";

/** Bytes of every key of the 128-bit algorithms of TS 33.501. */
const KEY_BYTES = 16;

/** @throws InputError naming `field` when `key` is not 16 bytes. The bytes themselves are never shown. */
export function requireKey(field: string, key: Uint8Array): void {
  if (key.length !== KEY_BYTES) {
    throw new InputError(field, `${key.length} bytes`, `give a key of ${KEY_BYTES} bytes (128 bits)`);
  }
}

/**
 * The bytes of a key given as 32 hexadecimal digits.
 *
 * @throws InputError naming `field` for anything else. What was given is never shown: it may be most of a key.
 */
export function parseKey(field: string, digits: unknown): Uint8Array {
  if (typeof digits !== "string" || !/^[0-9a-f]{32}$/i.test(digits)) {
    const given = typeof digits === "string" ? `${digits.length} characters` : typeof digits;
    throw new InputError(field, given, "give a key of 32 hexadecimal digits (128 bits)");
  }
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** The four words of a key, big endian, first bytes first. */
export function keyWords(key: Uint8Array): Uint32Array {
  const words = new Uint32Array(4);
  for (let i = 0; i < 16; i++) words[i >>> 2] = (words[i >>> 2]! << 8) | key[i]!;
  return words;
}
