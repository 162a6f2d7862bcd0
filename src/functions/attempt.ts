/**
 * Attempts with a fallback: what a function's tensors hold after its procedure is right whether the attempt was in time or not.
 *
 * Invariants:
 * 1. Unless an attempt is done, the fallback runs after it in the same slot.
 * 2. An attempt gets the time that the slot has left behind the p99 of its fallback and of all functions that follow it.
 * 3. What came back too late though it was told by when cannot be interrupted: from then on it runs only where its p99 leaves
 *    room, and every PROBE slots to see whether that is still so.
 */
import type { Clock } from "../system/index.js";
import type { Attempt, Process } from "./declaration.js";
import { createLatencyHistogram } from "./latency-histogram.js";
import type { AttemptedNode } from "./plan.js";
import type { Tensor } from "./tensor.js";
import { recordDuration, type TimingTensors } from "./timing.js";

/** Slots in which the fallback runs though it need not: how long it takes must be known before anybody relies on it. */
export const FALLBACK_REHEARSALS = 16;
/** The first of them, which compile what runs. */
const COLD_RUNS = 4;
const PROBE = 32;
/** Share of its time by which an attempt may be over it: an answer that comes just in time is still to be read. */
const TOLERANCE = 0.1;

/**
 * What became of the attempts of a node so far. Those that were not done have fallen back; one that was done, but could not
 * be interrupted in time, is late and has not.
 */
export interface AttemptCounts {
  /** Its path in the flow. */
  readonly name: string;
  readonly implementation: string;
  readonly fallback: string;
  /** Attempts begun. */
  readonly calls: number;
  readonly late: number;
  readonly notFinite: number;
  /** Slots without an attempt: no time was left, an earlier one was not over, or nobody is there to answer. */
  readonly unavailable: number;
  /** Slots that the fallback computed. */
  readonly fallenBack: number;
}

const column = { calls: 0, late: 1, notFinite: 2, unavailable: 3, fallenBack: 4 } as const;
const columns = Object.keys(column).length;

/** float64 [node][count] for attempts of so many nodes. */
export const attemptCountsShape = (nodes: number): [number, number] => [Math.max(1, nodes), columns];

/** The counts of all nodes by name. */
export function readAttemptCounts(
  counts: Pick<Tensor<"float64">, "view">,
  nodes: readonly AttemptedNode[],
): AttemptCounts[] {
  return nodes.map(({ path: name, implementation, fallback }, row) => {
    const at = (index: number): number => counts.view[row * columns + index];
    return {
      name,
      implementation,
      fallback,
      calls: at(column.calls),
      late: at(column.late),
      notFinite: at(column.notFinite),
      unavailable: at(column.unavailable),
      fallenBack: at(column.fallenBack),
    };
  });
}

/** What procedures know of the slot's time, in milliseconds of the thread's clock. */
export interface SlotBudget {
  /** At 0, when the slot must be done; infinite without a deadline. */
  readonly until: Float64Array;
  /** At 0, what the procedures behind the one that runs take. */
  readonly behind: Float64Array;
}

/** A procedure that is done by an attempt. */
export interface AttemptProcedure {
  readonly process: Process;
  /** At 0, the p99 of its fallback: the time that it needs in any case. */
  readonly least: Float64Array;
}

/** The procedure of a node that is done by an attempt. Everything it touches is made here. */
export function attemptProcedure(made: {
  readonly attempt: Attempt;
  readonly fallback: { readonly procedures: readonly Process[]; readonly timings: readonly number[] };
  readonly timingTensors: TimingTensors;
  readonly counts: Float64Array;
  /** Of the node in the counts. */
  readonly row: number;
  readonly budget: SlotBudget;
  readonly readClock: Clock;
}): AttemptProcedure {
  const { attempt, fallback, timingTensors, counts, budget, readClock } = made;
  const { procedures, timings } = fallback;
  const base = made.row * columns;
  const fallbackTimes = createLatencyHistogram();
  const attemptTimes = createLatencyHistogram();
  /** By when the attempt must be done; p99 of the fallback; p99 of the attempt. */
  const [answerBy, fallback99, attempt99] = [new Float64Array(1), new Float64Array(1), new Float64Array(1)];
  /** The attempt's beginning and end. */
  const times = new Float64Array(2);
  /** The fallback's beginning, and the end of each of its procedures. */
  const steps = new Float64Array(procedures.length + 1);
  let rehearsals = 0;
  let overruns = false;
  let skipped = 0;

  const runFallback = (): void => {
    readClock(steps, 0);
    for (let index = 0; index < procedures.length; index++) {
      procedures[index]();
      readClock(steps, index + 1);
      recordDuration(timingTensors, timings[index], steps, index, index + 1);
    }
    if (++rehearsals <= COLD_RUNS) return;
    fallbackTimes.record(steps, 0, procedures.length);
    fallbackTimes.percentile(0.99, fallback99, 0);
  };

  const isHopeless = (): boolean => {
    const left = answerBy[0] - times[0];
    if (left <= 0) return true;
    if (!overruns || attempt99[0] <= left) return false;
    skipped = (skipped + 1) % PROBE;
    return skipped !== 0;
  };

  /** Whether the outputs are computed. */
  const succeeds = (): boolean => {
    readClock(times, 0);
    answerBy[0] = budget.until[0] - budget.behind[0] - fallback99[0];
    if (isHopeless()) {
      counts[base + column.unavailable]++;
      return false;
    }
    const outcome = attempt(answerBy);
    readClock(times, 1);
    if (outcome === "unavailable") {
      counts[base + column.unavailable]++;
      return false;
    }
    counts[base + column.calls]++;
    attemptTimes.record(times, 0, 1);
    attemptTimes.percentile(0.99, attempt99, 0);
    if (outcome === "late") counts[base + column.late]++;
    else if (outcome === "not finite") counts[base + column.notFinite]++;
    else if (times[1] - answerBy[0] > TOLERANCE * (answerBy[0] - times[0])) {
      // It is there: to compute it once more would only take longer.
      overruns = true;
      counts[base + column.late]++;
    }
    return outcome === "done";
  };

  const process = (): void => {
    if (rehearsals < FALLBACK_REHEARSALS) runFallback();
    if (succeeds()) return;
    counts[base + column.fallenBack]++;
    runFallback();
  };
  return { process, least: fallback99 };
}
