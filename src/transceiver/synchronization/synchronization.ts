import type { Context, Process } from "../../functions/index.js";
import { checkSize } from "../extraction/sizes.js";
import { contradicts, noEstimate, prepareEstimateFromPrefixes } from "./cyclic-prefix.js";
import type { synchronization } from "./function.js";
import { guardSamples } from "./guard.js";
import { OFFSET_FIELDS, offsetFieldIndex } from "./offsets.js";
import { prepareRotation } from "./rotation.js";

type SynchronizationContext = Context<
  typeof synchronization.inputs,
  typeof synchronization.outputs,
  typeof synchronization.parameters
>;

/**
 * Prepares synchronization by tracked offsets or, without them, by the cyclic prefixes.
 * @throws NeuroranError DIMENSION_MISMATCH where the samples are no slot and two guards.
 */
export function prepareSynchronization(context: SynchronizationContext): Process {
  const { dimensions, inputs, outputs } = context;
  const { antenna: antennas, sample, offsetField } = dimensions;
  const carrier = context.parameters.signalType;
  checkSize("offsetField", offsetField, OFFSET_FIELDS);
  const guard = guardSamples(carrier, sample);
  const prefixes = prepareEstimateFromPrefixes(context, carrier, antennas, sample);
  const rotation = prepareRotation(context, sample);
  const estimate = noEstimate();
  const spacing = 1000 * carrier.subcarrierSpacing;
  const [tracking, applied] = [inputs.tracking.view, outputs.applied.view];
  const { timing, frequency, valid, spare } = offsetFieldIndex;
  const aligned = outputs.aligned.view;
  return () => {
    let shift = Math.round(tracking[timing]! * carrier.sampleRate);
    let offset = tracking[frequency]!;
    const tracked = tracking[valid] === 1 && Number.isFinite(shift) && Number.isFinite(offset);
    if (tracked) {
      shift = Math.max(-guard, Math.min(guard, shift));
      prefixes.at(inputs.samples.offset, shift, estimate);
      if (contradicts(estimate, tracking, spacing)) offset = estimate.frequency;
    } else {
      prefixes.search(inputs.samples.offset, estimate);
      shift = estimate.timingSignificant ? estimate.timing : 0;
      offset = estimate.frequencySignificant ? estimate.frequency : 0;
    }
    applied[timing] = shift / carrier.sampleRate;
    applied[frequency] = offset;
    applied[valid] = tracked || estimate.detected ? 1 : 0;
    applied[spare] = 0;
    const first = Math.max(0, -shift);
    const end = Math.min(sample, sample - shift);
    rotation.turns[0] = -offset / carrier.sampleRate;
    for (let antenna = 0; antenna < antennas; antenna++) {
      const start = antenna * sample;
      aligned.fill(0, 2 * start, 2 * (start + first));
      aligned.fill(0, 2 * (start + end), 2 * (start + sample));
      const from = inputs.samples.offset + 8 * (start + first + shift);
      rotation.run(first - guard, from, outputs.aligned.offset + 8 * (start + first), end - first);
    }
  };
}
