import { describe, expect, it } from "vitest";
import { memoized } from "./memoized.js";

describe("memoized", () => {
  it("computes a result once for equal keys", () => {
    let computed = 0;
    const square = memoized(
      4,
      (x: number) => x,
      (x) => ({ square: x * x, computed: ++computed }),
    );
    expect([3, 2, 3, 2].map((x) => square(x))).toEqual([
      { square: 9, computed: 1 },
      { square: 4, computed: 2 },
      { square: 9, computed: 1 },
      { square: 4, computed: 2 },
    ]);
    expect(square(3)).toBe(square(3));
  });

  it("keeps at most its number of results and gives up the one asked for least recently", () => {
    const computed: string[] = [];
    const remember = memoized(
      2,
      (key: string) => key,
      (key) => {
        computed.push(key);
        return { key };
      },
    );
    for (const key of ["a", "b", "a", "c", "a", "b"]) expect(remember(key)).toEqual({ key });
    expect(computed).toEqual(["a", "b", "c", "b"]);
  });

  it("keeps no failure", () => {
    let failures = 1;
    const fragile = memoized(
      2,
      () => 0,
      () => {
        if (failures-- > 0) throw new RangeError("not yet");
        return [1];
      },
    );
    expect(fragile).toThrow("not yet");
    expect(fragile()).toEqual([1]);
  });
});
