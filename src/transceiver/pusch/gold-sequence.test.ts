import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goldBits, goldSequence, scramblingInit } from "./gold-sequence.js";

/** TS 38.211 5.2.1 as it stands: one bit a step, from n = 0. */
function sequence(cInit: number, length: number): number[] {
  const total = 1600 + length;
  const x1 = [1, ...Array<number>(30).fill(0)];
  const x2 = Array.from({ length: 31 }, (_, bit) => Math.floor(cInit / 2 ** bit) % 2);
  for (let n = 0; n + 31 < total; n++) {
    x1.push((x1[n + 3]! + x1[n]!) % 2);
    x2.push((x2[n + 3]! + x2[n + 2]! + x2[n + 1]! + x2[n]!) % 2);
  }
  return Array.from({ length }, (_, n) => (x1[n + 1600]! + x2[n + 1600]!) % 2);
}

const initialValue = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 30, 2 ** 31 - 1),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
);

describe("pseudo-random sequence", () => {
  it("equals the recursion bit by bit, as words and as bits", () => {
    fc.assert(
      fc.property(initialValue, fc.integer({ min: 0, max: 4000 }), (cInit, length) => {
        const expected = sequence(cInit, length);
        const bits = new Uint8Array(length);
        goldBits(cInit, bits);
        expect([...bits]).toEqual(expected);
        const words = new Uint32Array(Math.ceil(length / 32));
        goldSequence(cInit, words);
        expect(expected.map((_, n) => (words[n >> 5]! >>> (n & 31)) & 1)).toEqual(expected);
      }),
      { seed: 38211, numRuns: 60 },
    );
  });

  it("starts anew at every call", () => {
    const first = new Uint32Array(100);
    const second = new Uint32Array(100);
    goldSequence(12345, first);
    goldSequence(54321, second);
    goldSequence(12345, second);
    expect(second).toEqual(first);
  });

  it("is initialized for scrambling from RNTI and identity without overflow of 31 bits", () => {
    expect(scramblingInit(0x4601, 1)).toBe(0x4601 * 32768 + 1);
    expect(scramblingInit(65535, 1023)).toBe(2 ** 31 - 32768 + 1023);
  });
});
