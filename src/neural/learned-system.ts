import type { Random } from "../system/index.js";
import type { OnnxModel } from "./graph/graph.js";
import type { Measured } from "./measured.js";
import type { ModelPorts } from "./models/port.js";
import type { TrainingSpecification } from "./training/specification.js";
import type { TrainOptions } from "./training/trainer.js";

/** A table of an evaluation: a row is a condition (an SNR), a column a system or baseline. */
export interface EvaluationTable {
  readonly title: string;
  /** What a row stands for, with its unit: "SNR (dB)". */
  readonly condition: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly condition: number | string; readonly values: readonly Measured[] }[];
}

/** One figure that a system must reach. */
export interface EvaluationTarget {
  readonly name: string;
  readonly measured: Measured;
  /** As people read it: "≥ 80 %". */
  readonly required: string;
  readonly isMet: boolean;
}

export interface Evaluation {
  readonly seed: number;
  readonly tables: readonly EvaluationTable[];
  readonly targets: readonly EvaluationTarget[];
}

export interface EvaluateOptions {
  readonly seed: number;
  /** Share of the draws that a full evaluation takes: 1 for figures, less for a look. */
  readonly effort: number;
  /** Share that is done, from 0 to 1. */
  readonly observe?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** What a network is judged as. */
export interface JudgedSystem {
  /** As commands name it: "llrnet". */
  readonly name: string;
  /** The function that it implements, "demapping". */
  readonly implements: string;
  /** One sentence, with the paper. */
  readonly summary: string;
  /** Measures a network beside its baselines, on the same draws. */
  evaluate(model: OnnxModel, options: EvaluateOptions): Promise<Evaluation>;
}

/** A network of a cited system with everything that training and judging it takes. All learned systems are of this shape. */
export interface LearnedSystem extends JudgedSystem {
  readonly ports: ModelPorts;
  /** An untrained network. */
  create(random: Random): OnnxModel;
  /**
   * What the training begins from where finding that is a training of its own, such as of smaller networks; else it begins
   * from what `create` gives.
   */
  pretrain?(random: Random, options: Pick<TrainOptions, "seed" | "threads" | "signal">): Promise<OnnxModel>;
  readonly training: TrainingSpecification;
  /** Minutes that training may take on two processors. */
  readonly minutes: number;
}
