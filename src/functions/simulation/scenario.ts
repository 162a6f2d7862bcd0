import type { Violation } from "./world.js";

/** One schedule, run. */
export interface ScheduleResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Which kinds of faults it could meet. */
  readonly profile: readonly string[];
  /** How often each kind took effect. */
  readonly faults: Readonly<Record<string, number>>;
  readonly events: number;
  /** What was done, by kind: a schedule that did nothing shows nothing. */
  readonly operations: Readonly<Record<string, number>>;
  /** Equal for equal runs. */
  readonly hash: number;
  /** What happened, line by line, where asked for. */
  readonly lines: readonly string[];
}

export interface ScheduleOptions {
  /** Keep what happens as text. */
  readonly lines?: boolean;
  /** The kinds of faults that may befall it; drawn from the seed unless given. */
  readonly profile?: readonly string[];
}

/** A protocol under simulated faults. */
export interface Scenario {
  readonly name: string;
  /** All that can befall it. */
  readonly faultKinds: readonly string[];
  /** Runs the schedule of a seed: the same schedule each time. */
  run(seed: number, options?: ScheduleOptions): Promise<ScheduleResult>;
}
