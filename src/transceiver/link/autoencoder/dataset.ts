import { z } from "zod";
import { tensor } from "../../../neural/graph/tensor.js";
import type { Dataset, DatasetReference } from "../../../neural/training/dataset.js";
import type { LinkShape } from "./network.js";

const parametersSchema = z.strictObject({
  bits: z.int().min(1).max(8),
  channelUses: z.int().min(1).max(64),
  /** Energy per bit over the spectral density of noise, dB. */
  ebn0_db: z.number(),
});

/** A reference to {@link createLinkDataset} for worker threads. */
export function linkDataset(parameters: z.output<typeof parametersSchema>): DatasetReference {
  return { module: new URL(import.meta.url), factory: "createLinkDataset", parameters };
}

/** Standard deviation of noise in a real channel use of power 1, for a link's rate. */
function noiseDeviation({ bits, channelUses }: LinkShape, ebn0_db: number): number {
  return Math.sqrt(channelUses / (2 * bits * 10 ** (ebn0_db / 10)));
}

/**
 * Uses of the link: `message` [samples, 2^bits], one-hot, all messages equally often in turn; `noise`
 * [samples, channelUses].
 */
export function createLinkDataset(given: unknown): Dataset {
  const { bits, channelUses, ebn0_db } = parametersSchema.parse(given);
  const messages = 2 ** bits;
  const deviation = noiseDeviation({ bits, channelUses }, ebn0_db);
  return {
    batch(random, samples) {
      const message = tensor("float32", [samples, messages]);
      const noise = tensor("float32", [samples, channelUses]);
      for (let sample = 0; sample < samples; sample++)
        message.data[sample * messages + (sample % messages)] = 1;
      for (let i = 0; i < noise.data.length; i++) noise.data[i] = deviation * random.gaussian();
      return { message, noise };
    },
  };
}
