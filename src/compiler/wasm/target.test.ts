import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  argument,
  arith,
  buffer,
  byteSize,
  type ElementType,
  kernel,
  llvm,
  math,
  memref,
  scf,
  treeReduce,
  type Value,
  vector,
} from "../index.js";
import { wasmTarget } from "./target.js";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const target = wasmTarget();
const [A, B, C, D] = [1024, 9216, 17408, 25600];

type Array_ = Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
const views = {
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;
type Stored = keyof typeof views;

function view(element: Stored, offset: number, length: number): Array_ {
  return new views[element](memory.buffer, offset, length);
}

const laneCounts = [0, 1, 2, 4, 8, 16, 32, 64];
const integers: Stored[] = ["i8", "i16", "i32", "i64"];
const floats: Stored[] = ["f32", "f64"];
const bitsOf = (e: Stored): number => byteSize(e) * 8;

function edgeIntegers(e: Stored): bigint[] {
  const n = BigInt(bitsOf(e));
  return [
    0n,
    1n,
    -1n,
    2n,
    -2n,
    7n,
    -(1n << (n - 1n)),
    (1n << (n - 1n)) - 1n,
    1n << (n / 2n),
    -(1n << (n / 2n)) - 1n,
  ];
}
const edgeFloats = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -2.5,
  1e-30,
  3e38,
  -3e38,
  Infinity,
  -Infinity,
  NaN,
  1 / 3,
  65504.3,
];

function arbitrary(e: Stored): fc.Arbitrary<bigint | number> {
  if (e === "f32") return fc.oneof(fc.constantFrom(...edgeFloats.map(Math.fround)), fc.float());
  if (e === "f64") return fc.oneof(fc.constantFrom(...edgeFloats), fc.double());
  const n = BigInt(bitsOf(e));
  return fc.oneof(fc.constantFrom(...edgeIntegers(e)), fc.bigInt(-(1n << (n - 1n)), (1n << (n - 1n)) - 1n));
}

function write(e: Stored, offset: number, values: readonly (bigint | number)[]): void {
  const v = view(e, offset, values.length);
  values.forEach((x, k) => {
    v[k] = (e === "i64" ? BigInt(x) : Number(x)) as never;
  });
}

function read(e: Stored, offset: number, length: number): (bigint | number)[] {
  return Array.from(view(e, offset, length) as ArrayLike<bigint | number>, (x) =>
    e === "f32" || e === "f64" ? (x as number) : BigInt(x),
  );
}

/** Builds `c = operation(a, b)` on one vector (or scalar) and runs it on drawn values. */
function check(
  name: string,
  from: Stored,
  to: Stored,
  lanes: number,
  operation: (a: Value, b: Value) => Value,
  reference: (a: never, b: never) => bigint | number,
  options: {
    runs?: number;
    ulps?: number;
    draw?: fc.Arbitrary<bigint | number>;
    draw2?: fc.Arbitrary<bigint | number>;
  } = {},
): void {
  const count = Math.max(1, lanes);
  const run = target.compile(
    kernel(
      `${name}_${from}_${lanes}`,
      { a: buffer(from, count), b: buffer(from, count), c: buffer(to, count) },
      ({ a, b, c }) => {
        if (lanes === 0) memref.store(operation(memref.load(a, 0), memref.load(b, 0)), c, 0);
        else vector.store(operation(vector.load(a, 0, lanes), vector.load(b, 0, lanes)), c, 0);
      },
    ),
    memory,
  );
  const list = (d: fc.Arbitrary<bigint | number>) => fc.array(d, { minLength: count, maxLength: count });
  const draw = options.draw ?? arbitrary(from);
  fc.assert(
    fc.property(list(draw), list(options.draw2 ?? draw), (x, y) => {
      write(from, A, x);
      write(from, B, y);
      // What lies behind the result must stay.
      write("i8", C + count * byteSize(to), [77, 78]);
      run(A, B, C);
      const got = read(to, C, count);
      const wanted = x.map((v, k) => {
        const w = reference(v as never, y[k] as never);
        if (to === "f32") return Math.fround(Number(w));
        return to === "f64" ? Number(w) : BigInt.asIntN(bitsOf(to), BigInt(w));
      });
      if (options.ulps === undefined) expect(got).toEqual(wanted);
      else
        got.forEach((g, k) => {
          expect(closeEnough(Number(g), Number(wanted[k]), options.ulps!), `${x[k]}: ${g} ${wanted[k]}`).toBe(
            true,
          );
        });
      expect(read("i8", C + count * byteSize(to), 2)).toEqual([77n, 78n]);
    }),
    { numRuns: options.runs ?? 12, seed: 7 },
  );
}

