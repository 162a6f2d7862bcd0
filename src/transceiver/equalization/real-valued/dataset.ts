import { z } from "zod";
import { tensor } from "../../../neural/graph/tensor.js";
import type { Dataset, DatasetReference } from "../../../neural/training/dataset.js";
import { createDraw, drawModel, type RealValuedModel } from "./real-valued-model.js";

const parametersSchema = z.strictObject({
  streams: z.int().min(1).max(64),
  observations: z.int().min(1).max(256),
  field: z.enum(["real", "complex"]),
  /** SNRs are drawn uniformly in linear scale between these, in dB. */
  snr_db: z.tuple([z.number(), z.number()]).readonly(),
  /** Tensors that the network takes. */
  inputs: z.array(z.enum(["gram", "matchedFilter", "energy", "noise"])).readonly(),
});

export type RealValuedDatasetParameters = z.output<typeof parametersSchema>;

/** A reference to {@link createRealValuedDataset} for worker threads. */
export function realValuedDataset(parameters: RealValuedDatasetParameters): DatasetReference {
  return { module: new URL(import.meta.url), factory: "createRealValuedDataset", parameters };
}

/**
 * Draws of the detection problem: `gram` H'H [samples, K, K], `matchedFilter` H'y [samples, K], `energy` ‖y‖² and
 * `noise` σ² [samples, 1], and the target `bits` [samples, K], 0 where +1 was sent.
 * @throws ZodError for parameters of another kind
 */
export function createRealValuedDataset(given: unknown): Dataset {
  const parameters = parametersSchema.parse(given);
  const [lowest, highest] = parameters.snr_db.map((snr) => 10 ** (snr / 10)) as [number, number];
  const draw = createDraw(parameters);
  return {
    batch(random, samples) {
      const tensors = detectionTensors(parameters, samples);
      for (let sample = 0; sample < samples; sample++) {
        drawModel(parameters, lowest + (highest - lowest) * random.next(), random, draw);
        tensors.put(sample, draw);
      }
      return Object.fromEntries(
        [...parameters.inputs, "bits" as const].map((name) => [name, tensors.named[name]]),
      );
    },
  };
}

/** Tensors of `samples` draws, and what puts a draw into them. */
export function detectionTensors({ streams }: RealValuedModel, samples: number) {
  const named = {
    gram: tensor("float32", [samples, streams, streams]),
    matchedFilter: tensor("float32", [samples, streams]),
    energy: tensor("float32", [samples, 1]),
    noise: tensor("float32", [samples, 1]),
    bits: tensor("float32", [samples, streams]),
  };
  return {
    named,
    put(sample: number, { gram, matchedFilter, energy, noise, sent }: ReturnType<typeof createDraw>): void {
      named.gram.data.set(gram, sample * streams * streams);
      named.matchedFilter.data.set(matchedFilter, sample * streams);
      named.energy.data[sample] = energy;
      named.noise.data[sample] = noise;
      for (let k = 0; k < streams; k++) named.bits.data[sample * streams + k] = sent[k]! < 0 ? 1 : 0;
    },
  };
}
