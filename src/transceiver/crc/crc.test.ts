import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packBits, unpackBits } from "./bits.js";
import { attachCrc, type CrcName, checkCrc, crc, crcOfBits, crcOfBytes } from "./crc.js";

/** Exponents of the generator polynomials of TS 38.212 5.1. */
const GENERATORS: [CrcName, number[]][] = [
  ["crc24a", [24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0]],
  ["crc24b", [24, 23, 6, 5, 1, 0]],
  ["crc24c", [24, 23, 21, 20, 17, 15, 13, 12, 8, 4, 2, 1, 0]],
  ["crc16", [16, 12, 5, 0]],
  ["crc11", [11, 10, 9, 5, 0]],
  ["crc6", [6, 5, 0]],
];

/** Long division of the bits, followed by as many zeros as the degree: the remainder's bits, highest first. */
function divide(bits: readonly number[], exponents: readonly number[]): number[] {
  const degree = exponents[0]!;
  const rest = [...bits, ...Array<number>(degree).fill(0)];
  for (let position = 0; position < bits.length; position++)
    if (rest[position] === 1) for (const exponent of exponents) rest[position + degree - exponent]! ^= 1;
  return rest.slice(bits.length);
}

const message = fc.array(fc.constantFrom(0, 1), { maxLength: 500 });

describe.each(GENERATORS)("%s", (name, exponents) => {
  it("is the remainder of long division, for any number of bits", () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 0, max: 9 }), (bits, offset) => {
        const padded = new Uint8Array(offset + bits.length + exponents[0]! + 1).fill(9);
        padded.set(bits, offset);
        attachCrc(crc(name), padded, offset, bits.length);
        const total = bits.length + exponents[0]!;
        expect([...padded.subarray(offset + bits.length, offset + total)]).toEqual(divide(bits, exponents));
        expect(padded.at(-1)).toBe(9);
        expect(checkCrc(crc(name), padded, offset, total)).toBe(true);
      }),
      { seed: 51, numRuns: 200 },
    );
  });

  it("is the same over packed bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (packed) => {
        const bits = new Uint8Array(8 * packed.length);
        unpackBits(packed, bits, 0, bits.length);
        expect(crcOfBytes(crc(name), packed, 0, packed.length)).toBe(
          crcOfBits(crc(name), bits, 0, bits.length),
        );
      }),
      { seed: 52, numRuns: 100 },
    );
  });

  it("detects every single and double error within 40 bits", () => {
    const bits = new Uint8Array(40 + exponents[0]!);
    for (let bit = 0; bit < 40; bit++) bits[bit] = (0xb5297a4d >>> (bit % 32)) & 1;
    attachCrc(crc(name), bits, 0, 40);
    for (let one = 0; one < bits.length; one++)
      for (let other = one; other < bits.length; other++) {
        bits[one]! ^= 1;
        if (other !== one) bits[other]! ^= 1;
        expect(checkCrc(crc(name), bits, 0, bits.length)).toBe(false);
        bits[one]! ^= 1;
        if (other !== one) bits[other]! ^= 1;
      }
  });
});

describe("bits", () => {
  it("pack to what they were unpacked from, the last byte filled with zeros", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 7 }),
        (packed, less) => {
          const count = 8 * packed.length - less;
          const bits = new Uint8Array(count + 3);
          unpackBits(packed, bits, 3, count);
          const again = new Uint8Array(packed.length).fill(0xff);
          packBits(bits, 3, count, again);
          const expected = Uint8Array.from(packed);
          expected[packed.length - 1]! &= 0xff << less;
          expect(again).toEqual(expected);
        },
      ),
      { seed: 53 },
    );
  });

  it("come most significant first", () => {
    const bits = new Uint8Array(10);
    unpackBits(Uint8Array.of(0b10110000, 0b01000000), bits, 0, 10);
    expect([...bits]).toEqual([1, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
  });
});
