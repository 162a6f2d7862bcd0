import { describe, expect, it } from "vitest";
import { argument, arith, buffer, type Kernel, kernel, memref, scf } from "../../src/compiler/index.js";
import { createRandom } from "../../src/radio/index.js";
import { sampleKernels } from "../../src/transceiver/kernels.js";
import { sampleCall } from "../../src/transceiver/sample-arguments.js";
import { testTargets } from "../targets.js";
import { type Contractions, contractions, hasArithmeticOfFloats, hasOperation } from "./contraction.js";
import { elementsOf } from "./kernel-memory.js";

/**
 * The transceiver's kernels on every target as it is used, with products and sums fused where it fuses them: integers
 * are the same on all, and every float, as every integer made of floats, lies in the range that follows from the
 * roundings that may be left out.
 */

const seed = 754;

/**
 * The kernels and, of those that compute with floats, what they may leave. Networks are left out: their products are fused
 * by name, and what they give is held against ONNX Runtime.
 */
const samples = sampleKernels()
  .filter((sample) => !hasOperation(sample, ["math.fma"]))
  .map((sample) => {
    const { memory, arguments: given } = sampleCall(sample, createRandom(seed));
    const ranges = hasArithmeticOfFloats(sample) ? contractions(sample, memory, given) : undefined;
    return { sample, ranges };
  });

/** Runs a kernel on its sample numbers. */
function run(sample: Kernel, target: (typeof testTargets)[number]) {
  const { memory, arguments: given } = sampleCall(sample, createRandom(seed));
  const result = target.compile(sample, memory)(...given);
  const elements = (position: number) => {
    const a = sample.arguments[position]!;
    return a.kind === "buffer" ? elementsOf(memory.buffer, a.buffer, given[position]!) : [];
  };
  return { memory, result, elements };
}

/** The first number that is out of its range. */
function outOfRange(sample: Kernel, { written, result }: Contractions, found: ReturnType<typeof run>) {
  for (const [position, ranges] of written.entries()) {
    const elements = found.elements(position);
    for (const [k, { low, high }] of ranges) {
      const value = Number(elements[k]);
      // NaN may be where anything may be.
      const within = (value >= low && value <= high) || (Number.isNaN(value) && high - low === Infinity);
      if (!within) return `${sample.name}: ${value} at ${k} of argument ${position}, not in ${low} … ${high}`;
    }
  }
  if (result && !(found.result! >= result.low && found.result! <= result.high))
    return `${sample.name} returns ${found.result}, not in ${result.low} … ${result.high}`;
  return undefined;
}

describe.each(testTargets)("the transceiver's kernels on $name", (target) => {
  it("give floats within the ranges of their roundings", () => {
    const wrong = samples.map(
      ({ sample, ranges }) => ranges && outOfRange(sample, ranges, run(sample, target)),
    );
    expect(wrong.filter((text) => text !== undefined)).toEqual([]);
  });

  it("give integers bit for bit as the first target", () => {
    const integers = samples.filter(({ ranges }) => ranges === undefined);
    expect(integers.length).toBeGreaterThan(20);
    for (const { sample } of integers) {
      const [wanted, found] = [run(sample, testTargets[0]!), run(sample, target)];
      const same = Buffer.compare(Buffer.from(found.memory.buffer), Buffer.from(wanted.memory.buffer)) === 0;
      expect(same && Object.is(found.result, wanted.result), sample.name).toBe(true);
    }
  });
});

