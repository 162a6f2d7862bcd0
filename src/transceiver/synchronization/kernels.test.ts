import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelMemory } from "../../../test/kernel-memory.js";
import { testTargets } from "../../../test/targets.js";
import { cyclicPrefixProductsKernel, cyclicPrefixSumKernel } from "./cyclic-prefix-kernel.js";
import { interpolationKernel } from "./interpolation-kernel.js";
import {
  fillPhasors,
  ROTATION_BLOCK,
  ROTATION_TABLE_LENGTH,
  ROTATION_TURN_LENGTH,
  rotationKernel,
} from "./rotation-kernel.js";

const { memory, floats, compile } = kernelMemory(24);
const [A, B, C, D] = [1024, 1 << 19, 1 << 20, (1 << 19) + 4096];

const canary = new Array(20).fill(7);
const number = fc.double({ noNaN: true, min: -4, max: 4 }).map(Math.fround);
const edge = fc.constantFrom(0, -0, 1e6, Infinity, -Infinity, NaN);
const numbers = (length: number) =>
  fc.array(fc.oneof({ weight: 30, arbitrary: number }, { weight: 1, arbitrary: edge }), {
    minLength: length,
    maxLength: length,
  });

/** Equal within `bound` of the sum of magnitudes; where that is not finite, the result is not either. */
function expectClose(got: number, wanted: number, magnitude: number, bound = 1e-6): void {
  if (Number.isFinite(magnitude))
    expect(Math.abs(got - wanted)).toBeLessThanOrEqual(bound * magnitude + 1e-30);
  else expect(Number.isFinite(got)).toBe(false);
}

describe.each(testTargets)("rotationKernel on $name", (target) => {
  const turn = new Float64Array(memory.buffer, D, ROTATION_TURN_LENGTH);

  it("turns every sample, and no other, by its own phase", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }).chain((count) => fc.tuple(fc.constant(count), numbers(2 * count))),
        fc.double({ min: -1.5, max: 1.5, noNaN: true }),
        fc.constantFrom(2, 4, 8),
        ([count, values], turns, lanes) => {
          const from = floats(A, values);
          const phasors = floats(B, new Array(ROTATION_TABLE_LENGTH).fill(0));
          fillPhasors(Float64Array.of(turns), phasors);
          const to = floats(C, [...values.map(() => 0), ...canary]);
          const step = 2 * Math.PI * turns * ROTATION_BLOCK;
          turn.set([0.6, -0.8, Math.cos(step), Math.sin(step)]);
          compile(target, rotationKernel(300, lanes))(A, B, D, C, count);
          for (let n = 0; n < count; n++) {
            const angle = 2 * Math.PI * turns * n + Math.atan2(-0.8, 0.6);
            const [re, im] = [from[2 * n]!, from[2 * n + 1]!];
            const magnitude = Math.hypot(re, im);
            expectClose(to[2 * n]!, re * Math.cos(angle) - im * Math.sin(angle), magnitude);
            expectClose(to[2 * n + 1]!, re * Math.sin(angle) + im * Math.cos(angle), magnitude);
          }
          expect([...to.subarray(2 * count)]).toEqual(canary);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it("stays within 1e-6 over a slot of 61440 samples", () => {
    const count = 61440;
    const from = floats(
      A,
      Float32Array.from({ length: 2 * count }, (_, at) => (at & 1 ? 0 : 1)),
    );
    const run = compile(target, rotationKernel(count, 4));
    for (const turns of [1e-7, 1.2345e-5, -0.000244140625, 0.12345678, -0.4999]) {
      const phasors = floats(B, new Array(ROTATION_TABLE_LENGTH).fill(0));
      fillPhasors(Float64Array.of(turns), phasors);
      const step = 2 * Math.PI * ((turns * ROTATION_BLOCK) % 1);
      turn.set([1, 0, Math.cos(step), Math.sin(step)]);
      run(A, B, D, C, count);
      const to = new Float32Array(memory.buffer, C, 2 * count);
      let worst = 0;
      for (let n = 0; n < count; n++) {
        const angle = 2 * Math.PI * ((turns * n) % 1);
        worst = Math.max(worst, Math.hypot(to[2 * n]! - Math.cos(angle), to[2 * n + 1]! - Math.sin(angle)));
      }
      expect(worst).toBeLessThan(1e-6);
    }
    expect(from[0]).toBe(1);
  });
});

