import { createCipheriv } from "node:crypto";

/**
 * AES-128 in the two modes that 3GPP uses, on top of node:crypto. A call makes one cipher object and one output
 * buffer: node:crypto has no call that writes into a given array.
 */

/** Adds the AES-128 keystream (NIST SP 800-38A, counter mode) of `lengthBits` bits to `data` in place. */
export type AesCounterMode = (
  counterBlock: Uint8Array,
  data: Uint8Array,
  start: number,
  lengthBits: number,
) => void;

/** Writes the AES-128 CMAC (RFC 4493) of the first `lengthBits` bits of `message` to the 16 bytes of `tag`. */
export type AesCmac = (message: Uint8Array, lengthBits: number, tag: Uint8Array) => void;

/**
 * AES-128 in counter mode. The returned function takes the first counter block (16 bytes) and encrypts (or, which
 * is the same, decrypts) `data` from byte `start`; bits of the last byte beyond `lengthBits` stay as they are.
 *
 * @param key 16 bytes
 */
export function aesCounterMode(key: Uint8Array): AesCounterMode {
  const ownKey = Uint8Array.from(key);
  return (counterBlock, data, start, lengthBits) => {
    if (lengthBits === 0) return;
    const bytes = (lengthBits + 7) >>> 3;
    const last = start + bytes - 1;
    const beyond = 0xff >>> (((lengthBits - 1) & 7) + 1);
    const kept = data[last]! & beyond;
    const cipher = createCipheriv("aes-128-ctr", ownKey, counterBlock);
    data.set(cipher.update(data.subarray(start, start + bytes)), start);
    data[last] = (data[last]! & ~beyond) | kept;
  };
}

/**
 * AES-128 CMAC (RFC 4493, NIST SP 800-38B). The returned function writes the 16 bytes of the tag to `tag`.
 *
 * `message` is also the workspace: it must have room up to the next full block (at least one block), and its bits
 * beyond `lengthBits` are overwritten. Lengths that are no multiple of 8 are padded from the next bit on.
 *
 * @param key 16 bytes
 */
export function aesCmac(key: Uint8Array): AesCmac {
  const ownKey = Uint8Array.from(key);
  const zeros = new Uint8Array(16);
  const block = createCipheriv("aes-128-ecb", ownKey, null).setAutoPadding(false).update(zeros);
  const wholeBlockKey = doubled(block);
  const paddedBlockKey = doubled(wholeBlockKey);
  return (message, lengthBits, tag) => {
    const blocks = Math.max(1, Math.ceil(lengthBits / 128));
    const end = 16 * blocks;
    const whole = lengthBits === 8 * end;
    if (!whole) {
      const byte = lengthBits >>> 3;
      const bit = 0x80 >>> (lengthBits & 7);
      message[byte] = (message[byte]! & ~(2 * bit - 1)) | bit;
      message.fill(0, byte + 1, end);
    }
    const lastKey = whole ? wholeBlockKey : paddedBlockKey;
    for (let i = 0; i < 16; i++) message[end - 16 + i] = message[end - 16 + i]! ^ lastKey[i]!;
    // The chain of CMAC is the chain of CBC from a zero vector; only its last block is wanted.
    const cipher = createCipheriv("aes-128-cbc", ownKey, zeros).setAutoPadding(false);
    const chain = cipher.update(message.subarray(0, end));
    tag.set(chain.subarray(end - 16, end));
  };
}

/** Multiplication by x in GF(2^128) (the subkeys of RFC 4493 2.3). */
function doubled(block: Uint8Array): Uint8Array {
  const result = new Uint8Array(16);
  for (let i = 0; i < 16; i++) result[i] = (block[i]! << 1) | ((block[i + 1] ?? 0) >>> 7);
  if ((block[0]! & 0x80) !== 0) result[15] = result[15]! ^ 0x87;
  return result;
}
