/**
 * Two implementations of a function that take turns over the slots, so that one that is new can be compared with the one that
 * served before, on the same traffic and the same state.
 *
 * Invariants:
 * 1. Which of them runs a slot follows from how many slots there were before, and the share alone. The canary's slots lie
 *    evenly, and not in step with anything that repeats itself: users that take turns, frames, HARQ processes.
 * 2. A slot is computed by one of them, and whoever reads the outputs reads its. Where the canary throws, the present one computes the
 *    slot after it, and the failure is counted.
 * 3. Both have the same state: none of it is only one's.
 */
import type { Clock } from "../system/index.js";
import type { AttemptCounts } from "./attempt.js";
import type { View } from "./data-type.js";
import type { Process } from "./declaration.js";
import { createLatencyHistogram, type LatencyHistogram } from "./latency-histogram.js";
import type { Tensor } from "./tensor.js";
import { type Latency, latencyOf, recordDuration, type TimingTensors } from "./timing.js";

/** The arms in the order in which they stand everywhere. */
export const armNames = ["present", "canary"] as const;
export type ArmName = (typeof armNames)[number];

/** Multiples of it fill every interval evenly: no other number lies as far from all fractions. */
const GOLDEN_RATIO = 0.6180339887498949;

/** Runs of an arm that do not count for its latency: they compile what runs, and rehearse fallbacks. */
export const ARM_REHEARSALS = 20;

const column = { phase: 0, slots: 1, last: 2, present: 3, canary: 4, failed: 5 } as const;
const columns = Object.keys(column).length;

/** float64 [node][count] for so many nodes that have a canary. */
export const canaryCountsShape = (nodes: number): [number, number] => [Math.max(1, nodes), columns];

/** A node with a canary, as a plan has it. */
export interface CanaryNode {
  readonly path: string;
  readonly function: string;
  readonly share: number;
  readonly arms: Readonly<Record<ArmName, ArmPlan>>;
}

interface ArmPlan {
  readonly implementation: string;
  /** The row of its timing, and of that of the slots that it has. */
  readonly timing: number;
  readonly slotTiming: number;
  /** Rows of the attempts in it, from the first to the one before the second. */
  readonly attempts: readonly [number, number];
}

/** What became of an arm's slots so far. */
export interface ArmCounts {
  readonly implementation: string;
  readonly slots: number;
  /** Slots whose attempts were not done in time, by why. */
  readonly late: number;
  readonly notFinite: number;
  readonly unavailable: number;
  /** Slots in which it threw, which the present implementation computed; of the canary. */
  readonly failed: number;
  /** Of the function in its latest 4096 slots, but for the first ones. */
  readonly latency: Latency;
  /** Of these slots as a whole. */
  readonly slotLatency: Latency;
}

export interface CanaryCounts {
  readonly path: string;
  readonly function: string;
  readonly share: number;
  readonly present: ArmCounts;
  readonly canary: ArmCounts;
}

/** The counts of all nodes that have a canary. */
export function readCanaryCounts(
  counts: Pick<Tensor<"float64">, "view">,
  nodes: readonly CanaryNode[],
  timings: TimingTensors,
  attempts: readonly AttemptCounts[],
): CanaryCounts[] {
  return nodes.map(({ path, function: name, share, arms }, row) => {
    const at = (index: number): number => counts.view[row * columns + index];
    const armCounts = (arm: ArmName): ArmCounts => {
      const { implementation, timing, slotTiming, attempts: rows } = arms[arm];
      const own = attempts.slice(...rows);
      const sum = (of: (one: AttemptCounts) => number): number =>
        own.reduce((total, one) => total + of(one), 0);
      return {
        implementation,
        slots: at(column[arm]),
        late: sum(({ late }) => late),
        notFinite: sum(({ notFinite }) => notFinite),
        unavailable: sum(({ unavailable }) => unavailable),
        failed: arm === "canary" ? at(column.failed) : 0,
        latency: latencyOf(timings, timing),
        slotLatency: latencyOf(timings, slotTiming),
      };
    };
    return { path, function: name, share, present: armCounts("present"), canary: armCounts("canary") };
  });
}

/** Who had the latest slot of the first node that has a canary. */
export interface LatestArm {
  /** Slots so far, of both. */
  readonly slots: number;
  readonly arm: ArmName;
}

