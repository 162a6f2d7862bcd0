import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { baseGraph } from "./base-graph.js";
import { LIFTING_SIZE_SETS, LIFTING_SIZES, liftingSizeSet } from "./lifting-sizes.js";

const folder = resolve(process.cwd(), "../shared/data/3gpp");

describe("lifting sizes, TS 38.212 Table 5.3.2-1", () => {
  it("are 51 in eight sets", () => {
    expect(LIFTING_SIZES).toHaveLength(51);
    expect(LIFTING_SIZE_SETS[0]).toEqual([2, 4, 8, 16, 32, 64, 128, 256]);
    expect(LIFTING_SIZE_SETS[1]).toEqual([3, 6, 12, 24, 48, 96, 192, 384]);
    expect(LIFTING_SIZE_SETS[3]).toEqual([7, 14, 28, 56, 112, 224]);
    expect(LIFTING_SIZE_SETS[7]).toEqual([15, 30, 60, 120, 240]);
    expect(liftingSizeSet(208)).toBe(6);
    expect(liftingSizeSet(17)).toBe(-1);
  });
});

describe.each([
  [1, 46, 68, 22, 316],
  [2, 42, 52, 10, 197],
] as const)("base graph %d", (number, rows, columns, informationColumns, edges) => {
  it("has the size of the standard and one parity block a row behind the core", () => {
    const graph = baseGraph(number, 384);
    expect(graph).toMatchObject({ number, columns, informationColumns, liftingSize: 384 });
    expect(graph.rows).toHaveLength(rows);
    expect(graph.rows.flat()).toHaveLength(edges);
    graph.rows.forEach((row, index) => {
      if (index >= 4) expect(row.at(-1)).toEqual({ column: informationColumns + index, shift: 0 });
      expect(row.map((edge) => edge.column)).toEqual(row.map((edge) => edge.column).sort((a, b) => a - b));
    });
  });

  it.skipIf(!existsSync(folder))("has the standard's shifts modulo every lifting size", () => {
    const [, ...lines] = readFileSync(resolve(folder, `ldpc_bg${number}.csv`), "utf8")
      .trim()
      .split("\n");
    for (const liftingSize of LIFTING_SIZES) {
      const set = LIFTING_SIZE_SETS.findIndex((sizes) => sizes.includes(liftingSize));
      const expected = lines.map((line) => {
        const [row, column, ...shifts] = line.split(",").map(Number) as [number, number, ...number[]];
        return { row, column, shift: shifts[set]! % liftingSize };
      });
      const found = baseGraph(number, liftingSize).rows.flatMap((row, index) =>
        row.map((edge) => ({ row: index, ...edge })),
      );
      expect(found).toEqual(expected);
    }
  });

  it("refuses a lifting size that is none", () => {
    expect(() => baseGraph(number, 17)).toThrow(RangeError);
  });
});
