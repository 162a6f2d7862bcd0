import type { FaultCounts } from "./faults.js";
import type { Violation } from "./world.js";

/** One schedule, run. */
export interface ScheduleResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly faults: FaultCounts;
  readonly events: number;
  /** What was done, by kind: a schedule that did nothing shows nothing. */
  readonly operations: Readonly<Record<string, number>>;
  /** Equal for equal runs. */
  readonly hash: number;
  /** What happened, line by line, where asked for. */
  readonly lines: readonly string[];
}

/** A protocol under simulated faults. */
export interface Scenario {
  readonly name: string;
  /** Runs the schedule of a seed. @param lines whether to keep what happened as text. */
  run(seed: number, lines?: boolean): Promise<ScheduleResult>;
}