function closeEnough(a: number, b: number, ulps: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b) || !Number.isFinite(a) || !Number.isFinite(b))
    return Object.is(a, b);
  return Math.abs(a - b) <= ulps * 2 ** -23 * Math.max(Math.abs(b), 2 ** -126);
}

type Big = (a: bigint, b: bigint) => bigint;
const clamp = (e: Stored, v: bigint, signed: boolean): bigint => {
  const n = BigInt(bitsOf(e));
  const [low, high] = signed ? [-(1n << (n - 1n)), (1n << (n - 1n)) - 1n] : [0n, (1n << n) - 1n];
  return v < low ? low : v > high ? high : v;
};

describe.each(integers)("integer operations on %s", (e) => {
  const n = bitsOf(e);
  const u = (v: bigint): bigint => BigInt.asUintN(n, v);
  const min: Big = (a, b) => (a < b ? a : b);
  const max: Big = (a, b) => (a > b ? a : b);
  const binary: [string, (a: Value, b: Value) => Value, Big][] = [
    ["addi", arith.addi, (a, b) => a + b],
    ["subi", arith.subi, (a, b) => a - b],
    ["muli", arith.muli, (a, b) => a * b],
    ["andi", arith.andi, (a, b) => a & b],
    ["ori", arith.ori, (a, b) => a | b],
    ["xori", arith.xori, (a, b) => a ^ b],
    ["minsi", arith.minsi, min],
    ["maxsi", arith.maxsi, max],
    ["minui", arith.minui, (a, b) => min(u(a), u(b))],
    ["maxui", arith.maxui, (a, b) => max(u(a), u(b))],
    ["saddSat", llvm.saddSat, (a, b) => clamp(e, a + b, true)],
    ["ssubSat", llvm.ssubSat, (a, b) => clamp(e, a - b, true)],
    ["uaddSat", llvm.uaddSat, (a, b) => clamp(e, u(a) + u(b), false)],
    ["usubSat", llvm.usubSat, (a, b) => clamp(e, u(a) - u(b), false)],
  ];
  it.each(binary)("%s", (name, operation, reference) => {
    for (const lanes of laneCounts) check(name, e, e, lanes, operation, reference);
  });

  it("division and remainder", () => {
    const nonZero = fc.bigInt(1n, (1n << BigInt(n - 1)) - 1n);
    for (const lanes of [0, 4]) {
      check("divsi", e, e, lanes, arith.divsi, (a: bigint, b: bigint) => a / b, { draw2: nonZero });
      check("remsi", e, e, lanes, arith.remsi, (a: bigint, b: bigint) => a % b, { draw2: nonZero });
      check("divui", e, e, lanes, arith.divui, (a: bigint, b: bigint) => u(a) / u(b), { draw2: nonZero });
      check("remui", e, e, lanes, arith.remui, (a: bigint, b: bigint) => u(a) % u(b), { draw2: nonZero });
    }
  });

  it("shifts by constants, by a scalar and by lanes", () => {
    const amounts = fc.bigInt(0n, BigInt(n - 1));
    const kinds: [string, (a: Value, b: Value) => Value, Big][] = [
      ["shli", arith.shli, (a, b) => a << b],
      ["shrsi", arith.shrsi, (a, b) => a >> b],
      ["shrui", arith.shrui, (a, b) => u(a) >> b],
    ];
    for (const [name, operation, reference] of kinds) {
      for (const lanes of laneCounts) {
        check(
          `${name}_three`,
          e,
          e,
          lanes,
          (a) => operation(a, 3 as never),
          (a: bigint) => reference(a, 3n),
        );
        if (lanes <= 16) check(name, e, e, lanes, operation, reference, { draw2: amounts });
      }
      const splat = (_: Value, b: Value): Value => vector.broadcast(vector.extract(b, 0), 8);
      const run = target.compile(
        kernel(`${name}_splat_${e}`, { a: buffer(e, 8), b: buffer(e, 8), c: buffer(e, 8) }, ({ a, b, c }) => {
          const x = vector.load(a, 0, 8);
          vector.store(operation(x, splat(x, vector.load(b, 0, 8))), c, 0);
        }),
        memory,
      );
      const values = edgeIntegers(e).slice(0, 8);
      write(e, A, values);
      write(e, B, new Array(8).fill(5n));
      run(A, B, C);
      expect(read(e, C, 8)).toEqual(values.map((v) => BigInt.asIntN(n, reference(v, 5n))));
    }
  });

  it("comparisons and selection", () => {
    const predicates = ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"] as const;
    const truth: Record<(typeof predicates)[number], (a: bigint, b: bigint) => boolean> = {
      eq: (a, b) => a === b,
      ne: (a, b) => a !== b,
      slt: (a, b) => a < b,
      sle: (a, b) => a <= b,
      sgt: (a, b) => a > b,
      sge: (a, b) => a >= b,
      ult: (a, b) => u(a) < u(b),
      ule: (a, b) => u(a) <= u(b),
      ugt: (a, b) => u(a) > u(b),
      uge: (a, b) => u(a) >= u(b),
    };
    const few = fc.oneof(fc.constantFrom(...edgeIntegers(e)), fc.bigInt(-3n, 3n));
    for (const p of predicates) {
      for (const lanes of laneCounts) {
        const choose = (a: Value, b: Value): Value => arith.select(arith.cmpi(p, a, b), a, arith.addi(b, 1));
        check(`cmp_${p}`, e, e, lanes, choose, (a: bigint, b: bigint) => (truth[p](a, b) ? a : b + 1n), {
          draw: few,
        });
      }
    }
  });

  it("absolute value and population count", () => {
    for (const lanes of laneCounts) {
      check("absi", e, e, lanes, math.absi, (a: bigint) => (a < 0n ? -a : a));
      if (e !== "i64" || lanes === 0) {
        check("ctpop", e, e, lanes, math.ctpop, (a: bigint) =>
          BigInt(u(a).toString(2).replaceAll("0", "").length),
        );
      }
    }
  });

  it("reductions", () => {
    const kinds: [string, Big][] = [
      ["add", (a, b) => a + b],
      ["mul", (a, b) => a * b],
      ["and", (a, b) => a & b],
      ["or", (a, b) => a | b],
      ["xor", (a, b) => a ^ b],
      ["minsi", min],
      ["maxsi", max],
      ["minui", (a, b) => min(u(a), u(b))],
      ["maxui", (a, b) => max(u(a), u(b))],
    ];
    for (const [kind, reference] of kinds) {
      for (const lanes of laneCounts.slice(1)) {
        const run = target.compile(
          kernel(`reduce_${kind}_${e}_${lanes}`, { a: buffer(e, lanes), c: buffer(e, 1) }, ({ a, c }) => {
            memref.store(vector.reduction(kind as "add", vector.load(a, 0, lanes)), c, 0);
          }),
          memory,
        );
        fc.assert(
          fc.property(fc.array(arbitrary(e), { minLength: lanes, maxLength: lanes }), (x) => {
            write(e, A, x);
            run(A, C);
            const wanted = (x as bigint[]).reduce((p, q) => BigInt.asIntN(n, reference(p, q)));
            expect(read(e, C, 1)[0]).toBe(BigInt.asIntN(n, wanted));
          }),
          { numRuns: 10, seed: 3 },
        );
      }
    }
  });

  it("casts to every other integer, and between masks and numbers", () => {
    for (const to of integers) {
      for (const lanes of laneCounts) {
        if (bitsOf(to) > n) {
          check(
            `extsi_${to}`,
            e,
            to,
            lanes,
            (a) => arith.extsi(a, to),
            (a: bigint) => a,
          );
          check(
            `extui_${to}`,
            e,
            to,
            lanes,
            (a) => arith.extui(a, to),
            (a: bigint) => u(a),
          );
        } else if (bitsOf(to) < n) {
          check(
            `trunci_${to}`,
            e,
            to,
            lanes,
            (a) => arith.trunci(a, to),
            (a: bigint) => a,
          );
          const high = 2 ** (bitsOf(to) - 1) - 1;
          if (bitsOf(to) < 32) {
            const saturate = (a: Value): Value =>
              arith.trunci(arith.minsi(arith.maxsi(a, -high - 1), high), to);
            check(`saturate_${to}`, e, to, lanes, saturate, (a: bigint) => clamp(to, a, true));
          }
        }
        const mask = (a: Value): Value => arith.trunci(a, "i1");
        check(
          `i1s_${to}`,
          e,
          to,
          lanes,
          (a) => arith.extsi(mask(a), to),
          (a: bigint) => -(a & 1n),
        );
        check(
          `i1u_${to}`,
          e,
          to,
          lanes,
          (a) => arith.extui(mask(a), to),
          (a: bigint) => a & 1n,
        );
      }
    }
  });

  it("conversions to floats and back", () => {
    for (const to of floats) {
      for (const lanes of laneCounts) {
        const exact = fc.bigInt(e === "i8" ? -128n : -32768n, e === "i8" ? 127n : 32767n);
        check(
          `sitofp_${to}`,
          e,
          to,
          lanes,
          (a) => arith.sitofp(a, to),
          (a: bigint) => Number(a),
          { draw: exact },
        );
        check(
          `uitofp_${to}`,
          e,
          to,
          lanes,
          (a) => arith.uitofp(a, to),
          (a: bigint) => Number(u(a)),
          { draw: exact },
        );
        const small = fc.integer({ min: -1270, max: 1270 }).map((v) => v / 10);
        check(
          `fptosi_${to}`,
          to,
          e,
          lanes,
          (a) => arith.fptosi(a, e),
          (a: number) => BigInt(Math.trunc(a)),
          { draw: small },
        );
        const positive = fc.integer({ min: 0, max: 2550 }).map((v) => v / 10);
        check(
          `fptoui_${to}`,
          to,
          e,
          lanes,
          (a) => arith.fptoui(a, e),
          (a: number) => BigInt(Math.trunc(a)),
          { draw: positive },
        );
      }
    }
  });
});

