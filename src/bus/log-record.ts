import { crc32 } from "node:zlib";
import { InputError } from "../errors.js";
import type { Write } from "./store.js";

/*
 * A record of the log: a header of 24 bytes (mark, CRC-32 of what follows it, sequence, length, writes), then per write the
 * lengths of key and value, key and value. All numbers are little-endian. The CRC starts from the store's own salt, so that a
 * record of another store, or one that somebody keeps as a value, is none.
 */

const mark = 0x4c52_4e52;
export const recordHeaderBytes = 24;
const writeHeaderBytes = 6;
const deleted = 0xffff_ffff;
/** What LMDB takes in pages of 4 kB. */
export const longestKey_bytes = 1978;

/** A record's length has 32 bits, and Node's buffers have an end as well. */
const largestBatch_bytes = 2 ** 30;

/** Some batches as one record. */
export interface LogRecord {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly writes: readonly Write[];
  /** The offset behind it. */
  readonly end: number;
}

/** Checks a batch and gives the bytes that the batch takes in a record. */
export function sizeOfWrites(batch: readonly Write[]): number {
  let size = 0;
  for (const { key, value } of batch) {
    // Three bytes of UTF-8 are the most that a unit of UTF-16 takes.
    const bytes = key.length * 3 <= longestKey_bytes ? key.length * 3 : Buffer.byteLength(key);
    if (key.length === 0 || bytes > longestKey_bytes || !key.isWellFormed()) {
      throw new InputError("key", key, `a key is a text of 1 to ${longestKey_bytes} bytes of UTF-8`);
    }
    size += writeHeaderBytes + bytes + (value?.length ?? 0);
  }
  if (size > largestBatch_bytes) {
    throw new InputError("batch", `${size} bytes`, `a batch takes ${largestBatch_bytes} bytes at most`);
  }
  return size;
}

/** The record of the batches, whose values are parts of it, as `writes`; they stay as they are as long as nobody changes it. */
export function encodeRecord(
  batches: readonly (readonly Write[])[],
  size: number,
  sequence: number,
  salt: number,
): { bytes: Buffer; writes: Write[] } {
  const buffer = Buffer.allocUnsafeSlow(recordHeaderBytes + size);
  const writes: Write[] = [];
  let at = recordHeaderBytes;
  for (const batch of batches) {
    for (const { key, value } of batch) {
      const keyAt = at + writeHeaderBytes;
      const keyBytes = buffer.write(key, keyAt);
      buffer.writeUInt16LE(keyBytes, at);
      buffer.writeUInt32LE(value === undefined ? deleted : value.length, at + 2);
      at = keyAt + keyBytes;
      if (value === undefined) {
        writes.push({ key, value: undefined });
        continue;
      }
      buffer.set(value, at);
      writes.push({ key, value: buffer.subarray(at, at + value.length) });
      at += value.length;
    }
  }
  const bytes = buffer.subarray(0, at);
  bytes.writeUInt32LE(mark, 0);
  bytes.writeDoubleLE(sequence, 8);
  bytes.writeUInt32LE(at - recordHeaderBytes, 16);
  bytes.writeUInt32LE(writes.length, 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(8), salt), 4);
  return { bytes, writes };
}

/** The record at the offset; undefined where there is none, or not as it was written. */
export function decodeRecord(buffer: Buffer, offset: number, salt: number): LogRecord | undefined {
  if (offset + recordHeaderBytes > buffer.length || buffer.readUInt32LE(offset) !== mark) return undefined;
  const end = offset + recordHeaderBytes + buffer.readUInt32LE(offset + 16);
  if (end > buffer.length) return undefined;
  if (crc32(buffer.subarray(offset + 8, end), salt) !== buffer.readUInt32LE(offset + 4)) return undefined;
  const writes: Write[] = [];
  let at = offset + recordHeaderBytes;
  for (let left = buffer.readUInt32LE(offset + 20); left > 0; left--) {
    const valueBytes = buffer.readUInt32LE(at + 2);
    const keyEnd = at + writeHeaderBytes + buffer.readUInt16LE(at);
    const key = buffer.toString("utf8", at + writeHeaderBytes, keyEnd);
    at = valueBytes === deleted ? keyEnd : keyEnd + valueBytes;
    writes.push({ key, value: valueBytes === deleted ? undefined : buffer.subarray(keyEnd, at) });
  }
  return { sequence: buffer.readDoubleLE(offset + 8), writes, end };
}

/** The sequence of a whole record beyond `sequence` that begins at `offset` or later; undefined where there is none. */
export function laterRecord(
  buffer: Buffer,
  offset: number,
  sequence: number,
  salt: number,
): number | undefined {
  const pattern = Buffer.alloc(4);
  pattern.writeUInt32LE(mark);
  for (let at = buffer.indexOf(pattern, offset); at >= 0; at = buffer.indexOf(pattern, at + 1)) {
    const record = decodeRecord(buffer, at, salt);
    if (record !== undefined && record.sequence > sequence) return record.sequence;
  }
  return undefined;
}
