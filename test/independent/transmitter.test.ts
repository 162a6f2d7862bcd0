import { describe, expect, it } from "vitest";
import { largestDifference } from "./grid-difference.js";
import { readReferenceCase, referenceCaseNames } from "./reference-cases.js";
import { hasData } from "./reference-data.js";
import { dimensions, transmit } from "./transmitter.js";

describe.skipIf(!hasData)("transport block to resource grid", () => {
  it("finds all 26 reference slots", () => {
    expect(referenceCaseNames).toHaveLength(26);
  });

  it.each(referenceCaseNames)("%s equals the reference at every resource element", (name) => {
    const { grant, transportBlock, grid } = readReferenceCase(name);
    expect(dimensions(grant).transportBlockSize).toBe(transportBlock.length);
    const difference = largestDifference(transmit(grant, transportBlock), grid);
    expect(difference.distance, JSON.stringify(difference)).toBeLessThan(1e-4);
  });
});
