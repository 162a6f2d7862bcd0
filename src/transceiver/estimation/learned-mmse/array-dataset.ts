import { float32Tensor } from "../../../neural/graph/tensor.js";
import type { Dataset } from "../../../neural/training/dataset.js";
import { arrayChannel } from "./array-channel.js";

/** What observations are drawn from. */
export interface ArrayParameters {
  readonly antennas: number;
  readonly paths: number;
}

/** Channels of the array model, each with an observation under noise of variance 1: 0 dB. One snapshot. */
export function arrayObservations({ antennas, paths }: ArrayParameters): Dataset {
  const channel = arrayChannel(antennas, paths);
  return {
    batch(random, samples) {
      const observations = new Float32Array(2 * antennas * samples);
      const truth = new Float32Array(2 * antennas * samples);
      for (let sample = 0; sample < samples; sample++) {
        const { re, im } = channel.draw(random);
        const at = 2 * antennas * sample;
        truth.set(re, at);
        truth.set(im, at + antennas);
        for (let k = at; k < at + 2 * antennas; k++)
          observations[k] = truth[k]! + Math.SQRT1_2 * random.gaussian();
      }
      return {
        observations: float32Tensor(observations, [samples, 1, 2 * antennas]),
        truth: float32Tensor(truth, [samples, 1, 2 * antennas]),
      };
    },
  };
}
