import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, orderedMap } from "./ordered-map.js";

const seed = 20261121;
const key = fc.string({ unit: "binary", maxLength: 4 });

describe("the ordered map", () => {
  it("orders keys as their UTF-8 bytes", () => {
    fc.assert(
      fc.property(key, key, (one, other) => {
        const bytes = Buffer.compare(Buffer.from(one), Buffer.from(other));
        expect(Math.sign(compareKeys(one, other))).toBe(bytes);
      }),
      { seed, numRuns: 2000 },
    );
    expect(compareKeys("\u{ff5e}", "\u{10000}")).toBeLessThan(0);
  });

  it("holds what a sorted list of the last writes holds", () => {
    const some = fc.oneof(
      fc.integer({ min: 0, max: 2000 }).map(String),
      fc.string({ unit: "binary", maxLength: 2 }),
    );
    const change = fc.tuple(some, fc.option(fc.nat(), { freq: 4, nil: undefined }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3000, size: "max" }), some, some, (changes, from, to) => {
        const [map, model] = [orderedMap<number>(), new Map<string, number>()];
        for (const [name, value] of changes) {
          if (value === undefined) map.delete(name);
          else map.set(name, value);
          if (value === undefined) model.delete(name);
          else model.set(name, value);
        }
        const bytes = (text: string): Buffer => Buffer.from(text);
        const sorted = [...model.keys()].sort((one, other) => Buffer.compare(bytes(one), bytes(other)));
        const within = sorted.filter(
          (name) =>
            Buffer.compare(bytes(from), bytes(name)) <= 0 && Buffer.compare(bytes(name), bytes(to)) < 0,
        );
        expect(map.keys(from, to)).toEqual(within);
        expect(map.keys("", "\u{10ffff}\u{10ffff}\u{10ffff}")).toEqual(sorted);
        expect(map.size).toBe(model.size);
        for (const name of sorted) expect(map.get(name)).toBe(model.get(name));
      }),
      { seed, numRuns: 60 },
    );
  });
});
