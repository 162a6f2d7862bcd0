import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelMemory } from "../../../test/kernel-memory.js";
import { testTargets } from "../../../test/targets.js";
import { accumulateKernel, scatterKernel } from "./resource-kernel.js";
import { putSubcarriersKernel, subcarrierRuns, takeSubcarriersKernel } from "./subcarrier-kernel.js";

const { memory, floats, compile } = kernelMemory(2);
const [A, B, C, D] = [1024, 33792, 66560, 98304];

const row = fc
  .record({
    size: fc.constantFrom(16, 20, 48, 128),
    lanes: fc.constantFrom(2, 4, 8),
    start: fc.double({ min: 0, max: 1, noNaN: true }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ size, lanes, start, share }) => {
    const first = Math.floor(-size / 2 + start * (size - 1));
    const count = Math.max(1, Math.floor(share * (size / 2 - first)));
    return { size, lanes, first, count };
  });
const edge = fc.constantFrom(0, -0, 1, -1, 1e6, 1e-6, Infinity, -Infinity, NaN);
const number = fc.oneof(
  { weight: 8, arbitrary: fc.double({ noNaN: true, min: -4, max: 4 }).map(Math.fround) },
  { weight: 1, arbitrary: edge },
);
const numbers = (length: number) => fc.array(number, { minLength: length, maxLength: length });

/** Equal within rounding: two complex products of numbers in single precision. */
function expectClose(got: number, wanted: number, magnitude: number, where: string): void {
  if (Number.isFinite(magnitude))
    expect(Math.abs(got - wanted), where).toBeLessThanOrEqual(1e-6 * magnitude + 1e-30);
  else expect(Number.isFinite(got), where).toBe(false);
}

describe("subcarrierRuns", () => {
  it("puts subcarrier k into bin k modulo the size", () => {
    fc.assert(
      fc.property(row, ({ size, first, count }) => {
        const bins = subcarrierRuns(first, count, size).flatMap((run) =>
          Array.from({ length: run.length }, (_, k) => [run.subcarrier + k, run.bin + k]),
        );
        expect(bins).toEqual(Array.from({ length: count }, (_, k) => [k, (first + k + size) % size]));
      }),
      { seed: 3 },
    );
  });
});

describe.each(testTargets)("takeSubcarriersKernel on $name", (target) => {
  it("multiplies every bin of the row by its factor and the common one, and writes nothing else", () => {
    fc.assert(
      fc.property(
        row.chain((r) => fc.tuple(fc.constant(r), numbers(2 * r.size), numbers(2 * r.count), number, number)),
        ([r, bins, factors, re, im]) => {
          const { first, count, size } = r;
          [re, im] = floats(D, [re, im]) as unknown as [number, number];
          const spectrum = floats(A, bins);
          const slope = floats(B, factors);
          const to = floats(C, new Array(2 * count + 20).fill(7));
          const take = compile(target, takeSubcarriersKernel(r.lanes));
          for (const { subcarrier: k, bin, length } of subcarrierRuns(first, count, size))
            take(A + 4 * bin, B + 4 * k, D, C + 8 * k, length, size, count);
          for (let k = 0; k < count; k++) {
            const bin = (first + k + size) % size;
            const [a, b] = [spectrum[bin]!, spectrum[bin + size]!];
            const [c, d] = [slope[k]!, slope[k + count]!];
            const [p, q] = [a * re - b * im, a * im + b * re];
            const magnitude = Math.hypot(a, b) * Math.hypot(c, d) * Math.hypot(re, im);
            expectClose(to[2 * k]!, p * c - q * d, magnitude, `re ${k}`);
            expectClose(to[2 * k + 1]!, p * d + q * c, magnitude, `im ${k}`);
          }
          expect([...to.subarray(2 * count)]).toEqual(new Array(20).fill(7));
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });
});

describe.each(testTargets)("putSubcarriersKernel on $name", (target) => {
  it("writes every bin of the row and no other", () => {
    fc.assert(
      fc.property(
        row.chain((r) => fc.tuple(fc.constant(r), numbers(2 * r.count), number, number)),
        ([r, values, re, im]) => {
          const { first, count, size } = r;
          [re, im] = floats(D, [re, im]) as unknown as [number, number];
          const from = floats(A, values);
          const spectrum = floats(B, new Array(2 * size + 20).fill(7));
          const put = compile(target, putSubcarriersKernel(r.lanes));
          for (const { subcarrier, bin, length } of subcarrierRuns(first, count, size))
            put(A + 8 * subcarrier, D, B + 4 * bin, length, size);
          const untouched = new Set(Array.from({ length: 2 * size + 20 }, (_, at) => at));
          for (let k = 0; k < count; k++) {
            const bin = (first + k + size) % size;
            const [a, b] = [from[2 * k]!, from[2 * k + 1]!];
            const magnitude = Math.hypot(a, b) * Math.hypot(re, im);
            expectClose(spectrum[bin]!, a * re - b * im, magnitude, `re ${k}`);
            expectClose(spectrum[bin + size]!, a * im + b * re, magnitude, `im ${k}`);
            untouched.delete(bin);
            untouched.delete(bin + size);
          }
          for (const at of untouched) expect(spectrum[at]).toBe(7);
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });
});

describe.each(testTargets)("scatterKernel and accumulateKernel on $name", (target) => {
  it("scatters bit for bit", () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1 })
          .chain((indices) => fc.tuple(fc.constant(indices), numbers(2 * indices.length))),
        ([indices, values]) => {
          const from = floats(A, values);
          new Int32Array(memory.buffer, B, indices.length).set(indices);
          const to = floats(C, new Array(120).fill(7));
          compile(target, scatterKernel(indices.length, 60))(A, B, C);
          const wanted = new Float32Array(120).fill(7);
          for (const [k, index] of indices.entries()) wanted.set(from.subarray(2 * k, 2 * k + 2), 2 * index);
          expect([...to]).toEqual([...wanted]);
        },
      ),
      { numRuns: 40, seed: 6 },
    );
  });

  it("adds bit for bit and writes nothing behind", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }).chain((count) => fc.tuple(numbers(count), numbers(count))),
        fc.constantFrom(2, 4, 8),
        ([a, b], lanes) => {
          const from = floats(A, a);
          const before = Float32Array.from(b);
          const to = floats(C, [...b, ...new Array(20).fill(7)]);
          compile(target, accumulateKernel(a.length, lanes))(A, C);
          const wanted = before.map((value, k) => value + from[k]!);
          expect([...to]).toEqual([...wanted, ...new Array(20).fill(7)]);
        },
      ),
      { numRuns: 40, seed: 8 },
    );
  });
});
