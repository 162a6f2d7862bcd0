import { FALLBACK_REHEARSALS, type SlotBudget } from "./attempt.js";
import { createLatencyHistogram } from "./latency-histogram.js";

/** By when a slot must be done, so that what answers late is not waited for. */
export type SlotDeadline =
  | {
      readonly time: "real";
      /** After the slot's beginning. */
      readonly seconds: number;
    }
  | {
      /** In the time that the slots stand for: a machine that takes longer for a slot than it stands for has as much more time. */
      readonly time: "simulated";
      readonly seconds: number;
      /** What a slot stands for. */
      readonly slot_s: number;
    };

/** Slots, behind those in which fallbacks are rehearsed, that show how long the machine takes. */
const PACE_SLOTS = 32;

/** Slots before a deadline in simulated time is in force. */
export const SLOTS_BEFORE_DEADLINE = FALLBACK_REHEARSALS + PACE_SLOTS;

/** float64 [2]: the real-time factor and the deadline that is in force, in milliseconds; zeros before they are known. */
export interface SlotPace {
  /** How long slots take over what they stand for, 1 at least; 1 for a deadline in real time. */
  readonly realTimeFactor: number;
  readonly deadline_ms: number;
}

/** Keeps the budget of a variant's slots. Each slot begins with `begin`, tells its procedures, and ends with `end`. */
export interface SlotTimekeeper {
  readonly budget: SlotBudget;
  begin(times: Float64Array, at: number): void;
  /** Before the procedure `index` runs. */
  enter(index: number): void;
  /** After it ran, from `times[begin]` to `times[end]`. */
  leave(index: number, times: Float64Array, begin: number, end: number): void;
  end(times: Float64Array, begin: number, end: number): void;
}

/**
 * @param least by procedure, the array whose first number is what it needs at least; undefined where that is what it took so far
 * @param pace gets the real-time factor and the deadline
 */
export function createSlotTimekeeper(
  budget: SlotBudget,
  least: readonly (Float64Array | undefined)[],
  deadline: SlotDeadline | undefined,
  pace: Float64Array,
): SlotTimekeeper {
  const { until, behind } = budget;
  const histograms = least.map((one) => (one === undefined ? createLatencyHistogram() : undefined));
  const p99 = new Float64Array(least.length);
  /** By procedure, what those behind it need. */
  const needed = new Float64Array(least.length);
  const slots = createLatencyHistogram();
  const factor = new Float64Array(1);
  let done = 0;
  if (deadline?.time === "real") factor[0] = 1;

  const setFactor = (slot_s: number): void => {
    slots.percentile(0.5, factor, 0);
    factor[0] = Math.max(1, factor[0] / (1000 * slot_s));
  };

  return {
    budget,
    begin(times, at) {
      until[0] = Number.POSITIVE_INFINITY;
      if (deadline === undefined || factor[0] === 0) return;
      pace[0] = factor[0];
      pace[1] = 1000 * deadline.seconds * factor[0];
      until[0] = times[at] + pace[1];
    },
    enter(index) {
      behind[0] = needed[index];
    },
    leave(index, times, begin, end) {
      histograms[index]?.record(times, begin, end);
    },
    end(times, begin, end) {
      if (deadline === undefined) return;
      // One of them a slot: none changes quickly.
      const index = done % least.length;
      histograms[index]?.percentile(0.99, p99, index);
      let sum = 0;
      for (let at = least.length - 1; at >= 0; at--) {
        needed[at] = sum;
        sum += least[at]?.[0] ?? p99[at];
      }
      done++;
      if (deadline.time === "real" || factor[0] > 0 || done <= FALLBACK_REHEARSALS) return;
      slots.record(times, begin, end);
      if (done === SLOTS_BEFORE_DEADLINE) setFactor(deadline.slot_s);
    },
  };
}

/** What `pace` says; undefined before a deadline is in force. */
export function readSlotPace(pace: ArrayLike<number>): SlotPace | undefined {
  return pace[0] > 0 ? { realTimeFactor: pace[0], deadline_ms: pace[1] } : undefined;
}
