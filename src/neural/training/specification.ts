import type { ValueName, ValueType } from "../graph/graph.js";
import type { NetworkBuilder } from "../network/builder.js";
import type { DatasetReference } from "./dataset.js";

/** Values of a training graph by name: the network's outputs, its inputs and the targets. */
export type TrainingValues = Readonly<Record<string, ValueName>>;

/** How parameters follow their gradients. */
export type OptimizerSpecification =
  | {
      readonly kind: "sgd";
      readonly momentum?: number;
      readonly nesterov?: boolean;
      readonly weightDecay?: number;
    }
  | {
      readonly kind: "adam" | "adamw" | "lamb";
      /** 0.9 unless given. */
      readonly beta1?: number;
      /** 0.999 unless given. */
      readonly beta2?: number;
      /** 1e-8 unless given (1e-6 for LAMB). */
      readonly epsilon?: number;
      /** Decoupled from the gradient for AdamW and LAMB, added to it for Adam; 0 unless given. */
      readonly weightDecay?: number;
    };

/** The learning rate over the steps, which count from 0: a linear warm-up, then what `decay` says. */
export interface ScheduleSpecification {
  readonly learningRate: number;
  readonly warmupSteps?: number;
  readonly decay?:
    | {
        readonly kind: "linear" | "cosine" /** Share of the steps at which it begins; 0 unless given. */;
        readonly from?: number /** Last rate over the first; 0 unless given. */;
        readonly to?: number;
      }
    | { readonly kind: "steps"; readonly factor: number; readonly every: number };
}

/** How a network is trained: everything that decides about the result, with the seed and the number of shards. */
export interface TrainingSpecification {
  readonly dataset: DatasetReference;
  /** What the loss compares the outputs with, by name: tensors of the dataset. */
  readonly targets: Readonly<Record<string, ValueType>>;
  /** Builds the loss, a scalar: the mean over the batch. */
  loss(builder: NetworkBuilder, values: TrainingValues): ValueName;
  /** Builds further scalars to watch, means over the batch. */
  readonly metrics?: Readonly<Record<string, (builder: NetworkBuilder, values: TrainingValues) => ValueName>>;
  readonly optimizer: OptimizerSpecification;
  readonly schedule: ScheduleSpecification;
  /** Gradients are scaled down to this norm over all parameters. */
  readonly clipNorm?: number;
  readonly steps: number;
  /** Samples of a step, over all shards. */
  readonly batch: number;
  /** Parts of a batch whose gradients are computed apart and summed in a fixed order; their number decides about the result, the number of threads does not. */
  readonly shards: number;
  /** Validation on a stream of samples of its own; the best parameters are kept. */
  readonly validation?: {
    readonly dataset?: DatasetReference;
    readonly samples: number;
    readonly everySteps: number;
    /** Validations without a better loss after which training ends; never unless given. */
    readonly patience?: number;
  };
  /** Parameters that are not trained, by name. */
  readonly frozen?: readonly string[];
}
