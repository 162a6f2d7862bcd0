import { describe, expect, it } from "vitest";
import { A, B, C, memory, read, write } from "../../../test/compiler/operation-check.js";
import {
  argument,
  arith,
  buffer,
  encodeWasm,
  type Kernel,
  kernel,
  math,
  memref,
  relaxedSimdAvailable,
  scalar,
  vector,
  wasmTarget,
} from "../index.js";
import { disassembleWasm } from "./disassembler.js";

const plain = wasmTarget({ relaxed: false });

describe("target wasm", () => {
  it("reads an element into all lanes by one instruction, unless it is wanted elsewhere, too", () => {
    const splat = (name: string, more: boolean): Kernel =>
      kernel(name, { a: buffer("f32", 8), b: buffer("f32", 16) }, ({ a, b }) => {
        const element = memref.load(a, 1);
        vector.store(vector.broadcast(element, 8), b, 0);
        if (more) memref.store(element, b, 8);
      });
    for (const more of [false, true]) {
      const made = splat(`splat_${more}`, more);
      write("f32", A, [1, 2, 3]);
      write("f32", B, new Array(10).fill(7));
      plain.compile(made, memory)(A, B);
      expect(read("f32", B, 10)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, more ? 2 : 7, 7]);
      const { text } = disassembleWasm(encodeWasm(made, { relaxed: false }));
      expect(text.includes("v128.load32_splat")).toBe(!more);
    }
  });

  it("takes scalars of every type and returns one with its sign", () => {
    for (const element of ["i8", "i16", "i32", "f32", "f64", "index"] as const) {
      const run = plain.compile(
        kernel(`echo_${element}`, { a: argument(element) }, ({ a }) => a),
        memory,
      );
      expect(run(-3)).toBe(-3);
      if (element === "i8") expect(run(200)).toBe(-56);
      if (element === "i16") expect(run(40000)).toBe(-25536);
      if (element === "f32") expect(run(0.1)).toBe(Math.fround(0.1));
    }
    const odd = kernel("odd", { a: argument("i32") }, ({ a }) => arith.trunci(a, "i1"));
    expect([4, 7].map((v) => plain.compile(odd, memory)(v))).toEqual([0, 1]);
    expect(
      plain.compile(
        kernel("empty", {}, () => {}),
        memory,
      )(),
    ).toBeUndefined();
  });

  it("writes the same module for the same kernel, valid for every engine without relaxed SIMD", () => {
    const build = (): Kernel =>
      kernel("same", { a: buffer("f32", 8) }, ({ a }) => {
        const v = vector.load(a, 0, 8);
        vector.store(math.fma(v, v, v), a, 0);
      });
    const bytes = encodeWasm(build(), { relaxed: false });
    expect(encodeWasm(build(), { relaxed: false })).toEqual(bytes);
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(WebAssembly.validate(encodeWasm(build(), { relaxed: true }))).toBe(relaxedSimdAvailable());
  });

  it("encodes constants and offsets of every size", () => {
    const edges = [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8192, -8193, 2 ** 31 - 1, -(2 ** 31)];
    const wide = [...edges.map(BigInt), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n, -(2n ** 62n) - 1n];
    const run = plain.compile(
      kernel("edges", { a: buffer("i32", 64), b: buffer("i64", 64) }, ({ a, b }) => {
        edges.forEach((v, k) => {
          memref.store(arith.constant(scalar("i32"), v), a, k);
        });
        wide.forEach((v, k) => {
          memref.store(arith.constant(scalar("i64"), v), b, k);
        });
      }),
      memory,
    );
    run(A, B);
    expect(read("i32", A, edges.length)).toEqual(edges.map(BigInt));
    expect(read("i64", B, wide.length)).toEqual(wide);
    const offsets = [0, 127, 128, 16383, 16384, 65535];
    const far = kernel("far", { a: buffer("i8", 1 << 17) }, ({ a }) => {
      for (const k of offsets) memref.store(7, a, k);
    });
    write("i8", 0, new Array(1 << 16).fill(0n));
    plain.compile(far, memory)(0);
    expect(offsets.map((k) => read("i8", k, 1)[0])).toEqual(offsets.map(() => 7n));
  });
});

describe("what target wasm does not take", () => {
  const refused = expect.objectContaining({ code: "KERNEL_UNSUPPORTED" });

  it("masks of more lanes than a byte counts", () => {
    const wide = (lanes: number): Kernel =>
      kernel("wide", { n: argument("index") }, ({ n }) => {
        return arith.extui(vector.reduction("or", vector.createMask(n, lanes)), "i32");
      });
    expect([0, 1].map((n) => plain.compile(wide(128), memory)(n))).toEqual([0, 1]);
    expect(() => plain.compile(wide(256), memory)).toThrow(refused);
    expect(() => plain.compile(wide(256), memory)).toThrow(/create_mask of 256 lanes/);
  });

  it("kernels of more locals than engines take", () => {
    const long = kernel("long", { a: buffer("i8", 16) }, ({ a }) => {
      let v = vector.load(a, 0, 16);
      for (let k = 0; k < 50_001; k++) v = arith.addi(v, v);
      vector.store(v, a, 0);
    });
    expect(() => plain.compile(long, memory)).toThrow(refused);
    expect(() => plain.compile(long, memory)).toThrow(/long needs 50\d+ locals/);
  });

  it("operations that it does not know, and values from nowhere", () => {
    const good = kernel("good", { a: argument("i32") }, ({ a }) => arith.addi(a, 1));
    const operations = good.body.operations.map((o) =>
      o.name === "arith.addi" ? { ...o, name: "arith.ceildivsi" } : o,
    );
    const parts = { name: good.name, arguments: good.arguments, result: good.result };
    const unknown = { ...parts, body: { ...good.body, operations } };
    expect(() => plain.compile(unknown, memory)).toThrow(refused);
    expect(() => plain.compile(unknown, memory)).toThrow(/no lowering for arith.ceildivsi/);
    const stray = { ...parts, body: { ...good.body, operations: [] } };
    expect(() => plain.compile(stray, memory)).toThrow(/used outside the block/);
  });
});

describe("undefined results", () => {
  it("trap or give some number, and leave the instance usable", () => {
    const divide = plain.compile(
      kernel("divide", { a: argument("i32"), b: argument("i32") }, ({ a, b }) => arith.divsi(a, b)),
      memory,
    );
    expect(() => divide(1, 0)).toThrow(WebAssembly.RuntimeError);
    expect(divide(-7, 2)).toBe(-3);
    const convert = plain.compile(
      kernel("convert", { a: buffer("f32", 4), c: buffer("i32", 4) }, ({ a, c }) => {
        vector.store(arith.fptosi(vector.load(a, 0, 4), "i32"), c, 0);
      }),
      memory,
    );
    write("f32", A, [NaN, 1e20, -1e20, -1.9]);
    convert(A, C);
    expect(read("i32", C, 4)[3]).toBe(-1n);
    const shift = plain.compile(
      kernel("shift", { a: argument("i32"), b: argument("i32") }, ({ a, b }) => arith.shli(a, b)),
      memory,
    );
    expect(() => shift(1, 40)).not.toThrow();
  });
});
