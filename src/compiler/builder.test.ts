import { describe, expect, it } from "vitest";
import {
  argument,
  arith,
  type Buffer,
  buffer,
  type ElementType,
  KernelError,
  kernel,
  llvm,
  math,
  memref,
  scalar,
  scf,
  type Value,
  vector,
  vectorOf,
} from "./index.js";

function build(body: (a: Value, v: Value, b: Buffer, m: Value) => Value | void) {
  return () =>
    kernel("wrong", { a: argument("i32"), b: buffer("f32", 8) }, ({ a, b }) => {
      const v = vector.load(b, 0, 4);
      return body(a, v, b, arith.cmpf("olt", v, 0));
    }).body;
}

describe("kernels that are wrong are refused with what is wrong", () => {
  const wrong: [string, (a: Value, v: Value, b: Buffer, m: Value) => Value | void, RegExp][] = [
    ["unlike operands", (a, v) => arith.addi(a, v), /i32 and vector<4xf32>/],
    ["numbers only", () => arith.addi(1, 2), /at least one operand must be a value/],
    ["floats to integers' operations", (_, v) => arith.addi(v, v), /takes integers/],
    ["integers to floats' operations", (a) => arith.addf(a, a), /takes floats/],
    ["integers to float functions", (a) => math.sqrt(a), /math.sqrt takes floats, not i32/],
    ["f64 to exp", (_, v) => math.exp(arith.extf(v, "f64")), /math.exp takes f32/],
    ["floats to bit counts", (_, v) => math.ctpop(v), /takes integers/],
    ["integers to fma", (a) => math.fma(a, a, a), /takes floats/],
    ["integers negated as floats", (a) => arith.negf(a), /takes floats/],
    ["floats to saturation", (_, v) => llvm.saddSat(v, v), /takes integers/],
    ["floats to logic", (_, v) => arith.xori(v, v), /takes integers/],
    ["sums of masks", (_a, _v, _b, m) => arith.addi(m, m), /takes no i1/],
    ["comparisons of masks", (_a, _v, _b, m) => arith.cmpi("eq", m, m), /takes integers, not vector<4xi1>/],
    ["floats compared as integers", (_, v) => arith.cmpi("eq", v, v), /takes integers/],
    ["integers compared as floats", (a) => arith.cmpf("oeq", a, a), /takes floats/],
    ["a lane too many", (_, v) => vector.extract(v, 4), /no lane 4/],
    ["half a lane", (_, v) => vector.extract(v, 0.5), /no lane 0.5/],
    ["an insertion behind the end", (_, v) => vector.insert(1, v, 4), /no lane 4/],
    ["an insertion of another type", (a, v) => vector.insert(a, v, 0), /i32/],
    ["a lane of a scalar", (a) => vector.extract(a, 0), /takes a vector/],
    ["a broadcast of a vector", (_, v) => vector.broadcast(v, 8), /takes a scalar/],
    ["three lanes", (a) => vector.broadcast(a, 3), /power-of-two/],
    ["lanes of index", (a) => vector.broadcast(arith.indexCast(a, "index"), 4), /no lanes of index/],
    ["widening to narrower", (a) => arith.trunci(a, "i64"), /does not turn i32 into i64/],
    ["bits of another width", (a) => arith.bitcast(a, "f64"), /does not turn i32 into f64/],
    ["floats to i1", (_, v) => arith.fptosi(v, "i1"), /does not turn/],
    ["casts of vectors to index", (_, v) => arith.indexCast(v, "index"), /does not turn/],
    ["a shuffle of a lane that is not", (_, v) => vector.shuffle(v, v, [8]), /no lane 8/],
    [
      "a shuffle of unlike vectors",
      (_, v) => vector.shuffle(v, vector.concatenate(v, v), [0]),
      /different types/,
    ],
    ["fractions as integers", (a) => arith.andi(a, 1.5), /1.5 is no i32/],
    ["constants too large", (a) => arith.andi(arith.trunci(a, "i8"), 256), /256 does not fit i8/],
    ["constants too small", (a) => arith.andi(arith.trunci(a, "i8"), -129), /-129 does not fit i8/],
    ["too few numbers", () => arith.constant(vectorOf("i8", 4), [1, 2]), /2 numbers do not fill/],
    ["shifts by the width", (a) => arith.shli(a, 32), /shli of i32 by 32/],
    ["shifts by less than nothing", (a) => arith.shrui(a, -1), /by -1/],
    ["division by 0", (a) => arith.divsi(a, 0), /divsi by 0/],
    ["remainders by 0", (a) => arith.remui(a, 0), /remui by 0/],
    ["a choice by numbers", (a) => arith.select(a, a, a), /i32 does not choose/],
    [
      "a choice by another mask",
      (_a, v, _b, m) => arith.select(m, vector.concatenate(v, v), 0),
      /does not choose/,
    ],
    ["an index of another type", (a, _, b) => memref.load(b, a), /use arith.indexCast/],
    ["a store of another type", (a, _, b) => memref.store(a, b, 0), /i32 into memory of f32/],
    [
      "a vector's store of another type",
      (a, _, b) => vector.store(vector.broadcast(a, 4), b, 0),
      /memory of f32/,
    ],
    ["a store of a scalar as a vector", (a, _, b) => vector.store(a, b, 0), /takes a vector/],
    [
      "masks of other lanes",
      (_a, v, b, m) => vector.maskedStore(vector.concatenate(v, v), b, 0, m),
      /no mask of 8/,
    ],
    ["masks that are none", (_, v, b) => vector.maskedLoad(b, 0, v, v), /no mask of 4 lanes/],
    ["floats as indices", (_, v, b) => vector.gather(b, 0, v), /are no indices/],
    [
      "a gather that falls back on another type",
      (a, _v, b, m) => vector.gather(b, 0, vector.broadcast(a, 4), m, vector.broadcast(a, 4)),
      /does not stand in/,
    ],
    ["extremes of floats as integers", (_, v) => vector.reduction("minsi", v), /does not take/],
    [
      "extremes of integers as floats",
      (a) => vector.reduction("minimumf", vector.broadcast(a, 4)),
      /does not take/,
    ],
    ["sums of a mask's lanes", (_a, _v, _b, m) => vector.reduction("add", m), /does not take/],
    ["four bits as a byte", (_a, _v, _b, m) => vector.bitcast(m, "i8"), /no whole number of i8/],
    ["a loop that stands", () => scf.for(0, 4, 0, () => {}), /a step of 0/],
    ["a loop that loses a value", (a) => scf.for(0, 4, 1, [a], () => [])[0], /0 values come out/],
    ["a loop that changes a type", (a, v) => scf.for(0, 4, 1, [a], () => [v])[0], /expected i32/],
    ["a branch on a number", (a) => scf.if(a, () => {})[0], /takes i1/],
    [
      "arms that differ",
      (a, v) =>
        scf.if(
          arith.cmpi("eq", a, 0),
          () => [a],
          () => [v],
        )[0],
      /expected i32/,
    ],
    ["a vector as result", (_, v) => v, /returns vector<4xf32>/],
    ["an i64 as result", (a) => arith.extsi(a, "i64"), /returns i64/],
  ];
  it.each(wrong)("%s", (_, body, message) => {
    expect(build(body)).toThrow(message);
    // What failed leaves the builder ready for the next kernel.
    expect(kernel("right", {}, () => {}).body.operations).toEqual([]);
  });

  it("are KernelErrors with a code", () => {
    expect(build((a) => arith.addf(a, a))).toThrow(KernelError);
    expect(build((a) => arith.addf(a, a))).toThrow(expect.objectContaining({ code: "KERNEL_INVALID" }));
    for (const lanes of [0, 3, -4, 0.5, Number.NaN]) {
      expect(() => vectorOf("i8", lanes)).toThrow(expect.objectContaining({ code: "KERNEL_TYPE" }));
    }
  });

  it("outside a kernel, inside another, with names or memory that cannot be", () => {
    expect(() => arith.constant(scalar("i32"), 1)).toThrow(/inside kernel/);
    expect(build(() => void kernel("inner", {}, () => {}).body)).toThrow(/not built inside another/);
    expect(() => kernel("a-b", {}, () => {})).toThrow(/"a-b" is no identifier/);
    expect(() => kernel("a", { "0": argument("i32") }, () => {})).toThrow(/"0" is no identifier/);
    const names: ElementType[] = ["i1", "index"];
    for (const e of names) expect(() => buffer(e, 1)).toThrow(/memory holds no/);
    for (const length of [Number.NaN, Infinity]) expect(() => buffer("i8", length)).toThrow(/elements/);
  });

  it("where a value or a buffer leaves its block or its kernel", () => {
    let leaked: Value | undefined;
    const leak = /used outside the block/;
    expect(
      build((a) => {
        scf.for(0, 4, 1, () => {
          leaked = arith.addi(a, 1);
        });
        arith.addi(leaked!, a);
      }),
    ).toThrow(leak);
    expect(
      build((a) => {
        scf.if(
          arith.cmpi("eq", a, 0),
          () => {
            leaked = arith.addi(a, 1);
          },
          () => {
            arith.addi(leaked!, a);
          },
        );
      }),
    ).toThrow(leak);
    let memory: Buffer | undefined;
    kernel("first", { a: argument("i32"), b: buffer("f32", 8) }, ({ a, b }) => {
      [leaked, memory] = [a, b];
    }).body;
    expect(build((a) => arith.addi(a, leaked!))).toThrow(leak);
    expect(build(() => memref.load(memory!, 0))).toThrow(leak);
    expect(build(() => leaked)).toThrow(leak);
  });
});

