import { describe, expect, it } from "vitest";
import { layerMap } from "./layer-map.js";
import { precode } from "./precode.js";

describe("layer mapping, TS 38.211 6.3.1.3", () => {
  it("deals symbols out to the layers in turn", () => {
    const symbols = Float32Array.from({ length: 12 }, (_, index) => index);
    const layered = new Float32Array(12);
    layerMap(symbols, 3, 2, layered);
    expect([...layered]).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
  });
});

describe("precoding, TS 38.211 6.3.1.5", () => {
  it("is the matrix times the vector of layers", () => {
    // W = [[1, j], [2, -1], [0, 1 + j]] on x = [1 + 2j, 3 - j], then on [0, 1].
    const weights = Float64Array.of(1, 0, 0, 1, 2, 0, -1, 0, 0, 0, 1, 1);
    const precoded = new Float32Array(12);
    precode(weights, Float32Array.of(1, 2, 0, 0, 3, -1, 1, 0), 2, 3, 2, precoded);
    expect([...precoded]).toEqual([2, 5, 0, 1, -1, 5, -1, 0, 4, 2, 1, 1]);
  });
});
