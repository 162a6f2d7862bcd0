import { NeuroranError } from "../../errors.js";
import type { Process } from "../../functions/index.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import { slotsPerSubframe } from "../pusch/numerology.js";
import { offsetFieldIndex } from "../synchronization/offsets.js";
import { type PrepareFiltering, prepareChannelFilter } from "./channel-filter.js";
import { type EstimationContext, qualityFieldIndex } from "./function.js";
import { prepareOffsets } from "./offsets.js";
import { preparePilots } from "./pilots.js";
import { pilotPlan } from "./plan.js";

/** Least squares, or linear minimum mean square error. */
export type EstimationMethod = "ls" | "lmmse";

/**
 * Prepares channel estimation. A slot goes through four steps: least squares at the pilots; delay and carrier offset
 * from their correlations; despreading without both, and the noise; filters in frequency and time, which put both back.
 *
 * The filters take a window of three resource blocks and are centred on the mean delay, which is why an offset in timing
 * does not hurt. "ls" fits the pilots by channels of the delay spread found in the slot (one of four, the next wider one
 * to be safe) and is linear in time; "lmmse" is the Wiener filter for the delay spread, the SNR (in steps of 5 dB) and the
 * Doppler spread found. Below four resource blocks a delay spread is assumed.
 *
 * @param prepareFiltering finds the filters in frequency in another way.
 * @throws NeuroranError DIMENSION_MISMATCH where dimensions do not fit the parameters.
 */
export function prepareEstimation(
  method: EstimationMethod,
  context: EstimationContext,
  prepareFiltering?: PrepareFiltering,
): Process {
  const { dimensions, inputs, outputs, parameters } = context;
  const { signalType } = parameters;
  const plan = pilotPlan(parameters, dimensions);
  if (plan.ports.length !== dimensions.layer)
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `estimation: layer is ${dimensions.layer} and must be ${plan.ports.length}, one a DM-RS port`,
    );
  const pilots = preparePilots(context, plan);
  const offsets = prepareOffsets(context, plan, pilots);
  const filter = prepareChannelFilter(method, context, plan, pilots, offsets, prepareFiltering);
  const slots = slotsPerSubframe(signalType.subcarrierSpacing);

  const grant = inputs.grant.view;
  const applied = inputs.applied.view;
  const [channel, noise] = [outputs.channel.view, outputs.noise.view];
  const [tracking, quality] = [outputs.tracking.view, outputs.quality.view];
  return () => {
    tracking.set(applied);
    quality.fill(0);
    const usable = grant[grantFieldIndex.valid] === 1;
    if (usable) {
      pilots.extract(grant);
      offsets.estimate(grant[grantFieldIndex.slot]! % slots);
    }
    if (!usable || !offsets.finite()) {
      channel.fill(0);
      noise.fill(Number.POSITIVE_INFINITY);
      return;
    }
    filter();
    if (offsets.timingSignificant()) {
      tracking[offsetFieldIndex.timing]! += offsets.timing();
      if (offsets.frequencySignificant()) tracking[offsetFieldIndex.frequency]! += offsets.frequency();
      tracking[offsetFieldIndex.valid] = 1;
    }
    quality[qualityFieldIndex.timing] = offsets.timing();
    quality[qualityFieldIndex.frequency] = offsets.frequency();
  };
}
