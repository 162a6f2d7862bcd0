import type { OnnxModel } from "../../../neural/graph/graph.js";
import { interpret } from "../../../neural/interpreter/interpret.js";
import type { EvaluateOptions, Evaluation } from "../../../neural/learned-system.js";
import { type Measured, meanOfDraws } from "../../../neural/measured.js";
import { numeric } from "../../../neural/operators/numeric.js";
import { createRandom } from "../../../system/index.js";
import { arrayChannel } from "./array-channel.js";
import {
  type ArrayEstimator,
  circulantMaximumLikelihood,
  fastMmse,
  genieMmse,
  leastSquares,
  structuredMmse,
} from "./array-estimators.js";
import { ARRAY_PATHS, HIERARCHY } from "./hierarchy.js";
import { genieMatchingPursuit } from "./matching-pursuit.js";
import type { TransformKind } from "./spatial-transform.js";

/** Draws of a full evaluation. */
const DRAWS = 10_000;

/** Draws that a network takes at once. */
const BATCH = 250;

/** 0 dB. */
const SNR = 1;

/**
 * Judges a learned MMSE estimator of array channels beside its baselines, in double precision on the same draws: 64 antennas,
 * three paths, 0 dB.
 */
export async function evaluateArrayNetwork(
  transform: TransformKind,
  model: OnnxModel,
  { seed, effort, observe = () => {}, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const antennas = HIERARCHY.at(-1)!;
  const draws = BATCH * Math.max(1, Math.round((effort * DRAWS) / BATCH));
  const random = createRandom(seed);
  const prior = random.fork("prior");
  const baselines: Record<string, ArrayEstimator> = {
    LS: leastSquares,
    "OMP (genie)": genieMatchingPursuit(antennas),
    "fast MMSE": fastMmse(antennas, SNR),
    "circulant ML": circulantMaximumLikelihood(antennas, SNR),
    "circulant MMSE": structuredMmse("circulant", antennas, ARRAY_PATHS, SNR, prior),
    "Toeplitz MMSE": structuredMmse("toeplitz", antennas, ARRAY_PATHS, SNR, prior),
    "MMSE (genie)": genieMmse(SNR),
  };
  const names = [...Object.keys(baselines), "learned"];
  const learned = names.length - 1;
  const rival = names.indexOf(transform === "circulant" ? "circulant MMSE" : "Toeplitz MMSE");
  const sums = names.map(() => ({ sum: 0, squares: 0 }));
  /** Of the difference between the network's error and its rival's. */
  const difference = { sum: 0, squares: 0 };
  const channel = arrayChannel(antennas, ARRAY_PATHS);
  const vector = () => ({ re: new Float64Array(antennas), im: new Float64Array(antennas) });
  const [observation, estimate] = [vector(), vector()];
  const errors = names.map(() => new Float64Array(BATCH));
  const drawn = random.fork("draws");
  for (let first = 0; first < draws; first += BATCH) {
    signal?.throwIfAborted();
    await new Promise(setImmediate);
    const observations = new Float64Array(2 * antennas * BATCH);
    const truth = new Float64Array(2 * antennas * BATCH);
    for (let index = 0; index < BATCH; index++) {
      const draw = channel.draw(drawn);
      for (let m = 0; m < antennas; m++) {
        observation.re[m] = draw.re[m]! + Math.SQRT1_2 * drawn.gaussian();
        observation.im[m] = draw.im[m]! + Math.SQRT1_2 * drawn.gaussian();
      }
      const at = 2 * antennas * index;
      observations.set(observation.re, at);
      observations.set(observation.im, at + antennas);
      truth.set(draw.re, at);
      truth.set(draw.im, at + antennas);
      Object.values(baselines).forEach((estimator, column) => {
        estimator(observation, draw, estimate);
        let error = 0;
        for (let m = 0; m < antennas; m++)
          error += (estimate.re[m]! - draw.re[m]!) ** 2 + (estimate.im[m]! - draw.im[m]!) ** 2;
        errors[column]![index] = error / antennas;
      });
    }
    const { channels } = interpret(model, {
      observations: numeric("float32", [BATCH, 1, 2 * antennas], observations),
    });
    for (let index = 0; index < BATCH; index++) {
      let error = 0;
      for (let k = 2 * antennas * index; k < 2 * antennas * (index + 1); k++)
        error += (channels!.data[k]! - truth[k]!) ** 2;
      errors[learned]![index] = error / antennas;
      const own = errors[learned]![index]! - errors[rival]![index]!;
      difference.sum += own;
      difference.squares += own ** 2;
    }
    errors.forEach((of, column) => {
      for (const error of of) {
        sums[column]!.sum += error;
        sums[column]!.squares += error ** 2;
      }
    });
    observe((first + BATCH) / draws);
  }
  const values = sums.map(({ sum, squares }) => meanOfDraws(sum, squares, draws));
  const less = meanOfDraws(difference.sum, difference.squares, draws);
  return {
    seed,
    tables: [
      {
        title: `Mean squared error an antenna, ${antennas} antennas, ${ARRAY_PATHS} paths (${draws} draws, the same for all)`,
        condition: "SNR (dB)",
        columns: names,
        rows: [{ condition: 0, values }],
      },
    ],
    targets: [
      {
        name: `mean squared error less that of ${names[rival]}, relative to it`,
        measured: relativeTo(less, values[rival]!.value),
        required: "≤ 0",
        isMet: less.value <= 0,
      },
    ],
  };
}

function relativeTo({ value, interval, count }: Measured, reference: number): Measured {
  const [low, high] = interval!;
  return { value: value / reference, interval: [low / reference, high / reference], count: count! };
}