describe.each(floats)("float operations on %s", (e) => {
  const round = (v: number): number => (e === "f32" ? Math.fround(v) : v);
  const roundeven = (v: number): number => {
    const r = Math.round(v);
    return Math.abs(v - Math.trunc(v)) === 0.5 && r % 2 !== 0
      ? r - 1
      : Number.isInteger(v)
        ? v
        : Object.is(r, 0) && v < 0
          ? -0
          : r;
  };
  it("arithmetic", () => {
    for (const lanes of [0, 1, 2, 4, 8, 16]) {
      check("addf", e, e, lanes, arith.addf, (a: number, b: number) => round(a + b));
      check("subf", e, e, lanes, arith.subf, (a: number, b: number) => round(a - b));
      check("mulf", e, e, lanes, arith.mulf, (a: number, b: number) => round(a * b));
      check("divf", e, e, lanes, arith.divf, (a: number, b: number) => round(a / b));
      check("minimumf", e, e, lanes, arith.minimumf, (a: number, b: number) => Math.min(a, b));
      check("maximumf", e, e, lanes, arith.maximumf, (a: number, b: number) => Math.max(a, b));
      check("negf", e, e, lanes, arith.negf, (a: number) => -a);
      check("absf", e, e, lanes, math.absf, (a: number) => Math.abs(a));
      check("sqrt", e, e, lanes, math.sqrt, (a: number) => round(Math.sqrt(a)));
      check("floor", e, e, lanes, math.floor, (a: number) => Math.floor(a));
      check("ceil", e, e, lanes, math.ceil, (a: number) => Math.ceil(a));
      check("trunc", e, e, lanes, math.trunc, (a: number) => Math.trunc(a));
      check("roundeven", e, e, lanes, math.roundeven, roundeven as never);
      const pick = (a: Value, b: Value): Value => arith.select(arith.cmpf("olt", a, b), a, b);
      check("least", e, e, lanes, pick, (a: number, b: number) => (a < b ? a : b));
      const most = (a: Value, b: Value): Value => arith.select(arith.cmpf("ogt", a, b), a, b);
      check("greatest", e, e, lanes, most, (a: number, b: number) => (a > b ? a : b));
      const small = fc.integer({ min: -1000, max: 1000 });
      check(
        "fma",
        e,
        e,
        lanes,
        (a, b) => math.fma(a, b, a),
        (a: number, b: number) => a * b + a,
        { draw: small },
      );
    }
  });

  it("every comparison", () => {
    const nan = (a: number, b: number): boolean => Number.isNaN(a) || Number.isNaN(b);
    const base: Record<string, (a: number, b: number) => boolean> = {
      eq: (a, b) => a === b,
      lt: (a, b) => a < b,
      le: (a, b) => a <= b,
      gt: (a, b) => a > b,
      ge: (a, b) => a >= b,
      ne: (a, b) => a < b || a > b,
    };
    for (const lanes of [0, 1, 2, 4, 8]) {
      for (const [name, truth] of Object.entries(base)) {
        const choose = (p: string) => (a: Value, b: Value) =>
          arith.select(arith.cmpf(p as "oeq", a, b), arith.constant(a.type, 1), arith.constant(a.type, 0));
        check(`o${name}`, e, e, lanes, choose(`o${name}`), (a: number, b: number) => Number(truth(a, b)), {
          runs: 40,
        });
        check(
          `u${name}`,
          e,
          e,
          lanes,
          choose(`u${name}`),
          (a: number, b: number) => Number(nan(a, b) || truth(a, b)),
          { runs: 40 },
        );
        if (name === "eq") {
          check("ord", e, e, lanes, choose("ord"), (a: number, b: number) => Number(!nan(a, b)), {
            runs: 40,
          });
          check("uno", e, e, lanes, choose("uno"), (a: number, b: number) => Number(nan(a, b)), { runs: 40 });
        }
      }
    }
  });

  it("ordered sums, products and extremes of lanes", () => {
    for (const lanes of [1, 2, 4, 8, 16]) {
      for (const kind of ["add", "mul", "minimumf", "maximumf"] as const) {
        const run = target.compile(
          kernel(`reduce_${kind}_${e}_${lanes}`, { a: buffer(e, lanes), c: buffer(e, 1) }, ({ a, c }) => {
            memref.store(vector.reduction(kind, vector.load(a, 0, lanes)), c, 0);
          }),
          memory,
        );
        const values = Array.from({ length: lanes }, (_, k) => round(Math.sin(k + 1) * 3));
        write(e, A, values);
        run(A, C);
        const join = {
          add: (p: number, q: number) => round(p + q),
          mul: (p: number, q: number) => round(p * q),
          minimumf: Math.min,
          maximumf: Math.max,
        }[kind];
        expect(read(e, C, 1)[0]).toBe(values.reduce((p, q) => join(p, q)));
      }
    }
  });
});

