import { describe, expect, it } from "vitest";
import { A, C, memory, onEveryTarget, read, write } from "../../test/compiler/operation-check.js";
import { argument, arith, buffer, kernel, memref, scf, vector } from "./index.js";

onEveryTarget((target) => {
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
});