describe("ranges of the transceiver's kernels", () => {
  /** Widths over the largest number, of each buffer of floats, in rising order; widths in steps, of integers. */
  const widths = samples.flatMap(({ sample, ranges }) => {
    const { elements } = run(sample, testTargets[0]!);
    return [...(ranges?.written.entries() ?? [])].flatMap(([position, written]) => {
      const a = sample.arguments[position]!;
      if (a.kind !== "buffer" || written.size === 0) return [];
      const numbers = elements(position);
      const isFloat = a.buffer.element === "f32";
      const largest = isFloat ? Math.max(...[...written.keys()].map((k) => Math.abs(Number(numbers[k])))) : 1;
      const sorted = [...written.values()]
        .map(({ low, high }) => (high - low) / largest)
        .sort((x, y) => x - y);
      return [{ name: `${sample.name} ${a.buffer.name}`, sample, isFloat, sorted }];
    });
  });

  it("are narrow enough to say something", () => {
    const part = (sorted: readonly number[], share: number) => sorted[Math.floor(share * sorted.length)];
    const floats = widths.filter(({ isFloat }) => isFloat);
    expect(floats.length).toBeGreaterThan(40);
    for (const { name, sample, sorted } of floats) {
      // Sums of products alone leave out a few roundings one after the other: the longest Fourier transform the most.
      if (!hasOperation(sample, ["arith.divf"])) expect(sorted.at(-1), name).toBeLessThan(2 ** -18);
      // Solutions of linear systems are as uncertain as their systems are ill-conditioned, which a few random channels
      // are.
      else if (!hasOperation(sample, ["vector.gather"]))
        expect(part(sorted, 0.9), name).toBeLessThan(2 ** -9);
      // Nothing is said of what a tree search finds where rounding decides which of two candidates stays.
      else expect(part(sorted, 0.5), name).toBeLessThan(2 ** -9);
    }
  });

  it("are a step wide at most where soft bits are quantized, and seldom that", () => {
    const integers = widths.filter(({ isFloat }) => !isFloat);
    expect(integers.length).toBeGreaterThan(5);
    for (const { name, sorted } of integers) {
      expect(sorted.at(-1), name).toBeLessThanOrEqual(1);
      expect(sorted[Math.floor(0.99 * sorted.length)], name).toBe(0);
    }
  });
});

describe("ranges of numbers that a target may fuse", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const x = 1 + 2 ** -12;

  it("hold the sum of a product with one rounding and with two, and the product alone with one", () => {
    const fused = kernel("fused", { a: buffer("f32", 4) }, ({ a }) => {
      const [value, constant] = [memref.load(a, 0), memref.load(a, 1)];
      const product = arith.mulf(value, value);
      memref.store(arith.addf(product, constant), a, 2);
      memref.store(product, a, 3);
    });
    new Float32Array(memory.buffer).set([x, -1 - 2 ** -11]);
    const { written } = contractions(fused, memory, [0]);
    expect(written[0]!.get(2)).toMatchObject({ low: 0, high: 2 ** -24 });
    expect(written[0]!.get(3)).toMatchObject({ low: 1 + 2 ** -11, high: 1 + 2 ** -11 });
    for (const target of testTargets) {
      target.compile(fused, memory)(0);
      const [, , sum] = new Float32Array(memory.buffer, 0, 3);
      expect([0, 2 ** -24]).toContain(sum);
    }
  });

  it("hold both choices where a comparison depends on it, and refuse a branch that does", () => {
    const sign = (a: ReturnType<typeof memref.load>, limit: ReturnType<typeof memref.load>) =>
      arith.cmpf("ogt", arith.addf(arith.mulf(a, a), limit), arith.constant(a.type, 2 ** -25));
    const shape = { a: buffer("f32", 4), n: argument("index") };
    const choice = kernel("choice", shape, ({ a }) => {
      const chosen = arith.select(
        sign(memref.load(a, 0), memref.load(a, 1)),
        memref.load(a, 0),
        memref.load(a, 1),
      );
      memref.store(chosen, a, 2);
    });
    const branch = kernel("branch", shape, ({ a }) => {
      scf.if(sign(memref.load(a, 0), memref.load(a, 1)), () => memref.store(memref.load(a, 0), a, 2));
    });
    new Float32Array(memory.buffer).set([x, -1 - 2 ** -11]);
    expect(contractions(choice, memory, [0, 1]).written[0]!.get(2)).toMatchObject({
      low: -1 - 2 ** -11,
      high: x,
    });
    expect(() => contractions(branch, memory, [0, 1])).toThrow(/a branch depends on rounding/);
  });
});
