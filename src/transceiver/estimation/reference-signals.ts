import { precoder } from "../mapping/precode.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { dmrsWeight, prepareDmrsSequence } from "../pusch/dmrs.js";
import { dmrsSubcarrier } from "../pusch/dmrs-ports.js";

/**
 * Adds the precoded DM-RS of a slot to the grid `[port][symbol][subcarrier]`, whose elements on DM-RS subcarriers
 * hold 0 before (TS 38.211 6.4.1.1.3). Allocates nothing.
 * @param configuration of the key that it was prepared for.
 */
export type InsertReferenceSignals = (configuration: PuschConfiguration, grid: Float32Array) => void;

/** Prepares {@link InsertReferenceSignals} for a configuration and all with its key. */
export function prepareReferenceSignals(prepared: PuschConfiguration): InsertReferenceSignals {
  const { dmrs, allocation, layers, antennaPorts } = prepared;
  const { gridSubcarriers, slotSymbols, firstSubcarrier } = allocation;
  const writeSequence = prepareDmrsSequence(dmrs);
  const sequence = new Float32Array(2 * dmrs.pilots);
  const weights = precoder(prepared);
  return (configuration, grid) => {
    for (let ordinal = 0; ordinal < dmrs.symbols.length; ordinal++) {
      writeSequence(configuration.dmrsInits[ordinal]!, sequence);
      for (let layer = 0; layer < layers; layer++) {
        const pilotPort = dmrs.ports[layer]!;
        for (let port = 0; port < antennaPorts; port++) {
          const weightRe = weights[2 * (port * layers + layer)]! * dmrs.amplitude;
          const weightIm = weights[2 * (port * layers + layer) + 1]! * dmrs.amplitude;
          if (weightRe === 0 && weightIm === 0) continue;
          const row = (port * slotSymbols + dmrs.symbols[ordinal]!) * gridSubcarriers + firstSubcarrier;
          for (let pilot = 0; pilot < dmrs.pilots; pilot++) {
            const sign = dmrsWeight(dmrs, pilotPort, ordinal, pilot);
            const re = sign * sequence[2 * pilot]!;
            const im = sign * sequence[2 * pilot + 1]!;
            const element = 2 * (row + dmrsSubcarrier(dmrs.configType, pilotPort.delta, pilot));
            grid[element]! += weightRe * re - weightIm * im;
            grid[element + 1]! += weightRe * im + weightIm * re;
          }
        }
      }
    }
  };
}
