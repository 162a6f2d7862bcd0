import type { OnnxModel } from "../../../neural/graph/graph.js";
import { meanSquaredError } from "../../../neural/training/losses.js";
import type { TrainingSpecification } from "../../../neural/training/specification.js";
import { type TrainOptions, train } from "../../../neural/training/trainer.js";
import type { Random } from "../../../system/index.js";
import type { ArrayParameters } from "./array-dataset.js";
import {
  type ArrayVariant,
  type ArrayWeights,
  arrayNetwork,
  arrayWeights,
  initialArrayWeights,
} from "./array-network.js";
import { transformSize } from "./spatial-transform.js";

/** Antennas of the arrays that a network is trained for, one after the other; the last is what it is for. */
export const HIERARCHY: readonly number[] = [8, 16, 32, 64];

/** Paths of the channels. */
export const ARRAY_PATHS = 3;

const STEPS = 1000;
const LAST_STEPS = 6000;

/** Training for arrays of a size of the hierarchy. */
export function arrayTraining({ activation }: ArrayVariant, antennas: number): TrainingSpecification {
  const parameters: ArrayParameters = { antennas, paths: ARRAY_PATHS };
  const shape = ["batch", 1, 2 * antennas];
  return {
    dataset: {
      module: new URL("./array-dataset.js", import.meta.url),
      factory: "arrayObservations",
      parameters,
    },
    targets: { truth: { elementType: "float32", shape } },
    loss: (builder, { channels, truth }) => meanSquaredError(builder, channels!, truth!),
    optimizer: { kind: "adam" },
    schedule: {
      learningRate: activation === "softmax" ? 1e-2 : 1e-3,
      ...(antennas === HIERARCHY.at(-1) ? { decay: { kind: "cosine", from: 0.3 } as const } : {}),
    },
    steps: antennas === HIERARCHY.at(-1) ? LAST_STEPS : STEPS,
    batch: 100,
    shards: 2,
  };
}

/**
 * Kernels and biases for a larger array: interpolated around the circle of bins, kernels scaled so that sums over them stay.
 */
export function resizedWeights(variant: ArrayVariant, weights: ArrayWeights, antennas: number): ArrayWeights {
  const bins = transformSize(variant.transform, antennas);
  const [kernel1, bias1, kernel2, bias2] = weights.map((values) => interpolatedAround(values, bins));
  const scale = weights[0].length / bins;
  // The sum over the bins of a power goes with their number, that over weights which sum to 1 does not.
  const scaled = (values: Float64Array | undefined) => values!.map((value) => scale * value);
  return [scaled(kernel1), bias1!, scaled(kernel2), bias2!];
}

/** Cubic interpolation (Catmull and Rom) of values on a circle at `count` places. */
function interpolatedAround(values: Float64Array, count: number): Float64Array {
  const size = values.length;
  return Float64Array.from({ length: count }, (_, k) => {
    const place = (k * size) / count;
    const first = Math.floor(place);
    const t = place - first;
    const [a, b, c, d] = [-1, 0, 1, 2].map((step) => values[(first + step + size) % size]!) as [
      number,
      number,
      number,
      number,
    ];
    return b + (t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))) / 2;
  });
}

/** An untrained network of the first size of the hierarchy. */
function smallestArrayNetwork(variant: ArrayVariant, random: Random): OnnxModel {
  const antennas = HIERARCHY[0]!;
  return arrayNetwork(variant, antennas, initialArrayWeights(variant, antennas, random));
}

/** The network of a size of the hierarchy, its weights taken from a trained one of another size. */
function grownArrayNetwork(variant: ArrayVariant, model: OnnxModel, antennas: number): OnnxModel {
  return arrayNetwork(variant, antennas, resizedWeights(variant, arrayWeights(model), antennas));
}

/**
 * What the training for the largest arrays begins from: a network that was trained from the smallest arrays up. Few numbers
 * are learned from few, and what they are for small arrays is nearly what they are for larger ones.
 */
export async function trainHierarchy(
  variant: ArrayVariant,
  random: Random,
  { seed, threads, signal }: Pick<TrainOptions, "seed" | "threads" | "signal">,
): Promise<OnnxModel> {
  let model = smallestArrayNetwork(variant, random);
  for (const [index, antennas] of HIERARCHY.slice(0, -1).entries()) {
    const options = { seed, ...(threads !== undefined && { threads }), ...(signal && { signal }) };
    const { model: trained } = await train(model, arrayTraining(variant, antennas), options);
    model = grownArrayNetwork(variant, trained, HIERARCHY[index + 1]!);
  }
  return model;
}
