import { describe, expect, it } from "vitest";
import { argument, arith, buffer, kernel, memref, wasmTarget } from "../compiler/index.js";
import { createRandom } from "../radio/index.js";
import { sampleKernels } from "./kernels.js";
import { sampleCall, sampleRange } from "./sample-arguments.js";

describe("sample arguments", () => {
  it("are known for every kernel of the transceiver", () => {
    const unknown = sampleKernels().flatMap((k) =>
      k.arguments
        .filter((a) => sampleRange(a) === undefined)
        .map((a) => `${k.name}: ${a.kind === "buffer" ? a.buffer.name : a.name}`),
    );
    expect(unknown).toEqual([]);
  });

  it("keep every kernel within the memory that comes with them", () => {
    const target = wasmTarget({ relaxed: false });
    for (const k of sampleKernels()) {
      const { memory, arguments: given } = sampleCall(k, createRandom(1));
      // WebAssembly traps beyond its memory.
      expect(() => target.compile(k, memory)(...given), k.name).not.toThrow();
    }
  });

  it("give memory apart to each buffer, filled with numbers of its type, the same for the same seed", () => {
    const shapes = {
      x: buffer("f32", 1000),
      starts: buffer("i32", 300),
      y: buffer("i8", 5),
      count: argument("index"),
    };
    const example = kernel("example", { ...shapes, re: argument("f64") }, ({ x, re }) => {
      memref.store(arith.truncf(re, "f32"), x, 0);
    });
    const { memory, arguments: given } = sampleCall(example, createRandom(3));
    const [x, starts, y, count, re] = given as [number, number, number, number, number];
    expect(starts).toBeGreaterThanOrEqual(x + 4000 + 64);
    expect(y).toBeGreaterThanOrEqual(starts + 1200 + 64);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(y + 5 + 64);
    expect([x, starts, y].every((offset) => offset % 64 === 0)).toBe(true);
    expect([count, re]).toEqual([96, Math.SQRT1_2]);
    const floats = new Float32Array(memory.buffer, x, 1000);
    const power = floats.reduce((sum, v) => sum + v * v, 0) / 1000;
    // Of 1000 squares of normal numbers the mean is within 1 ± 0.045 at one standard deviation.
    expect(Math.abs(power - 1)).toBeLessThan(0.2);
    const indices = new Int32Array(memory.buffer, starts, 300);
    expect(indices.every((v) => v >= 0 && v < 16)).toBe(true);
    expect(new Set(indices).size).toBe(16);
    const again = sampleCall(example, createRandom(3));
    expect(Buffer.compare(Buffer.from(memory.buffer), Buffer.from(again.memory.buffer))).toBe(0);
  });

  it("are refused where a range is not known", () => {
    const strange = kernel("strange", { neverHeardOf: argument("index") }, () => {});
    expect(() => sampleCall(strange, createRandom(1))).toThrow(/strange: an argument of no known range/);
  });
});
