import { z } from "zod";
import { tensor } from "../../../neural/graph/tensor.js";
import type { Dataset, DatasetReference } from "../../../neural/training/dataset.js";
import type { Random } from "../../../system/index.js";
import { CHANNEL_USES, MESSAGES, WINDOW_MESSAGES, WINDOW_SAMPLES, WINDOW_SYMBOLS } from "./burst.js";
import { radioImpairments, recordWindow } from "./recording.js";

const parametersSchema = z.strictObject({
  /** Re and im of the channel uses of each message, scaled to power 1 a channel use: what the transmitter sends. */
  signals: z
    .array(z.number())
    .length(MESSAGES * 2 * CHANNEL_USES)
    .readonly(),
  /** Eb/N0 is drawn uniformly between these, in dB. */
  ebn0_db: z.tuple([z.number(), z.number()]).readonly(),
});

/** A reference to {@link createRecordedDataset} for worker threads. */
export function recordedDataset(parameters: z.output<typeof parametersSchema>): DatasetReference {
  return { module: new URL(import.meta.url), factory: "createRecordedDataset", parameters };
}

/**
 * Windows of known messages off a pair of impaired radios, for phase two: `received` [samples, 48, 2]; the target
 * `decided` [samples, 256], one-hot, is the message in the middle.
 */
export function createRecordedDataset(given: unknown): Dataset {
  const { signals, ebn0_db } = parametersSchema.parse(given);
  const [lowest, highest] = ebn0_db;
  const symbols = new Float64Array(2 * WINDOW_SYMBOLS);
  const air = { delay: 0, frequency: 0, drift: 0, phase: 0 };
  return {
    batch(random, samples) {
      const received = tensor("float32", [samples, WINDOW_SAMPLES, 2]);
      const decided = tensor("float32", [samples, MESSAGES]);
      for (let window = 0; window < samples; window++) {
        decided.data[window * MESSAGES + drawMessages(signals, random, symbols)] = 1;
        const row = received.data.subarray(2 * window * WINDOW_SAMPLES, 2 * (window + 1) * WINDOW_SAMPLES);
        recordWindow(
          symbols,
          lowest + (highest - lowest) * random.next(),
          radioImpairments,
          random,
          air,
          row,
        );
      }
      return { received, decided };
    },
  };
}

/** Draws the messages of a window, writes their channel uses, and returns the one in the middle. */
export function drawMessages(signals: ArrayLike<number>, random: Random, symbols: Float64Array): number {
  let middle = 0;
  const numbers = 2 * CHANNEL_USES;
  for (let place = 0; place < WINDOW_MESSAGES; place++) {
    const message = random.integer(MESSAGES);
    if (place === (WINDOW_MESSAGES - 1) / 2) middle = message;
    for (let i = 0; i < numbers; i++) symbols[place * numbers + i] = signals[message * numbers + i]!;
  }
  return middle;
}
