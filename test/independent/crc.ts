/** TS 38.212 5.1: exponents with coefficient 1 in each cyclic generator polynomial. */
export const crcPolynomials = {
  CRC24A: [24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0],
  CRC24B: [24, 23, 6, 5, 1, 0],
  CRC24C: [24, 23, 21, 20, 17, 15, 13, 12, 8, 4, 2, 1, 0],
  CRC16: [16, 12, 5, 0],
  CRC11: [11, 10, 9, 5, 0],
  CRC6: [6, 5, 0],
} as const;

export type CrcName = keyof typeof crcPolynomials;

/**
 * TS 38.212 5.1: parity bits p(0) … p(L − 1): the remainder of a(0)·D^(A+L−1) + … + a(A−1)·D^L divided by the
 * generator polynomial, by long division. No bits give a zero remainder.
 */
export function crc(name: CrcName, bits: readonly number[]): number[] {
  const exponents = crcPolynomials[name];
  const degree = exponents[0];
  const dividend = [...bits, ...Array.from({ length: degree }, () => 0)];
  for (let position = 0; position < bits.length; position++) {
    if (dividend[position] === 1) {
      for (const exponent of exponents) {
        const target = position + degree - exponent;
        dividend[target] = (dividend[target]! + 1) % 2;
      }
    }
  }
  return dividend.slice(bits.length);
}

/** The bits followed by their parity bits. */
export function attachCrc(name: CrcName, bits: readonly number[]): number[] {
  return [...bits, ...crc(name, bits)];
}

/** TS 38.212 6.2.1: the CRC of a transport block of A bits. */
export function transportBlockCrc(transportBlockSize: number): CrcName {
  return transportBlockSize > 3824 ? "CRC24A" : "CRC16";
}
