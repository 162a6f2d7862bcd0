import { describe, expect, it } from "vitest";
import { randomGenerator } from "./random-generator.js";
import { allSchemes, codebookTransmissions, randomGrant } from "./random-grants.js";
import { referenceLength } from "./rate-matching.js";
import { hasData } from "./reference-data.js";
import { segment } from "./segmentation.js";
import { dimensions } from "./transmitter.js";

describe.skipIf(!hasData)("random grants", () => {
  const seed = 20380212;
  const random = randomGenerator(seed);
  const grants = hasData ? Array.from({ length: 320 }, (_, index) => randomGrant(random, index)) : [];
  const kinds = (key: (grant: (typeof grants)[number]) => unknown) => new Set(grants.map(key)).size;

  it("reach what the reference slots do not", () => {
    expect(kinds((grant) => `${grant.mcsTable} ${grant.mcsIndex}`)).toBe(allSchemes().length);
    expect(kinds((grant) => `${grant.nrOfLayers} ${grant.antennaPorts} ${grant.tpmi}`)).toBe(
      codebookTransmissions.length + 4,
    );
    expect(kinds((grant) => grant.rvIndex)).toBe(4);
    expect(kinds((grant) => `${grant.subcarrierSpacing} ${grant.cyclicPrefix}`)).toBe(4);
    // Type 1 has 1 or 2 CDM groups without data, type 2 has 1, 2 or 3; single or double; both n_SCID.
    expect(
      kinds(
        (grant) => `${grant.dmrsConfigType} ${grant.numDmrsCdmGrpsNoData} ${grant.dmrsLength} ${grant.scid}`,
      ),
    ).toBe(20);
    // Both mapping types, positions 0 to 3 single and 0 to 1 double.
    expect(kinds((grant) => `${grant.mappingType} ${grant.dmrsLength} ${grant.dmrsAdditionalPosition}`)).toBe(
      12,
    );
    expect(new Set(grants.map((grant) => dimensions(grant).baseGraph)).size).toBe(2);
  });

  it("include some whose circular buffer is limited", () => {
    const limited = grants.filter((grant) => {
      const { transportBlockSize, baseGraph } = dimensions(grant);
      const bits = Array.from(
        { length: transportBlockSize + (transportBlockSize > 3824 ? 24 : 16) },
        () => 0,
      );
      const { codeBlocks, liftingSize } = segment(bits, baseGraph);
      const full = (baseGraph === 1 ? 66 : 50) * liftingSize;
      return grant.limitedBuffer && referenceLength(grant.limitedBuffer, codeBlocks.length) < full;
    });
    expect(limited.length).toBeGreaterThan(20);
  });
});
