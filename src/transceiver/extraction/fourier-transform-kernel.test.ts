import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Target } from "../../compiler/index.js";
import {
  type FourierTransform,
  planTransform,
  transformTable,
  transformWorkLength,
} from "./fourier-transform.js";
import { fourierTransformKernel } from "./fourier-transform-kernel.js";

const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const [FROM, WORK, TABLE, TO] = [4096, 1 << 17, 1 << 18, 1 << 19];

function floats(offset: number, length: number): Float32Array {
  return new Float32Array(memory.buffer, offset, length);
}

/** Runs the transform and gives its result as interleaved numbers. */
function run(target: Target, transform: FourierTransform, input: Float32Array): Float32Array {
  const { size } = transform;
  const kernel = target.compile(fourierTransformKernel(transform), memory);
  const planes = (value: Float32Array): Float32Array =>
    value.map((_, at) => value[at < size ? 2 * at : 2 * (at - size) + 1]!);
  floats(FROM, 2 * size).set(transform.input === "planes" ? planes(input) : input);
  const table = transformTable(transform);
  floats(TABLE, table.length).set(table);
  floats(WORK, transformWorkLength(size) + 16).fill(7);
  floats(TO, 2 * size + 16).fill(7);
  kernel(FROM, WORK, TABLE, TO, 64);
  expect([...floats(TO + 8 * size, 16)], "behind the result").toEqual(new Array(16).fill(7));
  expect([...floats(WORK + 16 * size, 16)], "behind the work memory").toEqual(new Array(16).fill(7));
  const result = floats(TO, 2 * size);
  if (transform.output === "interleaved") return result.slice();
  return result.map((_, at) => result[(at >> 1) + (at & 1) * size]!);
}

/** Σ x(n)·e^(j·sign·2πnk/N) in double precision, for the bins asked for. */
function discreteFourierTransform(x: Float32Array, sign: number, bins: readonly number[]): number[] {
  const size = x.length / 2;
  const [cos, sin] = [Math.cos, Math.sin].map((wave) =>
    Float64Array.from({ length: size }, (_, n) => wave((2 * Math.PI * n) / size)),
  );
  return bins.flatMap((k) => {
    let [re, im] = [0, 0];
    for (let n = 0; n < size; n++) {
      const [c, s] = [cos![(n * k) % size]!, sign * sin![(n * k) % size]!];
      re += x[2 * n]! * c - x[2 * n + 1]! * s;
      im += x[2 * n]! * s + x[2 * n + 1]! * c;
    }
    return [re, im];
  });
}

function relativeError(got: readonly number[], wanted: readonly number[]): number {
  let [error, power] = [0, 0];
  wanted.forEach((value, at) => {
    error += (got[at]! - value) ** 2;
    power += value ** 2;
  });
  return Math.sqrt(error / power);
}

function noise(size: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: 2 * size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const layouts = ["interleaved", "planes"] as const;
/** The sizes that the sample rates of 5, 10, 15, 20, 30, 40, 50, 60, 80 and 100 MHz carriers and others give. */
const sizes = [
  4, 12, 20, 128, 180, 256, 384, 512, 640, 768, 1024, 1152, 1280, 1536, 1920, 2048, 3072, 3200, 3840, 4096,
  6144,
];

describe.each(testTargets)("fourierTransformKernel on $name", (target) => {
  it.each(sizes)("transforms %i points within 1e-6 of double precision, both ways", (size) => {
    const input = noise(size, size);
    const bins = Array.from({ length: Math.min(size, 96) }, (_, index) => (index * 89) % size);
    for (const sign of [-1, 1] as const) {
      const wanted = discreteFourierTransform(input, sign, bins);
      for (const lanes of [4, 16]) {
        const output = run(target, { size, sign, input: "interleaved", output: "planes", lanes }, input);
        const got = bins.flatMap((k) => [output[2 * k]!, output[2 * k + 1]!]);
        expect(relativeError(got, wanted), `${lanes} lanes`).toBeLessThan(1e-6);
      }
    }
  });

  it("does so for every size of the factors 2, 3, 5, layout and number of lanes", () => {
    const all = Array.from({ length: 150 }, (_, index) => 4 * (index + 1)).filter(
      (size) => (2 ** 20 * 3 ** 10 * 5 ** 6) % size === 0,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.constantFrom(...layouts),
        fc.constantFrom(...layouts),
        fc.constantFrom(2, 4, 8, 16),
        fc.constantFrom(-1 as const, 1 as const),
        fc.integer(),
        (size, inputLayout, outputLayout, lanes, sign, seed) => {
          const input = noise(size, seed);
          const output = run(target, { size, sign, input: inputLayout, output: outputLayout, lanes }, input);
          const bins = Array.from({ length: size }, (_, k) => k);
          expect(relativeError([...output], discreteFourierTransform(input, sign, bins))).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 60, seed: 11 },
    );
  });

  it("gives the input back, N times, when run both ways", () => {
    const size = 3072;
    const input = noise(size, 5);
    const spectrum = run(
      target,
      { size, sign: -1, input: "interleaved", output: "interleaved", lanes: 4 },
      input,
    );
    const back = run(
      target,
      { size, sign: 1, input: "interleaved", output: "interleaved", lanes: 4 },
      spectrum,
    );
    expect(relativeError([...back.map((value) => value / size)], [...input])).toBeLessThan(1e-6);
  });

  it("keeps zeros zero and spreads what is not a number over its own transform only", () => {
    const transform: FourierTransform = {
      size: 768,
      sign: -1,
      input: "interleaved",
      output: "planes",
      lanes: 4,
    };
    expect(run(target, transform, new Float32Array(1536)).every((value) => value === 0)).toBe(true);
    const bad = noise(768, 1);
    bad[100] = Number.NaN;
    expect(run(target, transform, bad).some(Number.isNaN)).toBe(true);
    expect(run(target, transform, noise(768, 1)).some(Number.isNaN)).toBe(false);
  });
});

describe("planTransform", () => {
  it("refuses sizes with other factors and sizes that are not multiples of 4", () => {
    for (const size of [0, 7 * 64, 6, 25, 1023])
      expect(() => planTransform(size, 4)).toThrow(/factors are 2, 3 and 5/);
  });

  it("takes every size apart completely", () => {
    for (const size of sizes)
      for (const lanes of [2, 4, 8, 16]) {
        const plan = planTransform(size, lanes);
        expect(plan.passes.reduce((product, pass) => product * pass.radix, plan.lanes)).toBe(size);
        expect(plan.columns % plan.lanes).toBe(0);
      }
  });
});
