import { InputError } from "../../errors.js";
import type { Random } from "../../system/index.js";
import { elementCount, float32Tensor, type Tensor } from "../graph/tensor.js";

/** How many numbers an element of a layer's output is made of, and how many it acts on. */
export interface Fans {
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * Names of the ways in which weights begin. `glorot` is uniform with the variance 2 / (inputs + outputs) (Glorot and
 * Bengio 2010), `he` normal with 2 / inputs (He et al. 2015), `truncated-normal` normal with 1 / inputs, without what lies
 * beyond two deviations.
 */
export const initializations = ["glorot", "he", "truncated-normal", "zeros"] as const;

export type Initialization = (typeof initializations)[number];

/** The most elements of a tensor of weights: 1 GiB. */
const mostWeights = 2 ** 28;

/** Standard deviation of a standard normal variable without what lies beyond 2 and -2. */
const CUT_DEVIATION = 0.8796256610342398;

/** Weights to begin with. @throws InputError for a shape of more than 2^28 elements. */
export function initialWeights(
  initialization: Initialization,
  random: Random,
  shape: readonly number[],
  fans: Fans,
): Tensor<"float32"> {
  const draw = drawer(initialization, random, fans);
  const count = elementCount(shape);
  if (!(count <= mostWeights))
    throw new InputError("shape of weights", shape, `give at most ${mostWeights} elements`);
  return float32Tensor(
    Float32Array.from({ length: count }, () => draw()),
    shape,
  );
}

/** Weights that are normal with the deviation, where a network has one of its own. */
export function gaussianWeights(
  random: Random,
  shape: readonly number[],
  deviation: number,
): Tensor<"float32"> {
  return float32Tensor(
    Float32Array.from({ length: elementCount(shape) }, () => deviation * random.gaussian()),
    shape,
  );
}

function drawer(initialization: Initialization, random: Random, { inputs, outputs }: Fans): () => number {
  switch (initialization) {
    case "glorot": {
      const limit = Math.sqrt(6 / (inputs + outputs));
      return () => limit * (2 * random.next() - 1);
    }
    case "he": {
      const deviation = Math.sqrt(2 / inputs);
      return () => deviation * random.gaussian();
    }
    case "truncated-normal": {
      const deviation = Math.sqrt(1 / inputs) / CUT_DEVIATION;
      return () => deviation * cutGaussian(random);
    }
    case "zeros":
      return () => 0;
  }
}

function cutGaussian(random: Random): number {
  for (;;) {
    const drawn = random.gaussian();
    if (Math.abs(drawn) <= 2) return drawn;
  }
}
