import { describe, expect, it } from "vitest";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { largestDifference } from "./independent/grid-difference.js";
import { readReferenceCase, referenceCaseNames } from "./independent/reference-cases.js";
import { packed } from "./packed-bits.js";
import { productConfiguration } from "./product-grant.js";
import { complexGrid, transmittedGrid } from "./transmitted-grid.js";

describe.skipIf(referenceCaseNames.length === 0)("the transmit flow against the reference slots", () => {
  it("finds all of them", () => {
    expect(referenceCaseNames).toHaveLength(26);
  });

  it.each(referenceCaseNames)("%s within 1e-4 at every resource element", (name) => {
    const { grant, transportBlock, grid } = readReferenceCase(name);
    const { subcarrierSpacing, bwpSize } = grant;
    const configuration = productConfiguration(
      grant,
      parseCarrier({ subcarrierSpacing, carrierPrbs: bwpSize }),
    );
    expect(configuration.transportBlockSize).toBe(transportBlock.length);
    const sent = complexGrid(configuration, transmittedGrid(configuration, packed(transportBlock)));
    expect(largestDifference(sent, grid).distance).toBeLessThan(1e-4);
  });
});
