import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  A,
  arbitrary,
  B,
  type Big,
  bitsOf,
  C,
  clamp,
  edgeIntegers,
  floats,
  integers,
  laneCounts,
  memory,
  onEveryTarget,
  read,
  write,
} from "../../test/compiler/operation-check.js";
import { arith, buffer, kernel, llvm, math, memref, type Value, vector } from "./index.js";

onEveryTarget((target, check) => {
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
          kernel(
            `${name}_splat_${e}`,
            { a: buffer(e, 8), b: buffer(e, 8), c: buffer(e, 8) },
            ({ a, b, c }) => {
              const x = vector.load(a, 0, 8);
              vector.store(operation(x, splat(x, vector.load(b, 0, 8))), c, 0);
            },
          ),
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
          const choose = (a: Value, b: Value): Value =>
            arith.select(arith.cmpi(p, a, b), a, arith.addi(b, 1));
          check(`cmp_${p}`, e, e, lanes, choose, (a: bigint, b: bigint) => (truth[p](a, b) ? a : b + 1n), {
            draw: few,
          });
        }
      }
    });

    it("absolute value and population count", () => {
      for (const lanes of laneCounts) {
        check("absi", e, e, lanes, math.absi, (a: bigint) => (a < 0n ? -a : a));
        check("ctpop", e, e, lanes, math.ctpop, (a: bigint) =>
          BigInt(u(a).toString(2).replaceAll("0", "").length),
        );
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
});
