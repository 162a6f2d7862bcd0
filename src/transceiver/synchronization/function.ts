import { z } from "zod";
import { complex64, defineFunction, float32 } from "../../functions/index.js";
import type { Carrier } from "../pusch/carrier.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { prepareAdvance } from "./advance.js";
import { prepareSynchronization } from "./synchronization.js";

/** The signal whose structure is known: OFDM with a cyclic prefix, as the carrier sends it (`parseCarrier`). */
const signalType = z.custom<Carrier>(
  (value) => typeof value === "object" && value !== null && "fftSize" in value,
  "give a carrier",
);

/** Parameters of {@link synchronization} and {@link advance} for a configuration. */
export function synchronizationParameters({ carrier }: PuschConfiguration): { signalType: Carrier } {
  return { signalType: carrier };
}

/**
 * Removes the timing and frequency offset of a slot of samples.
 *
 * `samples` holds a guard, a slot and a guard again (`guardSamples`). `tracking` says what is known of the offsets
 * (fields in offsets.ts). Where it is not valid, or not a number, they are estimated from the cyclic prefixes of the
 * slot, timing within the guard, frequency within half the subcarrier spacing, and each is applied only if it lies
 * more than three of its standard deviations from none (cyclic-prefix.ts). A tracked frequency that the prefixes
 * contradict by more than a twentieth of the subcarrier spacing gives way to theirs. `aligned` has the shape of `samples`; its
 * slot starts behind the first guard, shifted by whole samples and by no more than the guard, with zeros where
 * nothing was received; the rest of the timing is left to channel estimation. Frequency is removed by a phase that is
 * 0 at the start of the slot. `applied` gives what was removed; it is valid unless nothing was tracked and the prefixes
 * show no signal. Samples that are not numbers stay where they are.
 */
export const synchronization = defineFunction({
  name: "synchronization",
  clause: "TS 38.211 5.3.1",
  inputs: { samples: complex64("antenna", "sample"), tracking: float32("offsetField") },
  outputs: { aligned: complex64("antenna", "sample"), applied: float32("offsetField") },
  parameters: { signalType },
});

synchronization.implement("cyclic-prefix", { kind: "model", prepare: prepareSynchronization });

/**
 * Sends a slot earlier and lower in frequency by the `offsets` that its receiver would see (timing advance of TS
 * 38.211 4.3.1, frequency pre-compensation): with them given as the receiver measured them, they vanish there. Timing
 * is by fractions of a sample, with a band-limited interpolation that is right within 1e-4 up to 0.82 of half the
 * sample rate. Samples that would come from outside are 0. Offsets that are not valid, or not numbers, are 0; the
 * phase of the frequency is 0 at the start of the slot.
 */
export const advance = defineFunction({
  name: "advance",
  clause: "TS 38.211 4.3.1; TS 38.213 4.2",
  inputs: { samples: complex64("port", "sample"), offsets: float32("offsetField") },
  outputs: { samples: complex64("port", "sample") },
  parameters: { signalType },
});

advance.implement("interpolation", { kind: "model", prepare: prepareAdvance });
