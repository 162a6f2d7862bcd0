import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { referenceSignals, referenceSignalsParameters } from "../src/transceiver/estimation/function.js";
import { GRANT_FIELDS, writeGrantMessage } from "../src/transceiver/pusch/grant-message.js";
import { emptyGrid } from "./independent/complex.js";
import { dmrsSymbols } from "./independent/dmrs.js";
import { codebook, identity } from "./independent/layers-precoding.js";
import { symbolsPerSlot } from "./independent/ofdm.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { hasData } from "./independent/reference-data.js";
import { mapDmrs } from "./independent/resource-mapping.js";
import { carrierFor, productConfiguration } from "./product-grant.js";

describe("referenceSignals", () => {
  it.skipIf(!hasData)("gives the DM-RS rows of the independent implementation for random grants", () => {
    const random = randomGenerator(38_211_645);
    for (let index = 0; index < 100; index++) {
      const grant = randomGrant(random, index);
      const configuration = productConfiguration(grant, carrierFor(grant, random));
      const symbols = symbolsPerSlot(grant.cyclicPrefix);
      const grid = emptyGrid(grant.antennaPorts, symbols, 12 * grant.bwpSize);
      const dmrs = dmrsSymbols(grant);
      const dmrsScramblingId = grant.dmrsScramblingId ?? grant.physCellId;
      const precoding =
        grant.tpmi === undefined
          ? identity(grant.nrOfLayers)
          : codebook(grant.nrOfLayers, grant.antennaPorts)[grant.tpmi]!;
      mapDmrs(grid, { ...grant, symbolsPerSlot: symbols, dmrsScramblingId }, dmrs, precoding);
      const message = new Int32Array(GRANT_FIELDS);
      writeGrantMessage(configuration, message);
      const subcarriers = 12 * grant.rbSize;
      const { pilots } = runFunction(referenceSignals, "plain", {
        dimensions: {
          grantField: GRANT_FIELDS,
          port: grant.antennaPorts,
          dmrsSymbol: dmrs.length,
          subcarrier: subcarriers,
        },
        parameters: referenceSignalsParameters(configuration),
        inputs: { grant: message },
      }).outputs;
      let worst = 0;
      grid.forEach((port, p) => {
        dmrs.forEach(({ symbol }, ordinal) => {
          for (let k = 0; k < subcarriers; k++) {
            const { re, im } = port[symbol]![12 * grant.rbStart + k]!;
            const at = 2 * ((p * dmrs.length + ordinal) * subcarriers + k);
            worst = Math.max(worst, Math.abs(pilots[at]! - re), Math.abs(pilots[at + 1]! - im));
          }
        });
      });
      expect(worst).toBeLessThan(1e-6);
    }
  });

  it.skipIf(!hasData)(
    "gives nothing without a grant and refuses rows that are not the configuration's",
    () => {
      const random = randomGenerator(1);
      const grant = randomGrant(random, 0);
      const configuration = productConfiguration(grant, carrierFor(grant, random));
      const dimensions = {
        grantField: GRANT_FIELDS,
        port: configuration.antennaPorts,
        dmrsSymbol: configuration.dmrs.symbols.length,
        subcarrier: 12 * grant.rbSize,
      };
      const parameters = referenceSignalsParameters(configuration);
      const { outputs } = runFunction(referenceSignals, "plain", { dimensions, parameters, inputs: {} });
      expect(outputs.pilots.every((value) => value === 0)).toBe(true);
      const wrong = { dimensions: { ...dimensions, dmrsSymbol: 9 }, parameters, inputs: {} };
      expect(() => runFunction(referenceSignals, "plain", wrong)).toThrow(/must be/);
    },
  );
});
