/** The cyclic redundancy checks of TS 38.212 5.1. */
export type CrcName = "crc24a" | "crc24b" | "crc24c" | "crc16" | "crc11" | "crc6";

/** A CRC with its table. Remainders are unsigned numbers of `length` bits, the first transmitted bit highest. */
export interface Crc {
  readonly name: CrcName;
  /** L, bits. */
  readonly length: number;
  /** The generator's coefficients below D^L; bit i is that of D^i. */
  readonly polynomial: number;
  /** Remainders of all bytes, shifted to the top of 32 bits. */
  readonly table: Int32Array;
}

/** Generator polynomials without their leading term. */
const GENERATORS: Readonly<Record<CrcName, readonly [length: number, polynomial: number]>> = {
  crc24a: [24, 0x864cfb],
  crc24b: [24, 0x800063],
  crc24c: [24, 0xb2b117],
  crc16: [16, 0x1021],
  crc11: [11, 0x621],
  crc6: [6, 0x21],
};

const CRCS = new Map<CrcName, Crc>();

/** The CRC of a name; made once. */
export function crc(name: CrcName): Crc {
  let made = CRCS.get(name);
  if (made === undefined) {
    const [length, polynomial] = GENERATORS[name];
    made = Object.freeze({ name, length, polynomial, table: remainders(polynomial << (32 - length)) });
    CRCS.set(name, made);
  }
  return made;
}

function remainders(polynomial: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte << 24;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder << 1) ^ (remainder < 0 ? polynomial : 0);
    return remainder;
  });
}

/** Remainder of `count` packed bytes, first bit highest, from `offset`; 0 for none. Allocates nothing. */
export function crcOfBytes(crc: Crc, packed: Uint8Array, offset: number, count: number): number {
  let remainder = 0;
  for (let index = offset; index < offset + count; index++)
    remainder = (remainder << 8) ^ crc.table[(remainder >>> 24) ^ packed[index]!]!;
  return remainder >>> (32 - crc.length);
}

/** Remainder of `count` bits, one a byte, from `offset`; 0 for none. Allocates nothing. */
export function crcOfBits(crc: Crc, bits: Uint8Array, offset: number, count: number): number {
  const end = offset + count;
  const whole = end - (count % 8);
  let remainder = 0;
  let index = offset;
  for (; index < whole; index += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | bits[index + bit]!;
    remainder = (remainder << 8) ^ crc.table[(remainder >>> 24) ^ byte]!;
  }
  const polynomial = crc.polynomial << (32 - crc.length);
  for (; index < end; index++)
    remainder = (remainder << 1) ^ (remainder >>> 31 === bits[index]! ? 0 : polynomial);
  return remainder >>> (32 - crc.length);
}

/** Writes the CRC of the `count` bits from `offset` behind them, in `crc.length` further bytes. */
export function attachCrc(crc: Crc, bits: Uint8Array, offset: number, count: number): void {
  const remainder = crcOfBits(crc, bits, offset, count);
  for (let bit = 0; bit < crc.length; bit++)
    bits[offset + count + bit] = (remainder >>> (crc.length - 1 - bit)) & 1;
}

/** Whether `count` bits from `offset`, the CRC last among them, agree with it. */
export function checkCrc(crc: Crc, bits: Uint8Array, offset: number, count: number): boolean {
  return crcOfBits(crc, bits, offset, count) === 0;
}
