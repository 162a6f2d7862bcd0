import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  A,
  C,
  floats,
  laneCounts,
  memory,
  onEveryTarget,
  read,
  write,
} from "../../test/compiler/operation-check.js";
import { arith, buffer, kernel, math, memref, type Value, vector } from "./index.js";

onEveryTarget((target, check) => {
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
            check("uno", e, e, lanes, choose("uno"), (a: number, b: number) => Number(nan(a, b)), {
              runs: 40,
            });
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
      const moderate = fc.oneof(
        fc.float({ min: -87, max: 88, noNaN: true }),
        fc.constantFrom(0, 1, -1, 88.5),
      );
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
});
