import { describe, expect, it } from "vitest";
import { argument, arith, buffer, kernel, memref, scf, vector, vectorOf } from "./index.js";
import { countOperations, printKernel } from "./text.js";

describe("kernels as operations for people", () => {
  const example = kernel(
    "example",
    { a: buffer("i8", 64), n: argument("index"), scale: argument("f32") },
    ({ a, n, scale }) => {
      const [sum] = scf.for(0, n, 16, [arith.constant(vectorOf("i8", 16), 3)], (i, [s]) => [
        arith.maxsi(s!, vector.load(a, i, 16)),
      ]);
      scf.if(arith.cmpi("sgt", n, 3), () => vector.store(sum!, a, 0));
      const [chosen] = scf.if(
        arith.cmpf("olt", scale, -0.5),
        () => [arith.negf(scale)],
        () => [arith.mulf(scale, scale)],
      );
      const lanes = vector.shuffle(sum!, sum!, [0, 17, 2, 19]);
      memref.store(vector.extract(lanes, 1), a, 7);
      return chosen!;
    },
  );

  it("stand one a line, constants and memory in their place, types where they change", () => {
    expect(printKernel(example)).toBe(`example(a: i8[64], n: index, scale: f32)
  %0 = scf.for %1 = 0 to n step 16 iter_args(%2 = 3)
    %3 = vector.load a[%1] : 16xi8
    %4 = arith.maxsi %2, %3
    scf.yield %4
  %5 = arith.cmpi sgt, n, 3 : i1
  scf.if %5
    vector.store %0, a[0]
  %6 = arith.cmpf olt, scale, -0.5 : i1
  %7 = scf.if %6
    %8 = arith.negf scale
    scf.yield %8
  else
    %9 = arith.mulf scale, scale
    scf.yield %9
  %10 = vector.shuffle %0, %0 [0, 17, 2, 19] : 4xi8
  %11 = vector.extract %10 [1] : i8
  memref.store %11, a[7]
  return %7
`);
  });

  it("are counted without constants and without what blocks hand on", () => {
    expect(countOperations(example)).toBe(13);
    expect(countOperations(kernel("nothing", {}, () => {}))).toBe(0);
    expect(printKernel(kernel("nothing", {}, () => {}))).toBe("nothing()\n");
  });

  it("keep the sign of zero and say which lanes of a mask are set", () => {
    const signs = kernel("signs", { a: buffer("f32", 2) }, ({ a }) => {
      const mask = arith.constant(vectorOf("i1", 2), [0, 1]);
      vector.maskedStore(arith.constant(vectorOf("f32", 2), [-0, 0.1]), a, 0, mask);
    });
    expect(printKernel(signs)).toContain("vector.maskedstore a[0], [false, true], [-0, 0.1]");
  });
});
