import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { llvm, withoutLlvm } from "../../test/compiler/llvm-target.js";
import { A, B, C, D, memory, read, write } from "../../test/compiler/operation-check.js";
import {
  buffer,
  type Kernel,
  kernel,
  math,
  memref,
  relaxedSimdAvailable,
  vector,
  wasmTarget,
} from "./index.js";

const plain = wasmTarget({ relaxed: false });

describe("fused multiply-add", () => {
  /** Whole numbers whose product and sum are exact as BigInt, and in f64 where f32 is asked. */
  const cases = [
    { element: "f32", bits: 16, round: Math.fround },
    { element: "f64", bits: 40, round: (v: number) => v },
  ] as const;
  describe.each(cases)("of $element", ({ element, bits, round }) => {
    const build = (lanes: number): Kernel =>
      kernel(
        `fma_${element}_${lanes}`,
        { a: buffer(element, 8), b: buffer(element, 8), c: buffer(element, 8), d: buffer(element, 8) },
        ({ a, b, c, d }) => {
          if (lanes === 0) {
            memref.store(math.fma(memref.load(a, 0), memref.load(b, 0), memref.load(c, 0)), d, 0);
          } else {
            const fused = math.fma(
              vector.load(a, 0, lanes),
              vector.load(b, 0, lanes),
              vector.load(c, 0, lanes),
            );
            vector.store(fused, d, 0);
          }
        },
      );
    const operand = (n: number) =>
      fc.array(fc.bigInt(-(1n << BigInt(n)), 1n << BigInt(n)), { minLength: 8, maxLength: 8 });
    const compare = (
      run: (a: number, b: number, c: number, d: number) => unknown,
      lanes: number,
      wanted: (once: number[], twice: number[]) => number[][],
    ): void => {
      fc.assert(
        fc.property(operand(bits), operand(bits), operand(2 * bits), (x, y, z) => {
          z = z.map((v) => BigInt(round(Number(v))));
          write(element, A, x.map(Number));
          write(element, B, y.map(Number));
          write(element, C, z.map(Number));
          run(A, B, C, D);
          const count = Math.max(1, lanes);
          const once = x.slice(0, count).map((v, k) => round(Number(v * y[k]! + z[k]!)));
          const twice = x.slice(0, count).map((v, k) => round(round(Number(v * y[k]!)) + Number(z[k])));
          // A sum of nothing is 0, not −0: BigInt knows one zero.
          expect(wanted(once, twice)).toContainEqual(read(element, D, count).map((v) => Number(v) + 0));
        }),
        { numRuns: 200, seed: 21 },
      );
    };

    it("rounds twice without relaxed SIMD, and for scalars", () => {
      for (const lanes of [0, 1, 2, 4, 8]) {
        compare(plain.compile(build(lanes), memory), lanes, (_, twice) => [twice]);
      }
      compare(wasmTarget().compile(build(0), memory), 0, (_, twice) => [twice]);
    });

    it.skipIf(!relaxedSimdAvailable())("rounds once or twice, all lanes alike, with relaxed SIMD", () => {
      for (const lanes of [1, 2, 4, 8]) {
        compare(wasmTarget().compile(build(lanes), memory), lanes, (once, twice) => [once, twice]);
      }
    });

    it.skipIf(withoutLlvm)("rounds once or twice in native code, all lanes alike", () => {
      for (const lanes of [0, 1, 2, 4, 8]) {
        compare(llvm.compile(build(lanes), memory), lanes, (once, twice) => [once, twice]);
      }
    });
  });
});
