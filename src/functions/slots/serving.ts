/** What a slot thread said of its instance when it started, and what the instance counts in memory that both see. */
import { type AttemptCounts, readAttemptCounts } from "../attempt.js";
import { type CanaryNode, type LatestArm, readCanaryCounts, readLatestArm } from "../canary.js";
import type { Alternatives } from "../choice.js";
import type { AttemptedNode, ChosenImplementation } from "../plan.js";
import { readSlotPace } from "../slot-deadline.js";
import { type Tensor, withView } from "../tensor.js";
import { summarizeTimings, type TimingTensors } from "../timing.js";
import type { Reply } from "./slot-protocol.js";
import type { SlotStatistics } from "./slot-statistics.js";

export interface Serving {
  readonly functions: readonly string[];
  readonly implementations: readonly ChosenImplementation[];
  readonly alternatives: Readonly<Record<string, Alternatives>>;
  readonly timings: TimingTensors;
  readonly attempts: readonly AttemptedNode[];
  readonly attemptCounts: Tensor<"float64">;
  readonly canaries: readonly CanaryNode[];
  readonly canaryCounts: Tensor<"float64">;
  readonly pace: Tensor<"float64">;
  readonly maximumVariants: number;
}

export function createServing(
  said: Extract<Reply, { kind: "started" }>,
  memory: WebAssembly.Memory,
): Serving {
  const { functions, implementations, alternatives, attempts, canaries, maximumVariants } = said;
  return {
    functions,
    implementations,
    alternatives,
    timings: { counts: withView(memory, said.counts), durations: withView(memory, said.durations) },
    attempts,
    attemptCounts: withView(memory, said.attemptCounts),
    canaries,
    canaryCounts: withView(memory, said.canaryCounts),
    pace: withView(memory, said.pace),
    maximumVariants,
  };
}

/** What the instance has counted so far. */
export function countsOf(
  serving: Serving,
): Pick<SlotStatistics, "timings" | "attempts" | "canaries" | "alternatives" | "pace" | "implementations"> {
  const { functions, implementations, alternatives, timings, canaries, canaryCounts, pace } = serving;
  const attempts: readonly AttemptCounts[] = readAttemptCounts(serving.attemptCounts, serving.attempts);
  return {
    timings: summarizeTimings(timings, [...functions, "slot"]),
    attempts,
    canaries: readCanaryCounts(canaryCounts, canaries, timings, attempts),
    alternatives,
    pace: readSlotPace(pace.view),
    implementations,
  };
}

/** Who of the first two that take turns had the latest slot. */
export function latestArmOf({ canaries, canaryCounts }: Serving): LatestArm | undefined {
  return canaries.length === 0 ? undefined : readLatestArm(canaryCounts);
}
