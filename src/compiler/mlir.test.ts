import { describe, expect, it } from "vitest";
import {
  argument,
  arith,
  buffer,
  kernel,
  llvm,
  memref,
  printMlir,
  scalar,
  scf,
  type Type,
  vector,
  vectorOf,
} from "./index.js";

// Whether MLIR takes the text, and computes the same with it, is tested with MLIR's own tools in test/compiler.

function constantText(type: Type, value: number | bigint | readonly number[]): string {
  const text = printMlir(kernel("constant", {}, () => void arith.constant(type, value)));
  return /arith\.constant (.*)/.exec(text)![1]!;
}

describe("kernels as MLIR text", () => {
  it("are one function of static memory, with loops, branches and saturation in MLIR's syntax", () => {
    const text = printMlir(
      kernel("example", { a: buffer("i8", 64), n: argument("index") }, ({ a, n }) => {
        const [sum] = scf.for(0, n, 16, [arith.constant(vectorOf("i8", 16), 0)], (i, [s]) => [
          llvm.saddSat(s!, vector.load(a, i, 16)),
        ]);
        scf.if(arith.cmpi("sgt", n, 3), () => vector.store(sum!, a, 0));
        return arith.extsi(memref.load(a, n), "i32");
      }),
    );
    expect(text).toBe(`module {
  func.func @example(%a: memref<64xi8>, %n: index) -> i32 {
    %0 = arith.constant dense<0> : vector<16xi8>
    %1 = arith.constant 0 : index
    %2 = arith.constant 16 : index
    %5 = scf.for %3 = %1 to %n step %2 iter_args(%4 = %0) -> (vector<16xi8>) {
      %6 = vector.load %a[%3] : memref<64xi8>, vector<16xi8>
      %7 = llvm.intr.sadd.sat(%4, %6) : (vector<16xi8>, vector<16xi8>) -> vector<16xi8>
      scf.yield %7 : vector<16xi8>
    }
    %8 = arith.constant 3 : index
    %9 = arith.cmpi sgt, %n, %8 : index
    scf.if %9 {
      vector.store %5, %a[%1] : memref<64xi8>, vector<16xi8>
      scf.yield
    } else {
      scf.yield
    }
    %10 = memref.load %a[%n] : memref<64xi8>
    %11 = arith.extsi %10 : i8 to i32
    return %11 : i32
  }
}
`);
  });

  it("write numbers so that MLIR reads the same bits", () => {
    expect(constantText(scalar("i8"), 255)).toBe("-1 : i8");
    expect(constantText(scalar("i64"), 1n << 63n)).toBe("-9223372036854775808 : i64");
    expect(constantText(scalar("i1"), 1)).toBe("true");
    expect(constantText(vectorOf("i1", 2), [0, 1])).toBe("dense<[false, true]> : vector<2xi1>");
    expect(constantText(scalar("f32"), 1)).toBe("1.0 : f32");
    expect(constantText(scalar("f32"), -0)).toBe("-0.0 : f32");
    expect(constantText(scalar("f32"), 0.1)).toBe("0.10000000149011612 : f32");
    expect(constantText(scalar("f64"), 1e21)).toBe("1.0e+21 : f64");
    expect(constantText(scalar("f64"), 1.5e-7)).toBe("1.5e-7 : f64");
    expect(constantText(scalar("f32"), Number.NaN)).toBe("0x7FC00000 : f32");
    expect(constantText(vectorOf("f64", 2), Number.NEGATIVE_INFINITY)).toBe(
      "dense<0xFFF0000000000000> : vector<2xf64>",
    );
  });
});
