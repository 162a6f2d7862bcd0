import { NeuroranError } from "../errors.js";
import type { Clock } from "../system/index.js";
import type { SlotBudget } from "./attempt.js";
import type { CanaryProcedure } from "./canary.js";
import type { View } from "./data-type.js";
import type { Process } from "./declaration.js";
import type { KernelStore } from "./kernel-store.js";
import { createSlotTimekeeper, type SlotDeadline } from "./slot-deadline.js";
import { recordDuration, type TimingTensors } from "./timing.js";

/** What a preparation made to be run. */
export interface PreparedProcedures {
  readonly kernels: KernelStore;
  readonly procedures: readonly Process[];
  /** The timing row of each procedure. */
  readonly timings: readonly number[];
  /** For each that is done by an attempt, at 0, what it needs in any case. */
  readonly least: readonly (Float64Array | undefined)[];
  readonly budget: SlotBudget;
  /** What is to be told when a slot is done. */
  readonly canaries: readonly Pick<CanaryProcedure, "slotDone">[];
  readonly latches: readonly { readonly from: View; readonly to: View }[];
}

/** What runs a slot. Everything it touches is made here, so that running allocates nothing. */
export function slotProcedure(
  prepared: PreparedProcedures,
  timingTensors: TimingTensors,
  slotRow: number,
  readClock: Clock,
  own: { readonly variant: { readonly released: boolean }; lastUse: number },
  uses: { now: number },
  deadline: SlotDeadline | undefined,
  pace: Float64Array,
): Process {
  const { procedures, timings, kernels, least, budget, canaries } = prepared;
  const from: View[] = prepared.latches.map((latch) => latch.from);
  const to: View[] = prepared.latches.map((latch) => latch.to);
  const hasAttempts = least.some((one) => one !== undefined);
  const timekeeper = hasAttempts ? createSlotTimekeeper(budget, least, deadline, pace) : undefined;
  /** When the slot began, when the first function did, when each was done, and when all was. */
  const times = new Float64Array(procedures.length + 3);
  return () => {
    if (own.variant.released) {
      throw new NeuroranError(
        "VARIANT_RELEASED",
        "this variant was given back: prepare its configuration again",
      );
    }
    own.lastUse = ++uses.now;
    readClock(times, 0);
    kernels.poll();
    timekeeper?.begin(times, 0);
    readClock(times, 1);
    for (let index = 0; index < procedures.length; index++) {
      timekeeper?.enter(index);
      procedures[index]();
      readClock(times, index + 2);
      recordDuration(timingTensors, timings[index], times, index + 1, index + 2);
      timekeeper?.leave(index, times, index + 1, index + 2);
    }
    for (let index = 0; index < to.length; index++) to[index].set(from[index]);
    const last = procedures.length + 2;
    readClock(times, last);
    recordDuration(timingTensors, slotRow, times, 0, last);
    for (let index = 0; index < canaries.length; index++) canaries[index].slotDone(times, 0, last);
    timekeeper?.end(times, 0, last);
  };
}
