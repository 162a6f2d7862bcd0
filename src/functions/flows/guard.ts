import { crc32 } from "node:zlib";
import { NeuroranError } from "../../errors.js";

/** Guards what is stored against damage, or against being read and changed. A `Cipher` is one. */
export interface Guard {
  /** @param associated what the bytes are: the same text must be given to open them. */
  seal(plain: Uint8Array, associated: string): Uint8Array;
  /** @throws NeuroranError STATE_CORRUPT where anything is not as it was when it was sealed. */
  open(sealed: Uint8Array, associated: string): Uint8Array;
}

/** A guard that finds damage by CRC-32, and hides nothing. */
export const checksums: Guard = {
  seal(plain, associated) {
    const sealed = Buffer.allocUnsafe(4 + plain.length);
    sealed.writeUInt32LE(crc32(plain, crc32(associated)));
    sealed.set(plain, 4);
    return sealed;
  },
  open(sealed, associated) {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
    if (bytes.length >= 4) {
      const plain = bytes.subarray(4);
      if (bytes.readUInt32LE() === crc32(plain, crc32(associated))) return plain;
    }
    const where = associated.replaceAll("\0", "/");
    throw new NeuroranError("STATE_CORRUPT", `${where} is damaged: its checksum is not that of its bytes`);
  },
};
