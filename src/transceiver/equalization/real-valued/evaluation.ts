import type { Instance } from "../../../neural/engines/engine.js";
import type { EvaluateOptions, Evaluation, EvaluationTarget } from "../../../neural/learned-system.js";
import { type Measured, meanOfShares } from "../../../neural/measured.js";
import { createRandom } from "../../../system/index.js";
import { detectionTensors } from "./dataset.js";
import { type Detector, mmse, mmseSic, zeroForcing } from "./detectors.js";
import { kBest } from "./k-best.js";
import { createDraw, drawModel, type RealValuedModel } from "./real-valued-model.js";

/** Draws that a network takes at once: the batch that an instance for {@link evaluateDetection} is bound to. */
export const EVALUATION_BATCH = 1000;

/** Survivors of the tree search: more find no better symbol at these sizes. */
const SURVIVORS = 16;

/** What a detector must reach, beside its baselines. */
export interface DetectionRequirement {
  readonly snr_db: number;
  /** The rate that its authors published, and the factor that may lie above it. */
  readonly published?: { readonly rate: number; readonly factor: number };
  readonly belowMmseSic: boolean;
}

/** One SNR of an evaluation. */
export interface DetectionPoint {
  readonly snr_db: number;
  /** Draws of a full evaluation, a multiple of {@link EVALUATION_BATCH}. */
  readonly draws: number;
}

/**
 * Symbol error rates of a network and its baselines over the same draws, at each SNR. Errors of a draw stick together, so
 * that intervals come from the spread over draws.
 * @param instance of a network with the inputs `gram`, `matchedFilter`, `noise` and the output `llrs`
 */
export async function evaluateDetection(
  name: string,
  model: RealValuedModel,
  instance: Instance,
  points: readonly DetectionPoint[],
  requirements: readonly DetectionRequirement[],
  { seed, effort, observe, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const detectors: Readonly<Record<string, Detector>> = {
    ZF: zeroForcing(model),
    MMSE: mmse(model),
    "MMSE-SIC": mmseSic(model),
    [`${SURVIVORS}-best`]: kBest(model, SURVIVORS),
  };
  const columns = [name, ...Object.keys(detectors)];
  const draw = createDraw(model);
  const decided = new Float64Array(model.streams);
  const { named, put } = detectionTensors(model, EVALUATION_BATCH);
  const inputs = Object.fromEntries(
    Object.entries(named).filter(([input]) => Object.hasOwn(instance.inputs, input)),
  );
  const batches = points.map(({ draws }) => Math.max(1, Math.round((effort * draws) / EVALUATION_BATCH)));
  const all = batches.reduce((sum, count) => sum + count, 0);
  let done = 0;
  const rows: { condition: number; values: readonly Measured[] }[] = [];
  for (const [index, { snr_db }] of points.entries()) {
    const random = createRandom(seed).fork(snr_db);
    const counts = columns.map(() => ({ sum: 0, squares: 0 }));
    const count = (column: number, errors: number): void => {
      counts[column]!.sum += errors;
      counts[column]!.squares += errors ** 2;
    };
    for (let batch = 0; batch < batches[index]!; batch++) {
      signal?.throwIfAborted();
      for (let sample = 0; sample < EVALUATION_BATCH; sample++) {
        drawModel(model, 10 ** (snr_db / 10), random, draw);
        put(sample, draw);
        Object.values(detectors).forEach((detect, detector) => {
          detect(draw, decided);
          let errors = 0;
          for (let k = 0; k < model.streams; k++) if (decided[k] !== draw.sent[k]) errors++;
          count(detector + 1, errors);
        });
      }
      const llrs = (await instance.run(inputs)).llrs!.data as Float32Array;
      for (let sample = 0; sample < EVALUATION_BATCH; sample++) {
        let errors = 0;
        for (let k = sample * model.streams; k < (sample + 1) * model.streams; k++)
          if (llrs[k]! < 0 !== (named.bits.data[k] === 1)) errors++;
        count(0, errors);
      }
      observe?.(++done / all);
    }
    const draws = batches[index]! * EVALUATION_BATCH;
    rows.push({
      condition: snr_db,
      values: counts.map(({ sum, squares }) => errorRate(sum, squares, draws, model.streams)),
    });
  }
  return {
    seed,
    tables: [
      {
        title: `Symbol error rate, ±1 over ${model.field === "real" ? "" : "the axes of "}${size(model)}`,
        condition: "SNR (dB)",
        columns,
        rows,
      },
    ],
    targets: requirements.flatMap((requirement) => {
      const row = rows.find(({ condition }) => condition === requirement.snr_db);
      return row === undefined ? [] : targets(name, requirement, row.values[0]!, row.values[3]!);
    }),
  };
}

function size({ streams, observations, field }: RealValuedModel): string {
  return field === "real"
    ? `${streams}×${observations} real channels`
    : `${streams / 2}×${observations / 2} complex channels`;
}

/** Rate of errors with the interval that their spread over draws gives, and how many there were. */
function errorRate(sum: number, squares: number, draws: number, streams: number): Measured {
  return { ...meanOfShares(sum / streams, squares / streams ** 2, draws), count: sum };
}

function targets(
  name: string,
  { snr_db, published, belowMmseSic }: DetectionRequirement,
  measured: Measured,
  sic: Measured,
): EvaluationTarget[] {
  const found: EvaluationTarget[] = [];
  if (belowMmseSic)
    found.push({
      name: `${name} below MMSE-SIC at ${snr_db} dB`,
      measured,
      required: `< ${sic.value.toExponential(2)}`,
      isMet: measured.value < sic.value,
    });
  if (published !== undefined) {
    const limit = published.rate * published.factor;
    found.push({
      name: `${name} within ${published.factor}× of the published rate at ${snr_db} dB`,
      measured,
      required: `≤ ${limit.toExponential(2)}`,
      isMet: measured.value <= limit,
    });
  }
  return found;
}
