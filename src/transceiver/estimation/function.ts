import { z } from "zod";
import { type Context, complex64, defineFunction, float32, int32 } from "../../functions/index.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { prepareEstimation } from "./estimation.js";
import { attemptEstimation } from "./learned-mmse/implementation.js";
import { LEARNED_MMSE_NAME } from "./learned-mmse/learned-filtering.js";
import { prepareReferenceSignalRows } from "./reference-signal-rows.js";

/** Numerology of the signal and where its grid lies in the slot. */
export const signalType = z.strictObject({
  /** kHz. */
  subcarrierSpacing: z.union([z.literal(15), z.literal(30), z.literal(60)]),
  cyclicPrefix: z.enum(["normal", "extended"]),
  /** First OFDM symbol of the grid, within the slot. */
  startSymbolIndex: z.int().min(0).max(13),
});

/** Where the DM-RS of each layer lies (TS 38.211 6.4.1.1.3), in a grant's names. */
export const pilotPosition = z.strictObject({
  dmrsConfigType: z.union([z.literal(1), z.literal(2)]),
  dmrsLength: z.union([z.literal(1), z.literal(2)]),
  /** OFDM symbols of the slot, ascending; pairs of neighbours where `dmrsLength` is 2. */
  dmrsSymbPos: z.array(z.int().min(0).max(13)).min(1).max(8).readonly(),
  /** DM-RS port of each layer. */
  dmrsPorts: z.array(z.int().min(0).max(11)).min(1).max(4).readonly(),
  numDmrsCdmGrpsNoData: z.int().min(1).max(3),
  /** "low-PAPR": with transform precoding, for which `dmrsConfigType` is 1 (6.4.1.1.1.2). */
  sequenceType: z.enum(["pseudo-random", "low-PAPR"]).default("pseudo-random"),
  /** First resource block of the allocation from common resource block 0, where pseudo-random sequences start. */
  firstCommonBlock: z.int().min(0).max(2473),
});

/** The parameters as an implementation sees them. */
export type EstimationSignalType = z.output<typeof signalType>;
export type PilotPosition = z.output<typeof pilotPosition>;

/** Where each field of {@link estimation}'s quality stands. */
export const qualityFieldIndex = Object.freeze({
  /** Power of all layers over that of noise, per resource element and antenna, linear. */
  snr: 0,
  /** Seconds: the mean delay left in the grid. */
  timing: 1,
  /** Hz: the carrier frequency offset left in the grid; 0 where there is one position of DM-RS only. */
  frequency: 2,
  /** Unused, 0. */
  spare: 3,
});

/** Fields of a quality tensor. */
export const QUALITY_FIELDS = 4;

const inputs = {
  grid: complex64("antenna", "symbol", "subcarrier"),
  grant: int32("grantField"),
  applied: float32("offsetField"),
};
const outputs = {
  channel: complex64("layer", "antenna", "symbol", "subcarrier"),
  noise: float32("antenna"),
  tracking: float32("offsetField"),
  quality: float32("qualityField"),
};
const parameters = { signalType, pilotPosition };

/** What implementations of {@link estimation} prepare themselves with. */
export type EstimationContext = Context<typeof inputs, typeof outputs, typeof parameters>;

/**
 * Estimates the channel of each layer, the noise of each antenna, and the timing and frequency offset left, from
 * the DM-RS of a grid.
 *
 * `grid` holds the granted resource elements, `grant` the message of the grant in force (its DM-RS sequences, slot),
 * `applied` the offsets that synchronization took out. `channel` is what a layer's power-1 data symbol is multiplied
 * by, precoding included; `noise` the variance at an antenna per resource element; `tracking` what synchronization
 * should take out next: `applied` and what is left, where that is beyond chance: a slot in which nothing was sent leaves
 * it alone. The mean delay counts as the timing.
 *
 * "lmmse" is the Wiener filter for the statistics found in the slot, "ls" a least-squares fit; "learned-mmse" has a network weight the
 * Wiener filters of a prior, over windows more than twice as wide, as other models of its ports can.
 *
 * Degenerate inputs: without a valid grant, or with pilots that are not finite, `channel` is 0, `noise` infinite,
 * quality 0 and `tracking` is `applied`.
 */
export const estimation = defineFunction({
  name: "estimation",
  clause: "TS 38.211 6.4.1.1",
  inputs,
  outputs,
  parameters,
  neural: { fallback: "lmmse", attempt: attemptEstimation },
});

estimation.implement("lmmse", { kind: "model", prepare: (context) => prepareEstimation("lmmse", context) });
estimation.implement("ls", { kind: "model", prepare: (context) => prepareEstimation("ls", context) });
estimation.implement("learned-mmse", { kind: "neural", model: LEARNED_MMSE_NAME });

/** The parameters of {@link estimation} for a configuration. */
export function estimationParameters({ grant, allocation, dmrs }: PuschConfiguration): {
  signalType: EstimationSignalType;
  pilotPosition: PilotPosition;
} {
  const { subcarrierSpacing, cyclicPrefix, startSymbolIndex } = grant;
  const { dmrsConfigType, dmrsLength, dmrsSymbPos, dmrsPorts, numDmrsCdmGrpsNoData } = grant;
  return {
    signalType: { subcarrierSpacing, cyclicPrefix, startSymbolIndex },
    pilotPosition: {
      dmrsConfigType,
      dmrsLength,
      dmrsSymbPos,
      dmrsPorts,
      numDmrsCdmGrpsNoData,
      sequenceType: dmrs.sequenceType,
      firstCommonBlock: allocation.firstCommonBlock,
    },
  };
}

/** What a variant is prepared for: any configuration with the grant's `configurationKey`. */
const configuration = z.custom<PuschConfiguration>(
  (value) => typeof value === "object" && value !== null && "carrier" in value,
  "give a PUSCH configuration",
);

/**
 * Makes the precoded DM-RS of a slot: `pilots` are the rows of the DM-RS symbols over the allocation's subcarriers, of
 * each antenna port, 0 where there is data or nothing. Without a valid grant they are 0.
 */
export const referenceSignals = defineFunction({
  name: "referenceSignals",
  clause: "TS 38.211 6.4.1.1",
  inputs: { grant: int32("grantField") },
  outputs: { pilots: complex64("port", "dmrsSymbol", "subcarrier") },
  parameters: { configuration },
});

referenceSignals.implement("plain", { kind: "model", prepare: prepareReferenceSignalRows });

/** The parameters of {@link referenceSignals} for a configuration. */
export function referenceSignalsParameters(of: PuschConfiguration): { configuration: PuschConfiguration } {
  return { configuration: of };
}
