import { z } from "zod";
import { complex64, defineFunction, int32 } from "../../functions/index.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { prepareExtraction } from "./extraction.js";
import { prepareInsertion } from "./insertion.js";
import { schedulingGrant } from "./scheduling-grant.js";

/** What a variant is prepared for: any configuration with the grant's `configurationKey`. */
const configuration = z.custom<PuschConfiguration>(
  (value) => typeof value === "object" && value !== null && "carrier" in value,
  "give a PUSCH configuration",
);

/** Parameters of {@link extraction} and {@link insertion} for a configuration. */
export function extractionParameters(of: PuschConfiguration): { configuration: PuschConfiguration } {
  return { configuration: of };
}

/**
 * Takes the granted resource elements out of a slot of samples.
 *
 * `samples` holds a guard, a slot and a guard again (`guardSamples`); the slot starts behind the first guard. A valid
 * `grant` message becomes the scheduling grant, any other leaves the one in force; its slot chooses the symbols'
 * timing and phases. `grid` gets the allocation's `nrOfSymbols` OFDM symbols from `startSymbolIndex` and its
 * subcarriers, with the phase of TS 38.211 5.4 undone, `pdu` the grant in force.
 *
 * The transform is scaled by 1/√N: white noise has the same variance in a sample and in a resource element, and
 * what {@link insertion} made of a resource element of power 1 has power 1 again. The transform's window begins a
 * quarter of the shorter cyclic prefix before the symbol's body and the phase slope that this gives is undone:
 * a slot may come early by that much, or late by the rest of the prefix less the channel's delay spread, without
 * interference between symbols. A sample that is not a number spoils its symbol.
 */
export const extraction = defineFunction({
  name: "extraction",
  clause: "TS 38.211 5.3.1, 5.4, 6.3.1.7",
  inputs: { samples: complex64("antenna", "sample"), grant: int32("grantField") },
  outputs: { grid: complex64("antenna", "symbol", "subcarrier"), pdu: int32("grantField") },
  parameters: { configuration },
  state: { schedulingGrant },
});

extraction.implement("fast-fourier", { kind: "model", prepare: prepareExtraction });

/**
 * Puts symbols and reference signals of a grant into the carrier's grid and makes samples of it.
 *
 * `symbols` are the data resource elements of each antenna port in the order of TS 38.211 6.3.1.6, `pilots` the
 * rows of the DM-RS symbols over the allocation's subcarriers, 0 where data or nothing is. `grid` gets all OFDM
 * symbols and subcarriers of the carrier, `samples` a guard of zeros, the slot with its cyclic prefixes and the phase
 * of TS 38.211 5.4, and zeros again. The inverse transform is scaled by 1/√N: a resource element of power 1 adds
 * energy 1 to the body of its symbol, and a full grid gives a mean power of subcarriers / N, less than 1, a sample.
 * The scheduling grant is as in {@link extraction}.
 */
export const insertion = defineFunction({
  name: "insertion",
  clause: "TS 38.211 5.3.1, 5.4, 6.3.1.6, 6.3.1.7, 6.4.1.1.3",
  inputs: {
    symbols: complex64("port", "re"),
    pilots: complex64("port", "dmrsSymbol", "subcarrier"),
    grant: int32("grantField"),
  },
  outputs: {
    grid: complex64("port", "symbol", "carrierSubcarrier"),
    samples: complex64("port", "sample"),
  },
  parameters: { configuration },
  state: { schedulingGrant },
});

insertion.implement("fast-fourier", { kind: "model", prepare: prepareInsertion });
