import type { AttemptCounts } from "../attempt.js";
import type { CanaryCounts } from "../canary.js";
import type { Alternatives } from "../choice.js";
import type { KernelRecord } from "../kernel-store.js";
import type { ChosenImplementation } from "../plan.js";
import type { SlotPace } from "../slot-deadline.js";
import type { Timing } from "../timing.js";
import type { SwapRecord } from "./slot-swap.js";
import type { SwapState } from "./swap.js";

/** What an executor has done so far. */
export interface SlotStatistics {
  /** How long each function took, and the slot, named "slot"; in milliseconds. */
  readonly timings: Timing[];
  /** What became of the attempts of each function that is done by them. */
  readonly attempts: readonly AttemptCounts[];
  /** What became of two implementations that take turns, each function's. */
  readonly canaries: readonly CanaryCounts[];
  /** What each function can be done by, by its name. */
  readonly alternatives: Readonly<Record<string, Alternatives>>;
  /** By when slots must be done; undefined without attempts or a deadline, and before the first slots have shown the pace. */
  readonly pace: SlotPace | undefined;
  /** The kernels of the kept variants. */
  readonly kernels: readonly KernelRecord[];
  /** Who runs the slots: the implementation of each node. */
  readonly implementations: readonly ChosenImplementation[];
  /** Slots done, those that failed among them. */
  readonly completed: number;
  readonly failed: number;
  /** Slots submitted and not done. */
  readonly pending: number;
  /** "serving" when another swap may be asked for. */
  readonly swapping: SwapState["phase"];
  /** What took the place of what it started with, the oldest first. */
  readonly swaps: readonly SwapRecord[];
  /** The processor that the thread is pinned to, which no other slot thread of the machine has. */
  readonly processor: number | undefined;
  /** Why the thread is not pinned. */
  readonly processorProblem: string | undefined;
  /** Why the thread has no real-time priority though it was asked for. */
  readonly realTimeProblem: string | undefined;
}
