import { openTarget } from "../compiler/index.js";
import { InputError, NeuroranError } from "../errors.js";
import type { Recording } from "../radio/index.js";
import {
  type Carrier,
  type PuschGrant,
  puschConfiguration,
  slotSamples,
  slotStart,
  slotsPerFrame,
  slotsPerSubframe,
} from "../transceiver/pusch/index.js";
import { acquireSlot } from "../transceiver/synchronization/acquisition.js";

/** Samples of an antenna that are searched at once. */
const searchStep = 2 ** 20;

/**
 * First sample of each grant's slot, when the first grant's starts at `start`. Grants stand in the order of time: one
 * whose slot number is lower than that of the grant before it lies in the next frame.
 */
export function slotPositions(carrier: Carrier, grants: readonly PuschGrant[], start: number): number[] {
  const slots = slotsPerFrame(carrier.subcarrierSpacing);
  const first = startOfSlot(carrier, grants[0]!.slot);
  let frame = 0;
  return grants.map(({ slot }, i) => {
    if (i > 0 && slot < grants[i - 1]!.slot) frame++;
    return start + startOfSlot(carrier, frame * slots + slot) - first;
  });
}

/**
 * Samples of a slot with the guards that the receiver wants; what lies before or behind the recording is zero.
 * @param start first sample of the slot
 * @param length samples of an antenna, both guards included
 * @returns complex64 [antenna][length]
 * @throws InputError when the recording does not hold the whole slot.
 */
export function readSlot(
  recording: Recording,
  carrier: Carrier,
  slot: number,
  start: number,
  guard: number,
  length: number,
): Float32Array {
  const end = start + slotSamples(carrier, slot);
  if (start < 0 || end > recording.sampleCount) {
    throw new InputError(
      `slot ${slot}`,
      `samples ${start} to ${end - 1}`,
      `the recording has ${recording.sampleCount} samples: check --start and --sample-rate`,
    );
  }
  const from = Math.max(0, start - guard);
  const count = Math.min(start - guard + length, recording.sampleCount) - from;
  const found = recording.read(from, count);
  const lead = from - (start - guard);
  const samples = new Float32Array(2 * recording.channels * length);
  for (let channel = 0; channel < recording.channels; channel++) {
    samples.set(
      found.subarray(2 * channel * count, 2 * (channel + 1) * count),
      2 * (channel * length + lead),
    );
  }
  return samples;
}

/**
 * Searches the recording for the first slot that the grant's DM-RS tells to be there.
 * @returns its first sample
 * @throws InputError when the recording is shorter than a slot; NeuroranError SLOT_NOT_FOUND.
 */
export function findSlot(recording: Recording, carrier: Carrier, grant: PuschGrant): number {
  const configuration = puschConfiguration(carrier, grant);
  const slot = slotSamples(carrier, grant.slot);
  const { sampleCount, channels } = recording;
  if (sampleCount < slot) {
    throw new InputError("recording", `${sampleCount} samples`, `a slot at this rate has ${slot}`);
  }
  const target = openTarget();
  for (let from = 0; from + slot <= sampleCount; from += searchStep) {
    const samples = recording.read(from, Math.min(sampleCount - from, searchStep + slot));
    const found = acquireSlot(samples, configuration, target, channels);
    if (found !== undefined) return from + found.start;
  }
  throw new NeuroranError(
    "SLOT_NOT_FOUND",
    `slot ${grant.slot} was not found by its DM-RS: check the grant and the carrier, or give --start`,
  );
}

/** First sample of a slot counted through frames. */
function startOfSlot(carrier: Carrier, slot: number): number {
  const subframe = Math.floor(slot / slotsPerSubframe(carrier.subcarrierSpacing));
  return (subframe * carrier.sampleRate) / 1000 + slotStart(carrier, slot);
}
