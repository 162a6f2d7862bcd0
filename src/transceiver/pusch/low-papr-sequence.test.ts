import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { goldBits } from "./gold-sequence.js";
import { prepareLowPaprSequence } from "./low-papr-sequence.js";
import { hoppedSequence } from "./sequence-hopping.js";

const seed = 38_211_522;
const TABULATED = [6, 12, 18, 24];

function sequence(length: number, group: number, number = 0): Float32Array {
  const found = new Float32Array(2 * length);
  prepareLowPaprSequence(length)(30 * number + group, found);
  return found;
}

/** e^(-jπ·x) of each phase x, interleaved. */
function points(phases: readonly number[]): number[] {
  return phases.flatMap((phase) => [Math.cos(Math.PI * phase), -Math.sin(Math.PI * phase)]);
}

function expectPoints(found: ArrayLike<number>, wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((value, k) => {
    expect(Math.abs(found[k]! - value)).toBeLessThan(1e-6);
  });
}

/** Magnitude of the cyclic cross-correlation at every lag in time, over the length. */
function correlations(a: Float32Array, b: Float32Array): number[] {
  const length = a.length / 2;
  return Array.from({ length }, (_, lag) => {
    let [re, im] = [0, 0];
    for (let n = 0; n < length; n++) {
      const angle = (2 * Math.PI * ((n * lag) % length)) / length;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const x = a[2 * n]! * b[2 * n]! + a[2 * n + 1]! * b[2 * n + 1]!;
      const y = a[2 * n + 1]! * b[2 * n]! - a[2 * n]! * b[2 * n + 1]!;
      re += x * cos - y * sin;
      im += x * sin + y * cos;
    }
    return Math.hypot(re, im) / length;
  });
}

/** Peak over mean power of the signal whose subcarriers are the sequence's, in dB. */
function peakToAveragePower_db(subcarriers: Float32Array): number {
  const length = subcarriers.length / 2;
  let peak = 0;
  for (let t = 0; t < 8 * length; t++) {
    let [re, im] = [0, 0];
    for (let n = 0; n < length; n++) {
      const angle = (2 * Math.PI * n * t) / (8 * length);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      re += subcarriers[2 * n]! * cos - subcarriers[2 * n + 1]! * sin;
      im += subcarriers[2 * n]! * sin + subcarriers[2 * n + 1]! * cos;
    }
    peak = Math.max(peak, (re * re + im * im) / length);
  }
  return 10 * Math.log10(peak);
}

describe("low-PAPR sequences of type 1, TS 38.211 5.2.2", () => {
  it("have magnitude 1 for every number of resource blocks, group and number", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 270 }),
        fc.integer({ min: 0, max: 29 }),
        fc.constantFrom(0, 1),
        (blocks, group, number) => {
          const found = sequence(6 * blocks, group, 6 * blocks < 72 ? 0 : number);
          for (let n = 0; n < 6 * blocks; n++)
            expect(Math.hypot(found[2 * n]!, found[2 * n + 1]!)).toBeCloseTo(1, 6);
        },
      ),
      { seed, numRuns: 200 },
    );
  });

  it.each([0, 3, 11, 29])("of length 30 are 5.2.2.2's formula, group %i", (group) => {
    const phases = Array.from({ length: 30 }, (_, n) => ((group + 1) * (n + 1) * (n + 2)) / 31);
    expectPoints(sequence(30, group), points(phases));
  });

  // By hand: q̄ = N·(u + 1)/31, q = ⌊q̄ + ½⌋ + v·(-1)^⌊2q̄⌋.
  it.each([
    { length: 36, prime: 31, group: 0, number: 0, root: 1 },
    { length: 36, prime: 31, group: 29, number: 0, root: 30 },
    // q̄ = 2.29
    { length: 72, prime: 71, group: 0, number: 0, root: 2 },
    { length: 72, prime: 71, group: 0, number: 1, root: 3 },
    // q̄ = 4.58
    { length: 72, prime: 71, group: 1, number: 0, root: 5 },
    { length: 72, prime: 71, group: 1, number: 1, root: 4 },
    // q̄ = 1566.77
    { length: 1620, prime: 1619, group: 29, number: 0, root: 1567 },
    { length: 1620, prime: 1619, group: 29, number: 1, root: 1566 },
  ])("of length $length, u = $group, v = $number are the Zadoff-Chu sequence $root of $prime", (row) => {
    const phases = Array.from({ length: row.length }, (_, n) => {
      const m = BigInt(n % row.prime);
      return Number((BigInt(row.root) * m * (m + 1n)) % BigInt(2 * row.prime)) / row.prime;
    });
    expectPoints(sequence(row.length, row.group, row.number), points(phases));
  });

  it("of length 36 or more have a prime period without cyclic autocorrelation", () => {
    for (const [length, prime] of [
      [36, 31],
      [72, 71],
      [150, 149],
      [300, 293],
    ] as const) {
      const period = sequence(length, 7).subarray(0, 2 * prime);
      // The spectrum of a Zadoff-Chu sequence is as flat as the sequence, so that no lag but 0 correlates.
      const shifted = (lag: number) =>
        Float32Array.from(period, (_, k) => period[(k + 2 * lag) % (2 * prime)]!);
      for (const lag of [1, 2, 17, prime - 1])
        expect(correlations(period, shifted(lag))[0]).toBeLessThan(1e-5);
    }
  });

  it("differ between groups and numbers at every cyclic shift", () => {
    for (const length of [...TABULATED, 30, 36, 72]) {
      const all = (length < 72 ? [0] : [0, 1]).flatMap((number) =>
        Array.from({ length: 30 }, (_, group) => sequence(length, group, number)),
      );
      all.forEach((one, index) => {
        for (const other of all.slice(0, index).filter((_, k) => (index + k) % 5 === 0))
          expect(Math.max(...correlations(one, other))).toBeLessThan(0.95);
      });
    }
  });

  it.each(TABULATED)("of the table of length %i have peaks that few random ones have so low", (length) => {
    const random = createRandom(seed);
    const peaks = Array.from({ length: 300 }, () => {
      const quadrants = Array.from({ length }, () => (2 * random.integer(4) + 1) / 4);
      return peakToAveragePower_db(Float32Array.from(points(quadrants)));
    }).sort((a, b) => a - b);
    // Of six points there are not many more sequences than the table has.
    const few = peaks[length === 6 ? 150 : 3]!;
    for (let group = 0; group < 30; group++)
      expect(peakToAveragePower_db(sequence(length, group)), `group ${group}`).toBeLessThan(few);
  });
});

describe("group and sequence hopping, TS 38.211 6.4.1.1.1.2", () => {
  it("follow the pseudo-random sequences, or the identity alone", () => {
    const bits = new Uint8Array(8 * 14 * 20);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1007 }),
        fc.integer({ min: 0, max: 14 * 20 - 1 }),
        (identity, symbol) => {
          const of = (mode: "neither" | "group" | "sequence", length: number) =>
            hoppedSequence({ mode, identity, length }, symbol);
          expect(of("neither", 144)).toBe(identity % 30);
          goldBits(Math.floor(identity / 30), bits);
          let shift = 0;
          for (let m = 0; m < 8; m++) shift += 2 ** m * bits[8 * symbol + m]!;
          expect(of("group", 144)).toBe(((shift % 30) + identity) % 30);
          goldBits(identity, bits);
          expect(of("sequence", 72)).toBe(30 * bits[symbol]! + (identity % 30));
          expect(of("sequence", 66)).toBe(identity % 30);
        },
      ),
      { seed, numRuns: 100 },
    );
  });
});
