/** Mean loss and metrics of the steps since the last point. */
export interface CurvePoint {
  /** Steps done. */
  readonly step: number;
  readonly learningRate: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface ValidationPoint {
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** How a training went. */
export interface TrainingCurve {
  readonly points: readonly CurvePoint[];
  readonly validations: readonly ValidationPoint[];
}

/** Sums over the steps since the last point. */
export interface CurveAccumulator {
  readonly sums: readonly number[];
  readonly steps: number;
}

/** A curve has about so many points, however long the training. */
const points = 500;

export function emptyAccumulator(scalars: number): CurveAccumulator {
  return { sums: new Array<number>(scalars).fill(0), steps: 0 };
}

/** @param scalars the loss and the metrics of a step. */
export function accumulated({ sums, steps }: CurveAccumulator, scalars: readonly number[]): CurveAccumulator {
  return { sums: sums.map((sum, index) => sum + scalars[index]!), steps: steps + 1 };
}

/** Whether the curve has a point after so many of the steps. */
export function hasPoint(step: number, steps: number): boolean {
  return step === steps || step % Math.ceil(steps / points) === 0;
}

/** Loss and metrics by name, of their sums over `steps`. */
export function named(
  metrics: readonly string[],
  [loss, ...others]: readonly number[],
): { loss: number; metrics: Record<string, number> } {
  return { loss: loss!, metrics: Object.fromEntries(metrics.map((name, index) => [name, others[index]!])) };
}
