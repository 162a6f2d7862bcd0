import { describe, expect, it } from "vitest";
import { arith } from "./arith.js";
import { argument, buffer, kernel } from "./builder.js";
import { countingTarget } from "./counting-target.js";
import { scf } from "./scf.js";
import { vector } from "./vector.js";
import { wasmTarget } from "./wasm/target.js";

const COUNTER = 1024;

const sums = kernel(
  "sums",
  { from: buffer("f32", 64), to: buffer("f32", 64), rounds: argument("index") },
  ({ from, to, rounds }) => {
    scf.for(0, rounds, 1, (round) => {
      const at = arith.muli(round, 4);
      const values = vector.load(from, at, 4);
      vector.store(arith.addf(arith.mulf(values, values), values), to, at);
    });
  },
);

describe("a counting target", () => {
  it.each([0, 1, 5])("counts the lane operations of %s rounds, and computes the same", (rounds) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const numbers = new Float32Array(memory.buffer, 0, 20).map((_, index) => index - 3);
    new Float32Array(memory.buffer, 0, 20).set(numbers);
    const target = countingTarget(wasmTarget(), memory, COUNTER);
    const run = target.compile(sums, memory);
    run(0, 512, rounds);
    // One multiplication and one addition of four lanes each.
    expect(target.take()).toBe(8 * rounds);
    expect(target.take()).toBe(0);
    const made = new Float32Array(memory.buffer, 512, 4 * rounds);
    made.forEach((value, index) => {
      expect(value).toBe(numbers[index]! ** 2 + numbers[index]!);
    });
    target.countOperations?.(7);
    run(0, 512, 1);
    expect(target.take()).toBe(15);
    target.release?.(run);
  });
});
