import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  A,
  B,
  C,
  D,
  integers,
  memory,
  onEveryTarget,
  read,
  type Stored,
  write,
} from "../../test/compiler/operation-check.js";
import { arith, buffer, kernel, memref, treeReduce, vector } from "./index.js";

onEveryTarget((target) => {
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
                  vector.store(
                    vector.shuffle(vector.load(a, 0, lanes), vector.load(b, 0, lanes), mask),
                    c,
                    0,
                  );
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
            kernel(
              "bits",
              { a: buffer(e, lanes), b: buffer("i8", 8), c: buffer(e, lanes) },
              ({ a, b, c }) => {
                const v = vector.load(a, 0, lanes);
                const packed = vector.bitcast(arith.cmpi("slt", v, 0), "i8");
                vector.store(packed, b, 0);
                const mask = vector.bitcast(vector.load(b, 0, lanes / 8), "i1");
                vector.store(arith.select(mask, arith.constant(v.type, -5), arith.constant(v.type, 9)), c, 0);
              },
            ),
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
});
