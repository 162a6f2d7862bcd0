import { describe, expect, it } from "vitest";
import { type DmrsPlacement, dmrsSymbolPositions } from "./dmrs-positions.js";

type Cells = readonly (readonly number[])[];

/** TS 38.211 Table 6.4.1.1.3-3: l_d, then the symbols of mapping type A and B for pos0 to pos3; l0 is 2 or 0. */
const SINGLE: [number, Cells, Cells][] = [
  [3, [], [[0], [0], [0], [0]]],
  [4, [[2], [2], [2], [2]], [[0], [0], [0], [0]]],
  [5, [[2], [2], [2], [2]], [[0], [0, 4], [0, 4], [0, 4]]],
  [6, [[2], [2], [2], [2]], [[0], [0, 4], [0, 4], [0, 4]]],
  [7, [[2], [2], [2], [2]], [[0], [0, 4], [0, 4], [0, 4]]],
  [8, [[2], [2, 7], [2, 7], [2, 7]], [[0], [0, 6], [0, 3, 6], [0, 3, 6]]],
  [9, [[2], [2, 7], [2, 7], [2, 7]], [[0], [0, 6], [0, 3, 6], [0, 3, 6]]],
  [10, [[2], [2, 9], [2, 6, 9], [2, 6, 9]], [[0], [0, 8], [0, 4, 8], [0, 3, 6, 9]]],
  [11, [[2], [2, 9], [2, 6, 9], [2, 6, 9]], [[0], [0, 8], [0, 4, 8], [0, 3, 6, 9]]],
  [12, [[2], [2, 9], [2, 6, 9], [2, 5, 8, 11]], [[0], [0, 10], [0, 5, 10], [0, 3, 6, 9]]],
  [13, [[2], [2, 11], [2, 7, 11], [2, 5, 8, 11]], [[0], [0, 10], [0, 5, 10], [0, 3, 6, 9]]],
  [14, [[2], [2, 11], [2, 7, 11], [2, 5, 8, 11]], [[0], [0, 10], [0, 5, 10], [0, 3, 6, 9]]],
];

/** TS 38.211 Table 6.4.1.1.3-4: the first symbols of the pairs for pos0 and pos1. */
const DOUBLE: [number, Cells, Cells][] = [
  [3, [], []],
  [4, [[2], [2]], []],
  [5, [[2], [2]], [[0], [0]]],
  [7, [[2], [2]], [[0], [0]]],
  [8, [[2], [2]], [[0], [0, 5]]],
  [9, [[2], [2]], [[0], [0, 5]]],
  [10, [[2], [2, 8]], [[0], [0, 7]]],
  [11, [[2], [2, 8]], [[0], [0, 7]]],
  [12, [[2], [2, 8]], [[0], [0, 9]]],
  [13, [[2], [2, 10]], [[0], [0, 9]]],
  [14, [[2], [2, 10]], [[0], [0, 9]]],
];

const placement = (changes: Partial<DmrsPlacement>): DmrsPlacement => ({
  mappingType: "A",
  length: 1,
  additionalPosition: 0,
  typeAPosition: 2,
  startSymbolIndex: 0,
  nrOfSymbols: 14,
  ...changes,
});

describe("DM-RS symbols, TS 38.211 6.4.1.1.3", () => {
  it.each(SINGLE)("single-symbol, l_d = %d", (nrOfSymbols, typeA, typeB) => {
    for (const additionalPosition of [0, 1, 2, 3] as const) {
      expect(dmrsSymbolPositions(placement({ nrOfSymbols, additionalPosition }))).toEqual(
        typeA[additionalPosition],
      );
      expect(dmrsSymbolPositions(placement({ nrOfSymbols, additionalPosition, mappingType: "B" }))).toEqual(
        typeB[additionalPosition],
      );
    }
  });

  it.each(DOUBLE)("double-symbol, l_d = %d", (nrOfSymbols, typeA, typeB) => {
    const pairs = (first: readonly number[] | undefined) => first?.flatMap((symbol) => [symbol, symbol + 1]);
    for (const additionalPosition of [0, 1, 2, 3] as const) {
      const changes = { nrOfSymbols, additionalPosition, length: 2 } as const;
      expect(dmrsSymbolPositions(placement(changes))).toEqual(pairs(typeA[additionalPosition]));
      expect(dmrsSymbolPositions(placement({ ...changes, mappingType: "B" }))).toEqual(
        pairs(typeB[additionalPosition]),
      );
    }
  });

  it("moves the first symbol only with dmrs-TypeA-Position 3, without three additional positions", () => {
    expect(dmrsSymbolPositions(placement({ typeAPosition: 3, additionalPosition: 2 }))).toEqual([3, 7, 11]);
    expect(dmrsSymbolPositions(placement({ typeAPosition: 3, additionalPosition: 3 }))).toBeUndefined();
    expect(dmrsSymbolPositions(placement({ typeAPosition: 3, nrOfSymbols: 4 }))).toEqual([3]);
    expect(dmrsSymbolPositions(placement({ typeAPosition: 3, nrOfSymbols: 4, length: 2 }))).toBeUndefined();
  });

  it("counts mapping type B from the start of the allocation", () => {
    const typeB = placement({ mappingType: "B", startSymbolIndex: 4, nrOfSymbols: 8, additionalPosition: 2 });
    expect(dmrsSymbolPositions(typeB)).toEqual([4, 7, 10]);
    expect(dmrsSymbolPositions({ ...typeB, length: 2, additionalPosition: 1 })).toEqual([4, 5, 9, 10]);
    expect(dmrsSymbolPositions({ ...typeB, startSymbolIndex: 13, nrOfSymbols: 1 })).toEqual([13]);
  });
});
