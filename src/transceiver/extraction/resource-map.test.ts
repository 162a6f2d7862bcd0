import { describe, expect, it } from "vitest";
import { mapResources, takeResources } from "./resource-map.js";

describe("resource mapping", () => {
  it("puts every port's symbols on the same elements, leaves the others, and takes them back", () => {
    const grid = new Float32Array(2 * 2 * 5).fill(-1);
    const indices = Uint32Array.of(1, 4, 2);
    const symbols = Float32Array.from({ length: 12 }, (_, index) => index);
    mapResources(symbols, indices, 2, 5, grid);
    expect([...grid]).toEqual([-1, -1, 0, 1, 4, 5, -1, -1, 2, 3, -1, -1, 6, 7, 10, 11, -1, -1, 8, 9]);
    const taken = new Float32Array(12);
    takeResources(grid, indices, 2, 5, taken);
    expect(taken).toEqual(symbols);
  });
});
