import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ConfidentialityAlgorithm,
  confidentialityAlgorithms,
  prepareConfidentiality,
} from "./confidentiality.js";

interface EncryptionSet {
  name: string;
  key: string;
  count: number;
  bearer: number;
  direction: number;
  length_bits: number;
  plaintext: string;
  ciphertext: string;
}

const path = resolve(process.cwd(), "../shared/data/3gpp/ciphering_test_sets.json");
const present = existsSync(path);
const sets: Record<string, EncryptionSet[]> = present ? JSON.parse(readFileSync(path, "utf8")).sets : {};

/** The first `bits` bits of a hexadecimal string, the rest of the last byte as 0. */
function leading(hex: string, bits: number): Buffer {
  const bytes = Buffer.from(hex, "hex").subarray(0, Math.ceil(bits / 8));
  if (bits % 8 !== 0) bytes[bytes.length - 1]! &= 0xff & ~(0xff >>> (bits % 8));
  return bytes;
}

describe.skipIf(!present)("confidentiality test sets of TS 33.401 and TS 33.501", () => {
  for (const algorithm of ["nea1", "nea2", "nea3"] as const) {
    for (const set of sets[algorithm] ?? []) {
      it(`${set.name}, ${set.length_bits} bits`, () => {
        const apply = prepareConfidentiality(algorithm, Buffer.from(set.key, "hex"));
        const before = Buffer.from(set.plaintext, "hex");
        const data = new Uint8Array(before.length + 7).fill(0xa5);
        data.set(before, 3);
        apply(set.count, set.bearer, set.direction, data, 3, set.length_bits);
        const result = Buffer.from(data.subarray(3, 3 + before.length)).toString("hex");
        expect(leading(result, set.length_bits)).toEqual(leading(set.ciphertext, set.length_bits));
        expect([...data.subarray(0, 3)], "before the data").toEqual([0xa5, 0xa5, 0xa5]);
        expect([...data.subarray(3 + before.length)], "after the data").toEqual([0xa5, 0xa5, 0xa5, 0xa5]);
        apply(set.count, set.bearer, set.direction, data, 3, set.length_bits);
        expect(Buffer.from(data.subarray(3, 3 + before.length)).toString("hex")).toBe(set.plaintext);
      });
    }
  }

  it("are 32 sets", () => {
    expect(["nea1", "nea2", "nea3"].map((name) => sets[name]?.length)).toEqual([11, 11, 10]);
  });
});

const algorithm = fc.constantFrom<ConfidentialityAlgorithm>(...confidentialityAlgorithms);
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("confidentiality", () => {
  it("is its own inverse, and leaves the bits around the data alone", () => {
    fc.assert(
      fc.property(
        algorithm,
        bytes16,
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 31 }),
        fc.integer({ min: 0, max: 1 }),
        fc.uint8Array({ minLength: 0, maxLength: 700 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 7 }),
        (name, key, count, bearer, direction, plain, before, unusedBits) => {
          const start = Math.min(before, plain.length);
          const lengthBits = Math.max(0, 8 * (plain.length - start) - unusedBits);
          const apply = prepareConfidentiality(name, key);
          const data = Uint8Array.from(plain);
          apply(count, bearer, direction, data, start, lengthBits);
          expect(data.subarray(0, start)).toEqual(plain.subarray(0, start));
          if (lengthBits % 8 !== 0) {
            const tail = 0xff >>> (lengthBits % 8);
            const last = start + (lengthBits >>> 3);
            expect(data[last]! & tail).toBe(plain[last]! & tail);
          }
          apply(count, bearer, direction, data, start, lengthBits);
          expect(data).toEqual(plain);
        },
      ),
      { seed: 33501, numRuns: 300 },
    );
  });

  it("is a stream: a shorter length gives the beginning of a longer one", () => {
    fc.assert(
      fc.property(algorithm, bytes16, fc.integer({ min: 0, max: 1500 }), (name, key, bits) => {
        const apply = prepareConfidentiality(name, key);
        const long = new Uint8Array(190);
        const short = new Uint8Array(190);
        apply(7, 3, 1, long, 0, 1520);
        apply(7, 3, 1, short, 0, bits);
        expect(leading(Buffer.from(short).toString("hex"), bits)).toEqual(
          leading(Buffer.from(long).toString("hex"), bits),
        );
      }),
      { seed: 33501, numRuns: 200 },
    );
  });

  it("works in shared memory, where the arena lies", () => {
    for (const name of confidentialityAlgorithms) {
      const apply = prepareConfidentiality(name, new Uint8Array(16).fill(9));
      const shared = new Uint8Array(new SharedArrayBuffer(100));
      const own = new Uint8Array(100);
      apply(1, 2, 0, shared, 5, 700);
      apply(1, 2, 0, own, 5, 700);
      expect(Uint8Array.from(shared)).toEqual(own);
    }
  });

  it("refuses a key that is not 16 bytes, without showing it", () => {
    for (const name of ["nea1", "nea2", "nea3"] as const) {
      expect(() => prepareConfidentiality(name, new Uint8Array(15).fill(77))).toThrow(
        /encryptionKey: "15 bytes" is not accepted; give a key of 16 bytes/,
      );
    }
  });
});