describe.each(testTargets)("cyclic prefix kernels on $name", (target) => {
  const shape = fc.record({
    count: fc.integer({ min: 1, max: 40 }),
    distance: fc.integer({ min: 1, max: 60 }),
    lanes: fc.constantFrom(2, 4, 8),
  });
  const withSamples = shape.chain((s) => fc.tuple(fc.constant(s), numbers(2 * (s.count + s.distance))));
  const compared = (samples: Float32Array, n: number, distance: number) => {
    const [a, b] = [samples[2 * n]!, samples[2 * n + 1]!];
    const [c, d] = [samples[2 * (n + distance)]!, samples[2 * (n + distance) + 1]!];
    const energy = (a * a + b * b + c * c + d * d) / 2;
    return { values: [a * c + b * d, a * d - b * c, energy], energy };
  };

  it("add products and energies sample by sample", () => {
    fc.assert(
      fc.property(withSamples, ([s, values]) => {
        const samples = floats(A, values);
        const products = floats(B, [...new Array(3 * s.count).fill(0.5), ...canary]);
        compile(target, cyclicPrefixProductsKernel(s))(A, B);
        for (let n = 0; n < s.count; n++) {
          const wanted = compared(samples, n, s.distance);
          wanted.values.forEach((value, part) => {
            expectClose(products[part * s.count + n]!, value + 0.5, wanted.energy + 0.5);
          });
        }
        expect([...products.subarray(3 * s.count)]).toEqual(canary);
      }),
      { numRuns: 80, seed: 2 },
    );
  });

  it("sum products and energies", () => {
    fc.assert(
      fc.property(withSamples, ([s, values]) => {
        const samples = floats(A, values);
        const sums = floats(B, [0, 0, 0, ...canary]);
        compile(target, cyclicPrefixSumKernel(s))(A, B);
        const wanted = [0, 0, 0];
        for (let n = 0; n < s.count; n++)
          compared(samples, n, s.distance).values.forEach((value, part) => {
            wanted[part]! += value;
          });
        wanted.forEach((value, part) => {
          expectClose(sums[part]!, value, wanted[2]!, 4e-6);
        });
        expect([...sums.subarray(3)]).toEqual(canary);
      }),
      { numRuns: 80, seed: 3 },
    );
  });
});

describe.each(testTargets)("interpolationKernel on $name", (target) => {
  it("filters every sample asked for and writes no other", () => {
    fc.assert(
      fc.property(
        fc
          .record({
            taps: fc.integer({ min: 1, max: 30 }),
            count: fc.integer({ min: 0, max: 60 }),
            lanes: fc.constantFrom(2, 4, 8),
          })
          .chain((s) =>
            fc.tuple(
              fc.constant(s),
              numbers(2 * (s.count + s.taps - 1)),
              fc.array(number, { minLength: s.taps, maxLength: s.taps }),
            ),
          ),
        ([{ taps, count, lanes }, values, weights]) => {
          const from = floats(A, values);
          const factors = floats(B, weights);
          const to = floats(C, [...new Array(2 * count).fill(0), ...canary]);
          compile(target, interpolationKernel(taps, 60, lanes))(A, B, C, count);
          for (let at = 0; at < 2 * count; at++) {
            let [sum, magnitude] = [0, 0];
            for (let tap = 0; tap < taps; tap++) {
              sum += factors[tap]! * from[at + 2 * tap]!;
              magnitude += Math.abs(factors[tap]! * from[at + 2 * tap]!);
            }
            expectClose(to[at]!, sum, magnitude, 4e-6);
          }
          expect([...to.subarray(2 * count)]).toEqual(canary);
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });
});