export function readLatestArm({ view }: Pick<Tensor<"float64">, "view">): LatestArm {
  return { slots: view[column.slots], arm: armNames[view[column.last]] };
}

/** What is prepared of an arm. */
export interface Arm {
  readonly procedures: readonly Process[];
  /** Of each procedure. */
  readonly timings: readonly number[];
  /** The row of all of it together, and of whole slots. */
  readonly timing: number;
  readonly slotTiming: number;
  /** For each procedure that is an attempt, at 0, what it needs in any case. */
  readonly least: readonly (Float64Array | undefined)[];
  /** What it computes, and where that is to go. */
  readonly results: readonly { readonly from: View; readonly to: View }[];
}

/** A node with a canary, ready to run. */
export interface CanaryProcedure {
  readonly process: Process;
  /** At 0, what it needs in any case, in milliseconds. */
  readonly least: Float64Array;
  /** To be called when the slot is done, with when it began and ended. */
  slotDone(times: Float64Array, begin: number, end: number): void;
}

/** The procedure of a node with a canary. Everything it touches is made here. */
export function canaryProcedure(made: {
  readonly arms: Readonly<Record<ArmName, Arm>>;
  readonly share: number;
  readonly counts: Float64Array;
  /** Of the node in the counts. */
  readonly row: number;
  readonly timingTensors: TimingTensors;
  readonly readClock: Clock;
}): CanaryProcedure {
  const { arms, share, counts, timingTensors, readClock } = made;
  const base = made.row * columns;
  const least = new Float64Array(1);
  const needed = new Float64Array(2);
  const [present, canary] = armNames.map((name, index) =>
    armProcedure(arms[name], timingTensors, readClock, needed, index),
  ) as [ArmProcedure, ArmProcedure];
  let latest = present;
  const process = (): void => {
    counts[base + column.slots]++;
    counts[base + column.phase] += GOLDEN_RATIO;
    if (counts[base + column.phase] >= 1) counts[base + column.phase] -= 1;
    if (counts[base + column.phase] >= share) {
      counts[base + column.last] = 0;
      counts[base + column.present]++;
      latest = present;
      present.process();
    } else {
      counts[base + column.last] = 1;
      counts[base + column.canary]++;
      latest = canary;
      try {
        canary.process();
      } catch {
        counts[base + column.failed]++;
        present.process();
      }
    }
    least[0] = Math.max(needed[0], needed[1]);
  };
  return { process, least, slotDone: (times, begin, end) => latest.slotDone(times, begin, end) };
}

type ArmProcedure = Omit<CanaryProcedure, "least">;

/** Runs an arm; writes to `needed[index]` what it needs in any case, in milliseconds. */
function armProcedure(
  { procedures, timings, timing, slotTiming, least, results }: Arm,
  timingTensors: TimingTensors,
  readClock: Clock,
  needed: Float64Array,
  index: number,
): ArmProcedure {
  const from = results.map((one) => one.from);
  const to = results.map((one) => one.to);
  const histograms: (LatencyHistogram | undefined)[] = least.map((one) =>
    one === undefined ? createLatencyHistogram() : undefined,
  );
  const p99 = new Float64Array(procedures.length);
  /** Where each says what it needs: a number that may be missing would be allocated. */
  const needs = least.map((one, step) => one ?? p99.subarray(step, step + 1));
  /** The beginning, and the end of each procedure and of all. */
  const times = new Float64Array(procedures.length + 2);
  const end = procedures.length + 1;
  let rehearsals = 0;
  const process = (): void => {
    readClock(times, 0);
    for (let step = 0; step < procedures.length; step++) {
      procedures[step]();
      readClock(times, step + 1);
    }
    for (let result = 0; result < to.length; result++) to[result].set(from[result]);
    readClock(times, end);
    if (rehearsals++ < ARM_REHEARSALS) return;
    needed[index] = 0;
    for (let step = 0; step < procedures.length; step++) {
      if (timings[step] !== timing) recordDuration(timingTensors, timings[step], times, step, step + 1);
      histograms[step]?.record(times, step, step + 1);
      histograms[step]?.percentile(0.99, p99, step);
      needed[index] += needs[step][0];
    }
    recordDuration(timingTensors, timing, times, 0, end);
  };
  return {
    process,
    slotDone(slotTimes, begin, slotEnd) {
      if (rehearsals > ARM_REHEARSALS) recordDuration(timingTensors, slotTiming, slotTimes, begin, slotEnd);
    },
  };
}
