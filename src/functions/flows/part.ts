/** What changed of one key; undefined where it is gone. */
export interface StateEntry {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

const gone = 0xffff_ffff;

/**
 * Entries in a row: length of the key and its UTF-8, length of the value (2^32 - 1 where the key is gone) and its bytes; lengths
 * are uint32, little-endian. Parts laid end to end are a part, in which a later entry of a key stands for the former.
 */
export function encodePart(entries: readonly StateEntry[]): Uint8Array {
  const keys = entries.map(({ key }) => Buffer.from(key));
  const total = entries.reduce(
    (sum, { value }, index) => sum + 8 + keys[index].length + (value?.length ?? 0),
    0,
  );
  const bytes = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const [index, { value }] of entries.entries()) {
    at = bytes.writeUInt32LE(keys[index].length, at);
    at += keys[index].copy(bytes, at);
    at = bytes.writeUInt32LE(value?.length ?? gone, at);
    if (value === undefined) continue;
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

/** The entries of a part, in order; values are views of its bytes. @throws RangeError where the bytes are no part. */
export function decodePart(part: Uint8Array): StateEntry[] {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.length);
  const entries: StateEntry[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError("a part of an epoch ends early");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = take(take(4).readUInt32LE()).toString();
    const length = take(4).readUInt32LE();
    entries.push({ key, value: length === gone ? undefined : take(length) });
  }
  return entries;
}

/** Messages in a row, each behind its length; laid end to end they are such a row again. */
export function encodeMessages(messages: readonly Uint8Array[]): Uint8Array {
  const total = messages.reduce((sum, { length }) => sum + 4 + length, 0);
  const bytes = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const message of messages) {
    at = bytes.writeUInt32LE(message.length, at);
    bytes.set(message, at);
    at += message.length;
  }
  return bytes;
}

/** What `encodeMessages` was given. @throws RangeError where the bytes are no such row. */
export function decodeMessages(row: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.length);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const begin = at + 4;
    at = begin + bytes.readUInt32LE(at);
    if (at > bytes.length) throw new RangeError("a row of messages ends early");
    messages.push(bytes.subarray(begin, at));
  }
  return messages;
}
