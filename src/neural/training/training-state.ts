import type { CurvePoint, ValidationPoint } from "./curve.js";
import { type CurveAccumulator, emptyAccumulator } from "./curve.js";
import type { TrainingVectors } from "./step-runner.js";

/** The parameters that validated best. */
export interface BestVectors {
  readonly step: number;
  readonly loss: number;
  readonly parameters: Float32Array;
  readonly statistics: Float32Array;
}

/** Everything that the rest of a training follows from, besides what was asked for. All threads of a training hold the same. */
export interface TrainingState {
  /** Steps that are done. */
  step: number;
  readonly vectors: TrainingVectors;
  best: BestVectors | undefined;
  /** Validations since the best one. */
  withoutBetter: number;
  readonly curve: { readonly points: CurvePoint[]; readonly validations: ValidationPoint[] };
  accumulator: CurveAccumulator;
  /** Seconds of training until now, over all processes that took part. */
  seconds: number;
}

export function initialState(vectors: TrainingVectors, scalars: number): TrainingState {
  return {
    step: 0,
    vectors,
    best: undefined,
    withoutBetter: 0,
    curve: { points: [], validations: [] },
    accumulator: emptyAccumulator(scalars),
    seconds: 0,
  };
}
