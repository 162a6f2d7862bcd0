/** Bytes that grow at their end: what the encoder writes into. */
export interface Bytes {
  data: Uint8Array;
  length: number;
}

export function emptyBytes(capacity = 64): Bytes {
  return { data: new Uint8Array(capacity), length: 0 };
}

/** Makes room for `count` more bytes. */
function reserve(out: Bytes, count: number): void {
  if (out.length + count <= out.data.length) return;
  const grown = new Uint8Array(Math.max(2 * out.data.length, out.length + count));
  grown.set(out.data.subarray(0, out.length));
  out.data = grown;
}

/** Appends one byte. */
export function byte(out: Bytes, value: number): void {
  if (out.length === out.data.length) reserve(out, 1);
  out.data[out.length++] = value;
}

/** Appends a few bytes. */
export function bytes(out: Bytes, values: ArrayLike<number>): void {
  reserve(out, values.length);
  out.data.set(values, out.length);
  out.length += values.length;
}

/** Appends what another buffer holds. */
export function append(out: Bytes, other: Bytes): void {
  bytes(out, other.data.subarray(0, other.length));
}

/** Appends an unsigned LEB128 number below 2^53. */
export function unsigned(out: Bytes, value: number): void {
  let v = value;
  while (v >= 128) {
    byte(out, (v % 128) | 0x80);
    v = Math.floor(v / 128);
  }
  byte(out, v);
}

/** Appends a signed LEB128 number of 32 bits. */
export function signed32(out: Bytes, value: number): void {
  let v = value | 0;
  while (v < -64 || v > 63) {
    byte(out, (v & 0x7f) | 0x80);
    v >>= 7;
  }
  byte(out, v & 0x7f);
}

/** Appends a signed LEB128 number of 64 bits. */
export function signed64(out: Bytes, value: bigint): void {
  let v = BigInt.asIntN(64, value);
  while (v < -64n || v > 63n) {
    byte(out, Number(v & 0x7fn) | 0x80);
    v >>= 7n;
  }
  byte(out, Number(v & 0x7fn));
}

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Appends the four bytes of an f32. */
export function float32(out: Bytes, value: number): void {
  scratch.setFloat32(0, value, true);
  bytes(out, scratchBytes.subarray(0, 4));
}

/** Appends the eight bytes of an f64. */
export function float64(out: Bytes, value: number): void {
  scratch.setFloat64(0, value, true);
  bytes(out, scratchBytes);
}
