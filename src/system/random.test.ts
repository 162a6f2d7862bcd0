import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom, randomOfState } from "./random.js";

const mask = 0xffffffffn;
const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;

/** The generator as its authors publish it, in arbitrary precision. */
function* xoshiro128(words: number[]): Generator<number> {
  const s = words.map(BigInt);
  for (;;) {
    yield Number((rotate((s[1]! * 5n) & mask, 7n) * 9n) & mask);
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11n);
  }
}

/** Standard normal distribution function, by numerical integration of the density. */
function normalDistribution(x: number): number {
  const steps = 400;
  const width = x / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-0.5 * (i * width) ** 2);
  }
  return 0.5 + (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}

describe("random", () => {
  it("gives the published first numbers of xoshiro128** from the state 1, 2, 3, 4", () => {
    const random = randomOfState(Uint32Array.of(1, 2, 3, 4));
    const drawn = Array.from({ length: 10 }, () => random.next() * 2 ** 32);
    expect(drawn).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it("is xoshiro128** from any state", () => {
    fc.assert(
      fc.property(fc.tuple(word(), word(), word(), fc.integer({ min: 1, max: 0xffffffff })), (state) => {
        const random = randomOfState(Uint32Array.from(state));
        const reference = xoshiro128(state);
        for (let i = 0; i < 50; i++) expect(random.next() * 2 ** 32).toBe(reference.next().value);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("repeats with the seed and differs without", () => {
    const draw = (seed: number) => {
      const random = createRandom(seed);
      return Array.from({ length: 8 }, () => random.next());
    };
    expect(draw(7)).toEqual(draw(7));
    const first = new Set(
      [0, 1, -1, 2 ** 32, 2 ** 32 + 1, -(2 ** 40), Number.MAX_SAFE_INTEGER].map((s) => draw(s)[0]),
    );
    expect(first.size).toBe(7);
  });

  it("forks by seed and label, however much was drawn", () => {
    const parent = createRandom(3);
    const early = parent.fork("noise").next();
    parent.gaussian();
    expect(parent.fork("noise").next()).toBe(early);
    const values = ["noise", "esion", "", "1", 1, 2, -1, 0.5].map((label) => parent.fork(label).next());
    expect(new Set(values).size).toBe(8);
    expect(parent.fork("a").fork("b").next()).not.toBe(parent.fork("b").fork("a").next());
    expect(createRandom(4).fork("noise").next()).not.toBe(early);
  });

  it("has forks and neighbouring seeds that do not correlate", () => {
    const n = 100_000;
    const pairs = [
      [createRandom(1), createRandom(2)],
      [createRandom(1).fork(0), createRandom(1).fork(1)],
      [createRandom(1), createRandom(1).fork("x")],
    ] as const;
    for (const [a, b] of pairs) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += a.gaussian() * b.gaussian();
      expect(Math.abs(sum / n)).toBeLessThan(4 / Math.sqrt(n));
    }
  });

  it("draws integers uniformly", () => {
    const random = createRandom(11);
    for (const n of [1, 2, 7, 100]) {
      const draws = 50_000;
      const counts = new Float64Array(n);
      for (let i = 0; i < draws; i++) counts[random.integer(n)]!++;
      const expected = draws / n;
      const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(chiSquare).toBeLessThanOrEqual(n - 1 + 4 * Math.sqrt(2 * (n - 1)));
    }
    // Without rejection, values under 2^31 would come up twice as often as those above.
    const wide = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 30_000; i++) low += random.integer(wide) < 2 ** 30 ? 1 : 0;
    expect(Math.abs(low / 30_000 - 1 / 3)).toBeLessThan(0.012);
  });

  it("draws normal numbers: Kolmogorov-Smirnov, moments and tails", () => {
    const random = createRandom(5);
    const n = 400_000;
    const drawn = Float64Array.from({ length: n }, () => random.gaussian()).sort();
    const moment = (power: number) => drawn.reduce((sum, x) => sum + x ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    let distance = 0;
    for (let i = 0; i < n; i += 97) {
      distance = Math.max(distance, Math.abs((i + 0.5) / n - normalDistribution(drawn[i]!)));
    }
    expect(distance).toBeLessThan(1.95 / Math.sqrt(n));
    // Beyond 3.4426 the tail's own sampler is at work.
    for (const bound of [3, 3.6]) {
      const expected = 2 * n * (1 - normalDistribution(bound));
      const beyond = drawn.reduce((count, x) => count + (Math.abs(x) > bound ? 1 : 0), 0);
      expect(Math.abs(beyond - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
  });

  it("fills bits, balanced and without memory", () => {
    const random = createRandom(9);
    const out = new Uint8Array(100_001);
    random.bits(out);
    expect(Math.max(...new Set(out))).toBe(1);
    let ones = 0;
    let same = 0;
    for (let i = 0; i < out.length; i++) {
      ones += out[i]!;
      if (i >= 32) same += out[i] === out[i - 32] ? 1 : 0;
    }
    expect(Math.abs(ones / out.length - 0.5)).toBeLessThan(2 / Math.sqrt(out.length));
    expect(Math.abs(same / out.length - 0.5)).toBeLessThan(2 / Math.sqrt(out.length));
    random.bits(new Uint8Array(0));
  });

  it("refuses what is no seed and no range", () => {
    for (const seed of [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 60]) {
      expect(() => createRandom(seed)).toThrow(InputError);
    }
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 33])
      expect(() => createRandom(1).integer(n)).toThrow(InputError);
  });
});

function word() {
  return fc.integer({ min: 0, max: 0xffffffff });
}
