import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRowTable } from "./row-table.js";

const seed = 4711;

describe("the table of rows", () => {
  it("is a least-recently-used cache of keys, like a map in the order of use (invariants 1 to 4)", () => {
    let evictions = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(
          fc.record({
            key: fc.oneof(fc.nat(20), fc.integer({ min: 2 ** 31 - 9, max: 2 ** 31 - 1 })),
            act: fc.nat(9),
          }),
          {
            maxLength: 200,
          },
        ),
        (capacity, steps) => {
          const table = createRowTable(capacity);
          // In the order of use; a map keeps the order of insertion.
          const model = new Map<number, { row: number; held: number; dirty: boolean }>();
          for (const { key, act } of steps) {
            const known = model.get(key);
            expect(table.find(key)).toBe(known?.row ?? -1);
            if (known === undefined) {
              const cleanOnly = act < 5;
              const row = table.take(key, cleanOnly);
              const victim = [...model].find(([, one]) => one.held === 0 && !(cleanOnly && one.dirty));
              if (model.size < capacity) expect([...model.values()].map((one) => one.row)).not.toContain(row);
              else if (victim === undefined) expect(row).toBe(-1);
              else {
                evictions++;
                expect(row).toBe(victim[1].row);
                model.delete(victim[0]);
                expect(table.find(victim[0])).toBe(-1);
              }
              if (row >= 0) model.set(key, { row, held: 0, dirty: false });
            } else if (act < 4) {
              table.touch(known.row);
              model.delete(key);
              model.set(key, known);
            } else if (act < 6) {
              known.dirty = !known.dirty;
              table.dirty[known.row] = known.dirty ? 1 : 0;
            } else {
              known.held = known.held > 0 ? 0 : 1;
              table.held[known.row] = known.held;
            }
            expect(table.size).toBe(model.size);
            for (const [one, { row }] of model) {
              expect(table.find(one)).toBe(row);
              expect(table.keyOf(row)).toBe(one);
            }
          }
        },
      ),
      { seed, numRuns: 300 },
    );
    expect(evictions).toBeGreaterThan(300);
  });
});
