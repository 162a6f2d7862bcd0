import { NeuroranError } from "../../errors.js";
import { slotSamples, slotsPerSubframe, type Timing } from "../pusch/numerology.js";

/** Samples of the longest slot of a subframe: at 60 kHz, slots 0 and 2 are longer than 1 and 3. */
export function longestSlotSamples(timing: Timing): number {
  let longest = 0;
  for (let slot = 0; slot < slotsPerSubframe(timing.subcarrierSpacing); slot++)
    longest = Math.max(longest, slotSamples(timing, slot));
  return longest;
}

/**
 * Samples before a slot, and as many behind the longest one, in a tensor that holds one slot: what timing can move
 * in.
 * @param samples of the tensor, one antenna.
 * @throws NeuroranError DIMENSION_MISMATCH where a slot does not fit or the rest is not even.
 */
export function guardSamples(timing: Timing, samples: number): number {
  const slot = longestSlotSamples(timing);
  const guard = (samples - slot) / 2;
  if (guard < 0 || !Number.isInteger(guard))
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `sample is ${samples} and must be ${slot}, a slot, and twice the guard beside it`,
    );
  return guard;
}
