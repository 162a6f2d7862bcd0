import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aesCmac } from "./aes.js";
import { type IntegrityAlgorithm, integrityAlgorithms, prepareIntegrity } from "./integrity.js";

interface IntegritySet {
  name: string;
  key: string;
  count: number;
  bearer: number;
  direction: number;
  length_bits: number;
  message: string;
  mac: string;
}

const path = resolve(process.cwd(), "../shared/data/3gpp/ciphering_test_sets.json");
const present = existsSync(path);
const sets: Record<string, IntegritySet[]> = present ? JSON.parse(readFileSync(path, "utf8")).sets : {};

const hexadecimal = (value: number) => value.toString(16).padStart(8, "0");

describe.skipIf(!present)("integrity test sets of TS 33.401 and TS 33.501", () => {
  for (const algorithm of ["nia1", "nia2", "nia3"] as const) {
    for (const set of sets[algorithm] ?? []) {
      it(`${set.name}, ${set.length_bits} bits`, () => {
        const authenticate = prepareIntegrity(algorithm, Buffer.from(set.key, "hex"));
        const message = Buffer.from(set.message, "hex");
        const data = new Uint8Array(message.length + 9).fill(0x5a);
        data.set(message, 5);
        const mac = authenticate(set.count, set.bearer, set.direction, data, 5, set.length_bits);
        expect(hexadecimal(mac)).toBe(set.mac);
      });
    }
  }

  it("are 20 sets", () => {
    expect(["nia1", "nia2", "nia3"].map((name) => sets[name]?.length)).toEqual([7, 8, 5]);
  });
});

/**
 * The sets that the file extends to whole bytes, as TS 33.401 Annex C and TS 35.223 have them: same messages, the
 * standard's lengths in bits and MAC-I.
 */
describe.skipIf(!present)("integrity test sets with lengths that are not whole bytes", () => {
  for (const [algorithm, number, lengthBits, mac] of [
    ["nia1", 2, 254, "e3259f6f"],
    ["nia1", 3, 511, "9a16c77d"],
    ["nia1", 5, 383, "4145e4b0"],
    ["nia1", 6, 2558, "0fa2b1ee"],
    ["nia2", 1, 58, "118c6eb8"],
    ["nia2", 3, 254, "1f60b01d"],
    ["nia2", 4, 511, "6846a2f0"],
    ["nia2", 6, 383, "f0668c1e"],
    ["nia2", 7, 2558, "f4cc8fa3"],
    ["nia3", 1, 1, "c8a9595e"],
    ["nia3", 2, 90, "6719a088"],
    ["nia3", 3, 577, "fae8ff0b"],
    ["nia3", 4, 2079, "004ac4d6"],
    ["nia3", 5, 5670, "0ca12792"],
  ] as const) {
    it(`${algorithm} test set ${number}, ${lengthBits} bits`, () => {
      const set = sets[algorithm]![number - 1]!;
      const authenticate = prepareIntegrity(algorithm, Buffer.from(set.key, "hex"));
      const message = Buffer.from(set.message, "hex");
      const result = authenticate(set.count, set.bearer, set.direction, message, 0, lengthBits);
      expect(hexadecimal(result)).toBe(mac);
    });
  }
});

/** RFC 4493 section 4: one key, four lengths of one message. */
describe("AES-CMAC of RFC 4493", () => {
  const key = Buffer.from("2b7e151628aed2a6abf7158809cf4f3c", "hex");
  const message =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef" +
    "f69f2445df4f9b17ad2b417be66c3710";
  for (const [bytes, tag] of [
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ] as const) {
    it(`${bytes} bytes`, () => {
      const workspace = new Uint8Array(80).fill(0xff);
      workspace.set(Buffer.from(message, "hex").subarray(0, bytes));
      const result = new Uint8Array(16);
      aesCmac(key)(workspace, 8 * bytes, result);
      expect(Buffer.from(result).toString("hex")).toBe(tag);
    });
  }
});

describe("integrity", () => {
  const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

  it("depends on every bit of the message up to its length and on none beyond", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<IntegrityAlgorithm>("nia1", "nia2", "nia3"),
        bytes16,
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.nat(),
        fc.nat(),
        (name, key, data, lengthChoice, bitChoice) => {
          const authenticate = prepareIntegrity(name, key);
          const lengthBits = 1 + (lengthChoice % (8 * data.length));
          const mac = authenticate(5, 6, 1, data, 0, lengthBits);
          const bit = bitChoice % (8 * data.length);
          const changed = Uint8Array.from(data);
          changed[bit >>> 3]! ^= 0x80 >>> (bit & 7);
          const other = authenticate(5, 6, 1, changed, 0, lengthBits);
          if (bit < lengthBits) expect(other).not.toBe(mac);
          else expect(other).toBe(mac);
          expect(authenticate(5, 6, 1, data, 0, lengthBits)).toBe(mac);
        },
      ),
      { seed: 33501, numRuns: 400 },
    );
  });

  it("depends on COUNT, BEARER, DIRECTION and the length", () => {
    const data = new Uint8Array(40);
    for (const name of ["nia1", "nia2", "nia3"] as const) {
      const authenticate = prepareIntegrity(name, new Uint8Array(16).fill(3));
      const macs = [
        authenticate(1, 2, 0, data, 0, 300),
        authenticate(2, 2, 0, data, 0, 300),
        authenticate(1, 3, 0, data, 0, 300),
        authenticate(1, 2, 1, data, 0, 300),
        authenticate(1, 2, 0, data, 0, 301),
        authenticate(1, 2, 0, data, 0, 0),
      ];
      expect(new Set(macs).size, name).toBe(macs.length);
    }
  });

  it("is zero for nia0, and works in shared memory for all", () => {
    const own = Uint8Array.from({ length: 9500 }, (_, i) => i * 7);
    const shared = new Uint8Array(new SharedArrayBuffer(9500));
    shared.set(own);
    for (const name of integrityAlgorithms) {
      const authenticate = prepareIntegrity(name, new Uint8Array(16).fill(3));
      const mac = authenticate(1, 2, 0, own, 3, 75000);
      expect(authenticate(1, 2, 0, shared, 3, 75000)).toBe(mac);
      if (name === "nia0") expect(mac).toBe(0);
    }
  });

  it("refuses a key that is not 16 bytes, without showing it", () => {
    for (const name of ["nia1", "nia2", "nia3"] as const) {
      expect(() => prepareIntegrity(name, new Uint8Array(32).fill(77))).toThrow(
        /integrityKey: "32 bytes" is not accepted; give a key of 16 bytes/,
      );
    }
  });
});
