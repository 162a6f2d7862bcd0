import { describe, expect, it } from "vitest";
import { configurationKey, parseGrant } from "../src/transceiver/pusch/index.js";
import type { Complex, Grid } from "./independent/complex.js";
import { largestDifference } from "./independent/grid-difference.js";
import { type RandomGenerator, randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { randomTransformPrecodedGrant } from "./independent/random-transform-precoded-grants.js";
import { hasData } from "./independent/reference-data.js";
import { dimensions, type IndependentGrant, transmit } from "./independent/transmitter.js";
import { packed } from "./packed-bits.js";
import { carrierFor, productConfiguration } from "./product-grant.js";
import { complexGrid, transmittedGrid } from "./transmitted-grid.js";

const seed = 38_211_635;
const grantCount = 240;

/** The grant with all that a prepared transmitter must not depend on replaced: slot, identities, n_SCID. */
function sibling(grant: IndependentGrant, random: RandomGenerator): IndependentGrant {
  return {
    ...grant,
    slot: random.integer(0, 9),
    physCellId: random.integer(0, 1007),
    rnti: random.integer(1, 65519),
    dmrsScramblingId: random.integer(0, 65535),
    scid: random.choose([0, 1] as const),
    dataScramblingId: random.integer(0, 1023),
    transformPrecoding: grant.transformPrecoding && {
      ...grant.transformPrecoding,
      puschIdentity: random.integer(0, 1007),
      hopping: random.choose(["neither", "group", "sequence"] as const),
    },
  };
}

/** Both grids of the carrier: the product's and the independent one, which covers the bandwidth part only. */
function bothGrids(grant: IndependentGrant, random: RandomGenerator): { product: Grid; independent: Grid } {
  const carrier = carrierFor(grant, random);
  const configuration = productConfiguration(grant, carrier);
  const prepared = productConfiguration(sibling(grant, random), carrier);
  expect(configurationKey(prepared)).toBe(configurationKey(configuration));
  const transportBlock = random.bits(dimensions(grant).transportBlockSize);

  const sent = transmittedGrid(configuration, packed(transportBlock), prepared);
  const product = complexGrid(configuration, sent);

  const { gridSubcarriers } = configuration.allocation;
  const below = 12 * (grant.bwpStart - carrier.offsetToCarrier);
  const above = gridSubcarriers - below - 12 * grant.bwpSize;
  const empty = (count: number) => Array.from({ length: count }, (): Complex => ({ re: 0, im: 0 }));
  const independent = transmit(grant, transportBlock).map((port) =>
    port.map((line) => [...empty(below), ...line, ...empty(above)]),
  );
  return { product, independent };
}

describe.skipIf(!hasData)("the grid of random grants by both implementations", () => {
  it.each([
    ["without", randomGrant],
    ["with", randomTransformPrecodedGrant],
  ])(`is the same for ${grantCount} grants of seed ${seed} %s transform precoding`, (_, grantOf) => {
    const random = randomGenerator(seed);
    for (let index = 0; index < grantCount; index++) {
      const grant = grantOf(random, index);
      const { product, independent } = bothGrids(grant, random);
      const difference = largestDifference(product, independent);
      expect(
        difference.distance,
        `grant ${index} ${JSON.stringify(grant)} at ${JSON.stringify(difference)}`,
      ).toBeLessThan(1e-4);
    }
  });
});

describe("a non-codebook grant", () => {
  it.each([1, 2, 3, 4])(
    "of %i layers has as many antenna ports, given or not (TS 38.211 6.3.1.5)",
    (layers) => {
      const grant = {
        slot: 0,
        physCellId: 1,
        rnti: 1,
        subcarrierSpacing: 30,
        bwpSize: 10,
        rbStart: 0,
        rbSize: 10,
        mcsIndex: 5,
        nrOfLayers: layers,
      };
      const parsed = parseGrant(grant);
      expect(parsed.numberOfAntennaPorts).toBe(layers);
      expect(parseGrant(parsed)).toEqual(parsed);
      expect(parseGrant({ ...grant, numberOfAntennaPorts: layers })).toEqual(parsed);
    },
  );

  it("stays apart from a codebook, which is for 2 or 4 ports", () => {
    const grant = {
      slot: 0,
      physCellId: 1,
      rnti: 1,
      subcarrierSpacing: 30,
      bwpSize: 1,
      rbStart: 0,
      rbSize: 1,
    };
    for (const numberOfAntennaPorts of [1, 3]) {
      expect(() => parseGrant({ ...grant, mcsIndex: 5, tpmi: 0, numberOfAntennaPorts })).toThrow(
        "2 or 4 antenna ports",
      );
    }
  });
});