describe("float functions", () => {
  it("exp and log within two units in the last place", () => {
    const moderate = fc.oneof(fc.float({ min: -87, max: 88, noNaN: true }), fc.constantFrom(0, 1, -1, 88.5));
    const positive = fc.oneof(
      fc.float({ min: Math.fround(1.2e-38), noNaN: true }),
      fc.constantFrom(0, 1, Infinity, NaN, -1, -0, Math.fround(1e-42), Math.fround(1e-40)),
    );
    for (const lanes of [0, 1, 4, 16]) {
      check("exp", "f32", "f32", lanes, math.exp, (a: number) => Math.exp(a), {
        ulps: 2,
        runs: 300,
        draw: moderate,
      });
      check("exp_edge", "f32", "f32", lanes, math.exp, (a: number) => Math.exp(a), {
        ulps: 2,
        draw: fc.constantFrom(Infinity, -Infinity, NaN, 1000, -1000, 0, -0),
      });
      check("log", "f32", "f32", lanes, math.log, (a: number) => Math.log(a), {
        ulps: 2,
        runs: 300,
        draw: positive,
      });
    }
  });

  it("widening and narrowing floats, and bit casts", () => {
    for (const lanes of laneCounts) {
      check(
        "extf",
        "f32",
        "f64",
        lanes,
        (a) => arith.extf(a, "f64"),
        (a: number) => a,
      );
      check(
        "truncf",
        "f64",
        "f32",
        lanes,
        (a) => arith.truncf(a, "f32"),
        (a: number) => Math.fround(a),
      );
      const bits = new DataView(new ArrayBuffer(8));
      check(
        "bits32",
        "f32",
        "i32",
        lanes,
        (a) => arith.bitcast(a, "i32"),
        (a: number) => {
          bits.setFloat32(0, a);
          return BigInt(bits.getInt32(0));
        },
      );
      check(
        "bits64",
        "i64",
        "f64",
        lanes,
        (a) => arith.bitcast(a, "f64"),
        (a: bigint) => {
          bits.setBigInt64(0, a);
          return bits.getFloat64(0);
        },
      );
    }
  });
});

