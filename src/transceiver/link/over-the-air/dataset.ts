import { z } from "zod";
import { tensor } from "../../../neural/graph/tensor.js";
import type { Dataset, DatasetReference } from "../../../neural/training/dataset.js";
import {
  drawAir,
  MESSAGES,
  noiseDeviation,
  PULSE_WEIGHTS,
  pulseWeightAt,
  pulseWeights,
  turns,
  WINDOW_MESSAGES,
  WINDOW_SAMPLES,
  WINDOW_SYMBOLS,
} from "./burst.js";

const parametersSchema = z.strictObject({
  /** Eb/N0 is drawn uniformly between these, in dB. */
  ebn0_db: z.tuple([z.number(), z.number()]).readonly(),
});

/** A reference to {@link createOverTheAirDataset} for worker threads. */
export function overTheAirDataset(parameters: z.output<typeof parametersSchema>): DatasetReference {
  return { module: new URL(import.meta.url), factory: "createOverTheAirDataset", parameters };
}

/**
 * Windows for phase one: `messages` [samples, 5, 256], one-hot; `pulses` [samples, 48, 20]; `turn` and `noise`
 * [samples, 48, 2]; the target `decided` [samples, 256], one-hot, is the message in the middle.
 */
export function createOverTheAirDataset(given: unknown): Dataset {
  const { ebn0_db } = parametersSchema.parse(given);
  const [lowest, highest] = ebn0_db;
  const weights = new Float64Array(PULSE_WEIGHTS);
  const air = { delay: 0, frequency: 0, drift: 0, phase: 0 };
  return {
    batch(random, samples) {
      const messages = tensor("float32", [samples, WINDOW_MESSAGES, MESSAGES]);
      const pulses = tensor("float32", [samples, WINDOW_SAMPLES, WINDOW_SYMBOLS]);
      const turn = tensor("float32", [samples, WINDOW_SAMPLES, 2]);
      const noise = tensor("float32", [samples, WINDOW_SAMPLES, 2]);
      const decided = tensor("float32", [samples, MESSAGES]);
      for (let window = 0; window < samples; window++) {
        for (let place = 0; place < WINDOW_MESSAGES; place++) {
          const message = random.integer(MESSAGES);
          messages.data[(window * WINDOW_MESSAGES + place) * MESSAGES + message] = 1;
          if (place === (WINDOW_MESSAGES - 1) / 2) decided.data[window * MESSAGES + message] = 1;
        }
        drawAir(random, air);
        pulseWeights(air.delay, weights);
        const deviation = noiseDeviation(lowest + (highest - lowest) * random.next());
        for (let sample = 0; sample < WINDOW_SAMPLES; sample++) {
          const row = window * WINDOW_SAMPLES + sample;
          for (let symbol = 0; symbol < WINDOW_SYMBOLS; symbol++)
            pulses.data[row * WINDOW_SYMBOLS + symbol] = weights[pulseWeightAt(sample, symbol)]!;
          const angle = 2 * Math.PI * turns(air, sample);
          turn.data[2 * row] = Math.cos(angle);
          turn.data[2 * row + 1] = Math.sin(angle);
          noise.data[2 * row] = deviation * random.gaussian();
          noise.data[2 * row + 1] = deviation * random.gaussian();
        }
      }
      return { messages, pulses, turn, noise, decided };
    },
  };
}
