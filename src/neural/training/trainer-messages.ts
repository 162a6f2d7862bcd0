import type { ErrorDescription } from "../../errors.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import type { SharedStepMemory, SharedStepSizes } from "./shared-step.js";
import type { ScheduleSpecification } from "./specification.js";
import type { GraphRole, RunnerPlan } from "./step-runner.js";
import type { TrainingState } from "./training-state.js";

/** A dataset reference as it is sent. */
export interface SentDataset {
  readonly module: string;
  readonly factory: string;
  readonly parameters: unknown;
}

/** What a thread of a training begins with. */
export interface TrainerStart {
  /** Number of the thread, from 0; thread 0 reports. */
  readonly thread: number;
  readonly seed: number;
  readonly steps: number;
  /** Samples of a shard. */
  readonly samples: number;
  readonly schedule: ScheduleSpecification;
  readonly plan: RunnerPlan;
  readonly dataset: SentDataset;
  readonly validation:
    | {
        readonly dataset: SentDataset | undefined;
        readonly everySteps: number;
        readonly patience: number | undefined;
      }
    | undefined;
  readonly state: TrainingState;
  readonly memory: SharedStepMemory;
  readonly sizes: SharedStepSizes;
  /** Least seconds between the states that thread 0 sends; undefined for none but the last. */
  readonly checkpointEvery_s: number | undefined;
}

/** Why a training ended. */
export type TrainingEnd = "steps" | "patience" | "signal";

/** How far a training is. */
export interface StepReport {
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly validation:
    | { readonly step: number; readonly loss: number; readonly metrics: Readonly<Record<string, number>> }
    | undefined;
}

/** From a thread of a training. After `ended` and `failed` it does nothing more. */
export type TrainerMessage =
  | { readonly kind: "graph"; readonly role: GraphRole; readonly sizes: DimensionSizes }
  | { readonly kind: "report"; readonly report: StepReport }
  | { readonly kind: "checkpoint"; readonly state: TrainingState }
  | { readonly kind: "ended"; readonly end: TrainingEnd; readonly state: TrainingState | undefined }
  | { readonly kind: "failed"; readonly error: ErrorDescription };

/** To a thread: the bytes of the graph that it asked for; undefined in a training that is abandoned. */
export interface GraphReply {
  readonly bytes: Uint8Array | undefined;
}