describe("lanes", () => {
  it("shuffles any lanes of two vectors", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...integers),
        fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
        fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
        fc.infiniteStream(fc.nat(1 << 20)),
        (e, lanes, out, stream) => {
          const mask = Array.from({ length: out }, () => (stream.next().value as number) % (2 * lanes));
          const run = target.compile(
            kernel(
              "shuffle",
              { a: buffer(e, lanes), b: buffer(e, lanes), c: buffer(e, out) },
              ({ a, b, c }) => {
                vector.store(vector.shuffle(vector.load(a, 0, lanes), vector.load(b, 0, lanes), mask), c, 0);
              },
            ),
            memory,
          );
          const values = Array.from({ length: 2 * lanes }, (_, k) => BigInt(k - 60));
          write(e, A, values.slice(0, lanes));
          write(e, B, values.slice(lanes));
          run(A, B, C);
          expect(read(e, C, out)).toEqual(mask.map((m) => values[m]));
        },
      ),
      { numRuns: 150, seed: 11 },
    );
  });

  it("rotates, interleaves, deinterleaves, concatenates", () => {
    const run = target.compile(
      kernel("arrange", { a: buffer("f32", 8), c: buffer("f32", 64) }, ({ a, c }) => {
        const v = vector.load(a, 0, 8);
        const [even, odd] = vector.deinterleave(v);
        vector.store(vector.rotate(v, 3), c, 0);
        vector.store(even, c, 8);
        vector.store(odd, c, 12);
        vector.store(vector.interleave(even, odd), c, 16);
        vector.store(vector.concatenate(odd, even), c, 24);
        memref.store(treeReduce(v, arith.addf), c, 32);
        vector.store(vector.insert(vector.extract(v, 6), v, 1), c, 40);
      }),
      memory,
    );
    write("f32", A, [0, 1, 2, 3, 4, 5, 6, 7]);
    run(A, C);
    expect(read("f32", C, 33)).toEqual([
      3, 4, 5, 6, 7, 0, 1, 2, 0, 2, 4, 6, 1, 3, 5, 7, 0, 1, 2, 3, 4, 5, 6, 7, 1, 3, 5, 7, 0, 2, 4, 6, 28,
    ]);
    expect(read("f32", C + 160, 8)).toEqual([0, 6, 2, 3, 4, 5, 6, 7]);
  });

  it("collects masks into bits and spreads bits into masks", () => {
    for (const e of ["i8", "i16", "i32"] as Stored[]) {
      for (const lanes of [8, 16, 32, 64]) {
        const run = target.compile(
          kernel("bits", { a: buffer(e, lanes), b: buffer("i8", 8), c: buffer(e, lanes) }, ({ a, b, c }) => {
            const v = vector.load(a, 0, lanes);
            const packed = vector.bitcast(arith.cmpi("slt", v, 0), "i8");
            vector.store(packed, b, 0);
            const mask = vector.bitcast(vector.load(b, 0, lanes / 8), "i1");
            vector.store(arith.select(mask, arith.constant(v.type, -5), arith.constant(v.type, 9)), c, 0);
          }),
          memory,
        );
        const values = Array.from({ length: lanes }, (_, k) =>
          Math.imul(k * 7 + 3, 2654435761) & 64 ? -1n : 1n,
        );
        write(e, A, values);
        run(A, B, C);
        const bytes = read("i8", B, lanes / 8);
        values.forEach((v, k) => {
          expect((BigInt.asUintN(8, bytes[k >> 3] as bigint) >> BigInt(k & 7)) & 1n).toBe(v < 0n ? 1n : 0n);
        });
        expect(read(e, C, lanes)).toEqual(values.map((v) => (v < 0n ? -5n : 9n)));
      }
    }
  });

  it("mask logic across lane widths and mask reductions", () => {
    for (const lanes of [1, 2, 4, 8, 16, 32]) {
      const run = target.compile(
        kernel(
          "masks",
          { a: buffer("i8", lanes), b: buffer("f32", lanes), c: buffer("i32", lanes), d: buffer("i32", 3) },
          ({ a, b, c, d }) => {
            const p = arith.cmpi("sgt", vector.load(a, 0, lanes), 0);
            const q = arith.cmpf("olt", vector.load(b, 0, lanes), 0);
            const both = arith.andi(p, q);
            vector.store(arith.extui(arith.xori(arith.ori(p, q), both), "i32"), c, 0);
            memref.store(arith.extui(vector.reduction("or", both), "i32"), d, 0);
            memref.store(arith.extui(vector.reduction("and", both), "i32"), d, 1);
            memref.store(arith.extui(vector.reduction("xor", both), "i32"), d, 2);
          },
        ),
        memory,
      );
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: -1, max: 1 }), { minLength: lanes, maxLength: lanes }),
          fc.array(fc.integer({ min: -1, max: 1 }), { minLength: lanes, maxLength: lanes }),
          (x, y) => {
            write("i8", A, x);
            write("f32", B, y);
            run(A, B, C, D);
            const p = x.map((v) => v > 0);
            const q = y.map((v) => v < 0);
            const both = p.map((v, k) => v && q[k]!);
            expect(read("i32", C, lanes)).toEqual(p.map((v, k) => BigInt(v !== q[k])));
            expect(read("i32", D, 3)).toEqual([
              BigInt(both.some((v) => v)),
              BigInt(both.every((v) => v)),
              BigInt(both.filter((v) => v).length % 2),
            ]);
          },
        ),
        { numRuns: 30, seed: 5 },
      );
    }
  });
});