describe("building", () => {
  it("makes equal constants in reach one value, and keeps zeros of different sign apart", () => {
    kernel("constants", {}, () => {
      const one = arith.constant(scalar("i32"), 1);
      expect(arith.constant(scalar("i32"), 1)).toBe(one);
      expect(arith.constant(scalar("i64"), 1)).not.toBe(one);
      expect(arith.constant(scalar("f32"), 0)).not.toBe(arith.constant(scalar("f32"), -0));
      expect(arith.constant(scalar("i1"), -1)).toBe(arith.constant(scalar("i1"), 1));
      let inner: Value | undefined;
      scf.for(0, 2, 1, () => {
        expect(arith.constant(scalar("i32"), 1)).toBe(one);
        inner = arith.constant(scalar("i32"), 2);
      });
      expect(arith.constant(scalar("i32"), 2)).not.toBe(inner);
    }).body;
  });

  it("folds sums of an index and constants", () => {
    kernel("indices", { n: argument("index") }, ({ n }) => {
      expect(arith.addi(n, 0)).toBe(n);
      const sum = arith.addi(2, arith.addi(arith.addi(n, 7), -4));
      expect(sum.definition!.operands[0]).toBe(n);
      expect(sum.definition!.operands[1]!.definition!.attributes).toEqual({ value: 5 });
      expect(arith.muli(arith.addi(arith.subi(arith.constant(n.type, 9), 2), 0), 3).definition!.name).toBe(
        "arith.constant",
      );
    }).body;
  });

  it("happens once, and not before the operations are asked for", () => {
    let times = 0;
    const lazy = kernel("lazy", { n: argument("index") }, ({ n }) => {
      times++;
      return n;
    });
    expect(times).toBe(0);
    expect(lazy.result).toBe(lazy.result);
    expect(lazy.body).toBe(lazy.body);
    expect(times).toBe(1);
  });

  it("rounds the length of memory up and gives buffers their places", () => {
    const k = kernel("memory", { a: buffer("i8", 0), n: argument("f32"), b: buffer("f32", 2.5) }, () => {});
    expect(
      k.arguments.map((a) => (a.kind === "buffer" ? [a.buffer.length, a.buffer.position] : a.name)),
    ).toEqual([[1, 0], "n", [3, 2]]);
  });
});
