import { describe, expect, it } from "vitest";
import {
  A,
  B,
  C,
  D,
  memory,
  onEveryTarget,
  read,
  type Stored,
  write,
} from "../../test/compiler/operation-check.js";
import { argument, arith, buffer, byteSize, kernel, scf, vector } from "./index.js";

onEveryTarget((target) => {
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
});
