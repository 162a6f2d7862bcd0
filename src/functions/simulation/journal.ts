import { crc32 } from "node:zlib";
import type { Write } from "../../bus/index.js";

const header_bytes = 8;
const deleted = 0xffffffff;

/** A batch as a journal holds it: its length, its checksum, its writes. */
export function encodeBatch(batch: readonly Write[]): Uint8Array {
  const parts: Buffer[] = [Buffer.alloc(header_bytes)];
  for (const { key, value } of batch) {
    const name = Buffer.from(key);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(name.length, 0);
    lengths.writeUInt32LE(value === undefined ? deleted : value.length, 4);
    parts.push(lengths, name);
    if (value !== undefined) parts.push(Buffer.from(value));
  }
  const record = Buffer.concat(parts);
  record.writeUInt32LE(record.length - header_bytes, 0);
  record.writeUInt32LE(crc32(record.subarray(header_bytes)), 4);
  return record;
}

/** The batch of a record; undefined where the record is torn. */
export function decodeBatch(record: Uint8Array): Write[] | undefined {
  if (record.length < header_bytes) return undefined;
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.readUInt32LE(0) !== bytes.length - header_bytes) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(header_bytes))) return undefined;
  const batch: Write[] = [];
  let at = header_bytes;
  while (at < bytes.length) {
    const nameEnd = at + 8 + bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    const key = bytes.toString("utf8", at + 8, nameEnd);
    at = nameEnd;
    if (length === deleted) {
      batch.push({ key, value: undefined });
    } else {
      batch.push({ key, value: Uint8Array.from(bytes.subarray(at, at + length)) });
      at += length;
    }
  }
  return batch;
}
