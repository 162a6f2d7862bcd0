import { describe, expect, it } from "vitest";
import { argument, arith, buffer, encodeWasm, kernel, math, memref, scf, vector } from "../index.js";
import { disassembleWasm } from "./disassembler.js";
import { miscellaneousNames, plainNames, vectorNames } from "./instruction-names.js";
import * as opcodes from "./opcodes.js";

// That names and numbers are those of the standard is tested with LLVM's disassembler in test/compiler.

const example = kernel(
  "example",
  { a: buffer("f32", 64), n: argument("index"), s: argument("f64") },
  ({ a, n, s }) => {
    scf.for(0, n, 4, (i) => {
      vector.store(arith.mulf(vector.load(a, i, 4), 0.5), a, i);
    });
    scf.if(
      arith.cmpi("sgt", n, 3),
      () => memref.store(arith.truncf(s, "f32"), a, 9),
      () => memref.store(Number.NEGATIVE_INFINITY, a, 9),
    );
    return arith.fptosi(s, "i32");
  },
);

const bytes = encodeWasm(example, { relaxed: false });

describe("a module as text", () => {
  it("is the function in the text format, indented by block, under the arguments' names", () => {
    expect(disassembleWasm(bytes, ["a", "n", "s"]).text).toBe(`(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "run") (param $a i32) (param $n i32) (param $s f64) (result i32)
    (local i32 i32 v128 v128 f32 i32)
    i32.const 0
    local.set 3
    block
      local.get 3
      local.get $n
      i32.ge_s
      br_if 0
      loop
        local.get $a
        local.get 3
        i32.const 2
        i32.shl
        i32.add
        local.set 4
        local.get 4
        v128.load align=1
        local.set 5
        local.get 5
        v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000
        f32x4.mul
        local.set 6
        local.get 4
        local.get 6
        v128.store align=1
        local.get 3
        i32.const 4
        i32.add
        local.tee 3
        local.get $n
        i32.lt_s
        br_if 0
      end
    end
    local.get $n
    i32.const 3
    i32.gt_s
    local.set 4
    local.get 4
    if
      local.get $s
      f32.demote_f64
      local.set 7
      local.get $a
      local.get 7
      f32.store offset=36 align=1
    else
      local.get $a
      f32.const -inf
      f32.store offset=36 align=1
    end
    local.get $s
    i32.trunc_sat_f64_s
    local.set 8
    local.get 8
  )
)
`);
  });

  it("counts a line an instruction, and calls parameters by number where they have no name", () => {
    const { text, instructions } = disassembleWasm(bytes);
    const body = text.split("\n").filter((line) => /^ {4,}[^( ]/.test(line) && !/^ *end$/.test(line));
    expect(instructions).toBe(body.length);
    expect(text).toContain("(param i32) (param i32) (param f64)");
    expect(text).toContain("local.get 0\n");
  });

  it("writes floats so that their bits come back", () => {
    const values = [-0, 0.1, Number.NaN, Number.POSITIVE_INFINITY, 1e-45, 3.4028234663852886e38];
    for (const element of ["f32", "f64"] as const) {
      const stores = kernel(`stores_${element}`, { a: buffer(element, 8) }, ({ a }) => {
        for (const [k, value] of values.entries()) memref.store(value, a, k);
      });
      const { text } = disassembleWasm(encodeWasm(stores, { relaxed: false }));
      const written = [...text.matchAll(/f\d\d\.const (.*)/g)].map(([, number]) => number!);
      expect(written[2]).toBe(element === "f32" ? "nan:0x400000" : "nan:0x8000000000000");
      expect(written[3]).toBe("inf");
      for (const k of [0, 1, 4, 5]) {
        const [wanted, got] = [values[k]!, Number(written[k])];
        if (element === "f32") expect(Math.fround(got)).toBe(Math.fround(wanted));
        else expect(got).toBe(wanted);
      }
    }
  });

  it("tells fused from separate multiplication and addition, and select of vectors from others", () => {
    const fused = kernel("fused", { a: buffer("f32", 8), n: argument("index") }, ({ a, n }) => {
      const x = vector.load(a, 0, 4);
      const y = math.fma(x, x, x);
      const condition = arith.cmpi("sgt", n, 3);
      vector.store(arith.select(condition, x, y), a, 4);
      memref.store(arith.select(condition, memref.load(a, 0), 1), a, 0);
    });
    const { text } = disassembleWasm(encodeWasm(fused, { relaxed: true }));
    expect(text).toContain("f32x4.relaxed_madd\n");
    expect(text).toContain("select (result v128)\n");
    expect(text).toContain("select\n");
  });
});

describe("bytes that are no kernel", () => {
  it("are refused with the place, wherever they end", () => {
    const refused = expect.objectContaining({ code: "WASM_UNREADABLE" });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => disassembleWasm(bytes.subarray(0, length)), `${length} bytes`).toThrow(refused);
    }
    expect(() => disassembleWasm(Uint8Array.of(...bytes, 0))).toThrow(refused);
  });

  it("are refused where an instruction means nothing", () => {
    const wrong = bytes.slice();
    const at = wrong.lastIndexOf(0xfc);
    wrong[at] = 0xff;
    expect(() => disassembleWasm(wrong)).toThrow(new RegExp(`byte ${at + 1} .*instruction 255`));
  });
});

describe("every opcode that kernels are encoded in", () => {
  const shapes = { i8: "i8x16", i16: "i16x8", i32: "i32x4", i64: "i64x2", f32: "f32x4", f64: "f64x2" };
  const tables = { ...opcodes } as Record<string, object>;

  it("has the name of its lanes", () => {
    const vector = ["vectorBinary", "vectorUnary", "vectorShift", "vectorCompare"];
    const lanes = vector.flatMap((table) => Object.values(tables[table]!));
    const single = ["splat", "extractLane", "replaceLane", "pseudoMinimum", "pseudoMaximum"];
    let seen = 0;
    for (const perLane of [...lanes, ...single.map((table) => tables[table]!)]) {
      for (const [lane, opcode] of Object.entries(perLane as object)) {
        expect(vectorNames.get(opcode as number)).toMatch(new RegExp(`^${shapes[lane as "i8"]}\\.`));
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(140);
  });

  it("has the name of its operation and its scalar type", () => {
    const scalar = ["scalarBinary", "scalarUnary", "scalarCompare"].flatMap((t) =>
      Object.entries(tables[t]!),
    );
    const renamed: Record<string, string> = { roundeven: "nearest", minimumf: "min", maximumf: "max" };
    let seen = 0;
    for (const [operation, perType] of scalar) {
      const plain = operation.replace(/^\w+\./, "");
      const word =
        renamed[plain] ?? plain.replace(/^([ou])(eq|ne|lt|gt|le|ge)$/, operation.length === 3 ? "$2" : "");
      for (const [type, opcode] of Object.entries(perType as object)) {
        const name = plainNames.get(opcode as number)!;
        expect(name.startsWith(`${type}.`), `${operation} ${type}: ${name}`).toBe(true);
        expect(name.slice(4)[0], `${operation} ${type}: ${name}`).toBe(
          word.replace(/^[su](?=[lg][te])/, "")[0],
        );
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(80);
  });

  it("is named once", () => {
    for (const names of [plainNames, miscellaneousNames, vectorNames]) {
      // `select` with and without a type are two opcodes.
      const repeated = [...names.values()].filter(
        (name, k, all) => name !== "select" && all.indexOf(name) !== k,
      );
      expect(repeated).toEqual([]);
    }
    for (const opcode of Object.values(opcodes.simd)) expect(vectorNames.has(opcode)).toBe(true);
  });
});
