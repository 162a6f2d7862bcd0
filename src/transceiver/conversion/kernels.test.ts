import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelMemory } from "../../../test/kernel-memory.js";
import { testTargets } from "../../../test/targets.js";
import { fixedToFloatKernel, floatToFixedKernel, quantizationKernel } from "./quantization-kernel.js";
import { planResampling, resamplingTables } from "./resampling.js";
import { resamplingKernel } from "./resampling-kernel.js";

const { memory, floats, compile } = kernelMemory(8);
const [A, B, C, D] = [1024, 1 << 17, 1 << 18, 3 << 17];

const canary = new Array(20).fill(7);
const lanes = fc.constantFrom(2, 4, 8, 16);
const number = fc.oneof(
  fc.double({ noNaN: true, min: -1.5, max: 1.5 }).map(Math.fround),
  fc.constantFrom(0, -0, 1, -1, 0.99999994, 2 ** -16, 3 * 2 ** -16, 1e30, -1e30, Infinity, -Infinity, NaN),
);

/** The step of a converter, by a search that knows no rounding operation: the nearest, of two the even one. */
function nearestStep(value: number, bits: number): number {
  if (Number.isNaN(value)) return 0;
  const [low, high] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const scaled = value * 2 ** (bits - 1);
  if (scaled <= low) return low;
  if (scaled >= high) return high;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

describe.each(testTargets)("quantization kernels on $name", (target) => {
  it("give the nearest step, clip, and make 0 of what is no number", () => {
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 50 }),
        fc.constantFrom(8, 10, 12, 14, 16),
        lanes,
        (values, bits, width) => {
          const from = floats(A, values);
          const to = floats(B, [...values.map(() => 0), ...canary]);
          compile(target, quantizationKernel(values.length, bits, width))(A, B);
          const wanted = [...from].map((value) => nearestStep(value, bits) / 2 ** (bits - 1));
          expect([...to.subarray(0, values.length)].map((value) => value + 0)).toEqual(
            wanted.map((value) => value + 0),
          );
          expect([...to.subarray(values.length)]).toEqual(canary);
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });

  it("give and take fixed point exactly", () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 50 }), lanes, (values, width) => {
        const from = floats(A, values);
        const fixed = new Int16Array(memory.buffer, B, values.length + 20).fill(7);
        compile(target, floatToFixedKernel(values.length, width))(A, B);
        expect([...fixed]).toEqual([...[...from].map((value) => nearestStep(value, 16) + 0), ...canary]);
        const back = floats(C, [...values.map(() => 0), ...canary]);
        compile(target, fixedToFloatKernel(values.length, width))(B, C);
        expect([...back]).toEqual([
          ...[...fixed.subarray(0, values.length)].map((value) => value / 32768),
          ...canary,
        ]);
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});

describe.each(testTargets)("resamplingKernel on $name", (target) => {
  it("weighs the samples about each output by the tables", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        lanes,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (a, b, times, width, seed) => {
          const [inputs, outputs] = [a * times, b * times];
          const plan = planResampling(inputs, outputs, width);
          const { factors, starts } = resamplingTables(plan);
          let state = seed;
          const from = floats(
            A,
            Float32Array.from({ length: 2 * plan.padded }, () => {
              state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
              return state / 2 ** 31 - 1;
            }),
          );
          floats(B, factors);
          new Int32Array(memory.buffer, C, starts.length).set(starts);
          const to = floats(D, [...new Array(2 * outputs).fill(0), ...canary]);
          compile(target, resamplingKernel(plan, outputs, width))(A, B, C, D);
          for (let at = 0; at < 2 * outputs; at++) {
            const n = at >> 1;
            const phase = n % plan.phases;
            const start = starts[phase]! + Math.floor(n / plan.phases) * plan.inputs;
            let [sum, magnitude] = [0, 0];
            for (let tap = 0; tap < plan.taps; tap++) {
              const term = factors[2 * (phase * plan.taps + tap)]! * from[2 * (start + tap) + (at & 1)]!;
              sum += term;
              magnitude += Math.abs(term);
            }
            expect(Math.abs(to[at]! - sum)).toBeLessThan(4e-6 * magnitude + 1e-30);
          }
          expect([...to.subarray(2 * outputs)]).toEqual(canary);
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it("reads no sample outside of the padded input", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        lanes,
        (from, to, width) => {
          const plan = planResampling(from, to, width);
          const { starts } = resamplingTables(plan);
          const last = to - 1;
          const start = starts[last % plan.phases]! + Math.floor(last / plan.phases) * plan.inputs;
          expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
          expect(start + plan.taps).toBeLessThanOrEqual(plan.padded);
        },
      ),
      { seed: 4 },
    );
  });
});

describe("planResampling", () => {
  it("refuses what is no ratio of small numbers", () => {
    expect(() => planResampling(0, 5, 4)).toThrow(/converterSample/);
    expect(() => planResampling(5, 0.5, 4)).toThrow(/sample/);
    expect(() => planResampling(1_000_003, 999_983, 4)).toThrow(/small whole numbers/);
  });
});
