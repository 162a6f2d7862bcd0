import type { Context, Process } from "../../functions/index.js";
import { checkSize } from "../extraction/sizes.js";
import { type CyclicPrefixEstimate, prepareEstimateFromPrefixes } from "./cyclic-prefix.js";
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
  const estimateFromPrefixes = prepareEstimateFromPrefixes(context, carrier, antennas, sample);
  const rotate = prepareRotation(context, sample);
  const estimate: CyclicPrefixEstimate = {
    timing: 0,
    timingSignificant: false,
    frequency: 0,
    frequencyDeviation: Infinity,
    frequencySignificant: false,
  };
  const [tracking, applied] = [inputs.tracking.view, outputs.applied.view];
  const { timing, frequency, valid, spare } = offsetFieldIndex;
  const aligned = outputs.aligned.view;
  return () => {
    let shift = Math.round(tracking[timing]! * carrier.sampleRate);
    let offset = tracking[frequency]!;
    if (tracking[valid] !== 1 || !Number.isFinite(shift) || !Number.isFinite(offset)) {
      estimateFromPrefixes(inputs.samples.offset, estimate);
      shift = estimate.timingSignificant ? estimate.timing : 0;
      offset = estimate.frequencySignificant ? estimate.frequency : 0;
    }
    shift = Math.max(-guard, Math.min(guard, shift));
    applied[timing] = shift / carrier.sampleRate;
    applied[frequency] = offset;
    applied[valid] = 1;
    applied[spare] = 0;
    const first = Math.max(0, -shift);
    const end = Math.min(sample, sample - shift);
    for (let antenna = 0; antenna < antennas; antenna++) {
      const start = antenna * sample;
      aligned.fill(0, 2 * start, 2 * (start + first));
      aligned.fill(0, 2 * (start + end), 2 * (start + sample));
      const from = inputs.samples.offset + 8 * (start + first + shift);
      rotate(
        -offset / carrier.sampleRate,
        first - guard,
        from,
        outputs.aligned.offset + 8 * (start + first),
        end - first,
      );
    }
  };
}
