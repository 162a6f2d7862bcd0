import { describe, expect, it } from "vitest";
import { packBits } from "../src/transceiver/crc/bits.js";
import { parseCarrier } from "../src/transceiver/pusch/carrier.js";
import { type PuschConfiguration, puschConfiguration } from "../src/transceiver/pusch/configuration.js";
import { parseGrant } from "../src/transceiver/pusch/grant.js";
import { prepareTransmitter } from "../src/transceiver/transmitter.js";
import type { Grid } from "./independent/complex.js";
import { largestDifference } from "./independent/grid-difference.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { readReferenceCase, referenceCaseNames } from "./independent/reference-cases.js";
import { dimensions, type IndependentGrant, transmit } from "./independent/transmitter.js";

/** The configuration of a grant of the independent transmitter, the grid being the bandwidth part. */
function configurationOf(grant: IndependentGrant): PuschConfiguration {
  const { mappingType, antennaPorts, limitedBuffer, ...same } = grant;
  const carrier = parseCarrier({
    subcarrierSpacing: grant.subcarrierSpacing,
    cyclicPrefix: grant.cyclicPrefix,
    carrierPrbs: grant.bwpSize,
    offsetToCarrier: grant.bwpStart,
  });
  const given = {
    ...same,
    dmrsMappingType: mappingType,
    numberOfAntennaPorts: antennaPorts,
    limitedBufferRateMatching: limitedBuffer !== undefined,
    maxMimoLayers: limitedBuffer?.layers,
    maxModulationOrder: limitedBuffer?.modulationOrder,
  };
  return puschConfiguration(carrier, parseGrant(given, carrier));
}

function transmitted(configuration: PuschConfiguration, transportBlock: readonly number[]): Grid {
  const { slotSymbols, gridSubcarriers } = configuration.allocation;
  const packed = new Uint8Array(configuration.transportBlockSize / 8);
  packBits(Uint8Array.from(transportBlock), 0, transportBlock.length, packed);
  const grid = new Float32Array(2 * configuration.antennaPorts * slotSymbols * gridSubcarriers).fill(
    Number.NaN,
  );
  prepareTransmitter(configuration)(configuration, packed, grid);
  return Array.from({ length: configuration.antennaPorts }, (_, port) =>
    Array.from({ length: slotSymbols }, (_, symbol) =>
      Array.from({ length: gridSubcarriers }, (_, subcarrier) => {
        const index = 2 * ((port * slotSymbols + symbol) * gridSubcarriers + subcarrier);
        return { re: grid[index]!, im: grid[index + 1]! };
      }),
    ),
  );
}

describe.skipIf(referenceCaseNames.length === 0)("transmitter against the reference slots", () => {
  it("finds all of them", () => {
    expect(referenceCaseNames).toHaveLength(26);
  });

  it.each(referenceCaseNames)("%s within 1e-4 at every resource element", (name) => {
    const { grant, transportBlock, grid } = readReferenceCase(name);
    const configuration = configurationOf(grant);
    expect(configuration.transportBlockSize).toBe(transportBlock.length);
    expect(largestDifference(transmitted(configuration, transportBlock), grid).distance).toBeLessThan(1e-4);
  });
});

describe("transmitter against the independent one", () => {
  const seed = 38211;

  it(`agrees for 300 random grants of seed ${seed}`, () => {
    const random = randomGenerator(seed);
    for (let index = 0; index < 300; index++) {
      const grant = randomGrant(random, index);
      const configuration = configurationOf(grant);
      const expected = dimensions(grant);
      expect(configuration).toMatchObject({
        transportBlockSize: expected.transportBlockSize,
        codewordBits: expected.codedBits,
        codeBlocks: { baseGraph: expected.baseGraph },
      });
      const transportBlock = Array.from({ length: configuration.transportBlockSize }, () =>
        random.integer(0, 1),
      );
      const { distance } = largestDifference(
        transmitted(configuration, transportBlock),
        transmit(grant, transportBlock),
      );
      expect(distance, JSON.stringify(grant)).toBeLessThan(1e-6);
    }
  });
});