describe("memory", () => {
  it.each(["i8", "i16", "i32", "i64", "f32", "f64"] as Stored[])("masked tails and gathers of %s", (e) => {
    for (const lanes of [1, 2, 4, 8, 16, 32]) {
      const run = target.compile(
        kernel(
          "tail",
          {
            a: buffer(e, 64),
            c: buffer(e, 64),
            b: buffer("i32", 64),
            d: buffer(e, 64),
            n: argument("index"),
          },
          ({ a, b, c, d, n }) => {
            const mask = vector.createMask(n, lanes);
            const rest = vector.load(a, 1, lanes);
            vector.maskedStore(vector.maskedLoad(a, 3, mask, rest), c, 2, mask);
            const indices = vector.load(b, 0, lanes);
            vector.store(vector.gather(a, 1, indices), d, 0);
            vector.store(vector.gather(a, 1, indices, mask, rest), d, 32);
          },
        ),
        memory,
      );
      const source = Array.from({ length: 64 }, (_, k) => BigInt(k + 1));
      const indices = Array.from({ length: lanes }, (_, k) => (k * 13 + 5) % 50);
      for (const count of [0, 1, lanes - 1, lanes, lanes + 5, -3]) {
        write(e, A, source);
        write(e, C, new Array(64).fill(0n));
        write(e, D, new Array(64).fill(0n));
        write("i32", B, indices);
        run(A, C, B, D, count);
        const n = Math.min(lanes, Math.max(0, count));
        const plain = (v: (bigint | number)[]) => v.map(Number);
        expect(plain(read(e, C, 40))).toEqual(
          Array.from({ length: 40 }, (_, k) => (k >= 2 && k < 2 + n ? k + 2 : 0)),
        );
        expect(plain(read(e, D, lanes))).toEqual(indices.map((i) => i + 2));
        expect(plain(read(e, D + 32 * byteSize(e), lanes))).toEqual(
          indices.map((i, k) => (k < n ? i + 2 : k + 2)),
        );
      }
    }
  });

  it("folds constant offsets and negative ones", () => {
    const run = target.compile(
      kernel("offsets", { a: buffer("i32", 64), c: buffer("i32", 64) }, ({ a, c }) => {
        scf.for(8, 16, 4, (i) => {
          vector.store(vector.load(a, arith.addi(arith.addi(i, 2), -7), 4), c, arith.addi(i, -8));
          vector.store(vector.load(a, arith.addi(i, 20), 4), c, arith.addi(8, i));
        });
      }),
      memory,
    );
    write(
      "i32",
      A,
      Array.from({ length: 64 }, (_, k) => BigInt(k)),
    );
    run(A, C);
    expect(read("i32", C, 24).map(Number)).toEqual([
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      10,
      ...read("i32", C + 32, 8).map(Number),
      28,
      29,
      30,
      31,
      32,
      33,
      34,
      35,
    ]);
  });
});

describe("control", () => {
  it("loops carry values, run zero times, nest, and swap", () => {
    const run = target.compile(
      kernel("loops", { n: argument("index"), c: buffer("i32", 8) }, ({ n, c }) => {
        const zero = arith.constant({ element: "i32", lanes: 0 }, 0);
        const one = arith.constant({ element: "i32", lanes: 0 }, 1);
        const [fibonacci] = scf.for(0, n, 1, [zero, one], (_, [a, b]) => [b!, arith.addi(a!, b!)]);
        memref.store(fibonacci!, c, 0);
        const [total] = scf.for(0, n, 1, [zero], (i, [t]) =>
          scf.for(0, i, 1, [t!], (j, [s]) => [arith.addi(s!, arith.indexCast(j, "i32"))]),
        );
        memref.store(total!, c, 1);
        const [never] = scf.for(3, 3, 1, [one], (_, [a]) => [arith.addi(a!, 1)]);
        memref.store(never!, c, 2);
        const [chosen] = scf.if(
          arith.cmpi("sgt", fibonacci!, 10),
          () => [arith.constant({ element: "i32", lanes: 0 }, 100)],
          () => [fibonacci!],
        );
        memref.store(chosen!, c, 3);
        scf.if(arith.cmpi("eq", n, 0), () => memref.store(7, c, 4));
        return chosen!;
      }),
      memory,
    );
    for (const n of [0, 1, 5, 10]) {
      write("i32", C, [0n, 0n, 0n, 0n, 0n]);
      let [a, b, total] = [0, 1, 0];
      for (let i = 0; i < n; i++) {
        [a, b] = [b, a + b];
        for (let j = 0; j < i; j++) total += j;
      }
      const chosen = a > 10 ? 100 : a;
      expect(run(n, C)).toBe(chosen);
      expect(read("i32", C, 5).map(Number)).toEqual([a, total, 1, chosen, n === 0 ? 7 : 0]);
    }
  });

  it("carries vectors and masks through loops", () => {
    const run = target.compile(
      kernel("carry", { a: buffer("i8", 64), c: buffer("i8", 32) }, ({ a, c }) => {
        const first = vector.load(a, 0, 32);
        const [sum, seen] = scf.for(0, 2, 1, [first, arith.cmpi("slt", first, 0)], (i, [s, m]) => {
          const next = vector.load(a, arith.muli(i, 32), 32);
          return [arith.addi(s!, next), arith.xori(m!, arith.cmpi("slt", next, 0))];
        });
        vector.store(arith.select(seen!, sum!, arith.constant(sum!.type, 1)), c, 0);
      }),
      memory,
    );
    const values = Array.from({ length: 64 }, (_, k) => BigInt(((k * 37) % 100) - 50));
    write("i8", A, values);
    run(A, C);
    const wanted = values
      .slice(0, 32)
      .map((v, k) => (values[32 + k]! < 0n ? BigInt.asIntN(8, 2n * v + values[32 + k]!) : 1n));
    expect(read("i8", C, 32)).toEqual(wanted);
  });
});

describe("kernels that are wrong", () => {
  it("are refused with what is wrong", () => {
    const build = (body: (a: Value, v: Value) => void) => () =>
      kernel("wrong", { a: argument("i32"), b: buffer("f32", 8) }, ({ a, b }) =>
        body(a, vector.load(b, 0, 4)),
      );
    expect(build((a, v) => arith.addi(a, v))).toThrow(/i32 and vector<4xf32>/);
    expect(build((_, v) => arith.addi(v, v))).toThrow(/takes integers/);
    expect(build((a) => arith.addf(a, a))).toThrow(/takes floats/);
    expect(build((_, v) => vector.extract(v, 4))).toThrow(/no lane 4/);
    expect(build((a) => arith.trunci(a, "i64"))).toThrow(/does not turn i32 into i64/);
    expect(build((_, v) => vector.shuffle(v, v, [8]))).toThrow(/no lane 8/);
    expect(build((a) => arith.andi(a, 1.5))).toThrow(/1.5 is no i32/);
    expect(() => arith.constant({ element: "i32", lanes: 0 }, 1)).toThrow(/inside kernel/);
    const names: ElementType[] = ["i1", "index"];
    for (const e of names) expect(() => buffer(e, 1)).toThrow(/memory holds no/);
  });
});
