import type { Instance } from "../../../neural/engines/engine.js";
import { tensor } from "../../../neural/graph/tensor.js";
import type { EvaluateOptions, Evaluation, EvaluationTarget } from "../../../neural/learned-system.js";
import { type Measured, proportion } from "../../../neural/measured.js";
import { createRandom } from "../../../system/index.js";
import { MESSAGES, WINDOW_SAMPLES, WINDOW_SYMBOLS } from "./burst.js";
import { differentialIsRight, drawDifferential } from "./differential.js";
import { drawMessages } from "./recorded-dataset.js";
import { type RadioImpairments, recordWindow } from "./recording.js";

/** Windows that an instance of a receiver takes at once in {@link evaluateOverTheAir}. */
export const EVALUATION_BATCH = 500;

const JUDGED_DB = [4, 6, 8, 10, 12, 14];
/** Windows at each Eb/N0 of a full evaluation. */
const WINDOWS = 40_000;

/** Receivers by the name of their column: each takes `received` and gives `scores`. */
export type Receivers = Readonly<Record<string, Instance>>;

/**
 * Block error rates of receivers on the same recordings of a transmitter's messages, and of differential QPSK through the
 * same air.
 * @param signals re and im of each message's channel uses
 * @param impairments of the radios; without them, the air of phase one
 * @param targets of the measured rows
 */
export async function evaluateOverTheAir(
  signals: ArrayLike<number>,
  receivers: Receivers,
  impairments: RadioImpairments | undefined,
  targets: (rows: readonly { condition: number; values: readonly Measured[] }[]) => EvaluationTarget[],
  { seed, effort, observe, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const batches = Math.max(1, Math.round((effort * WINDOWS) / EVALUATION_BATCH));
  const received = tensor("float32", [EVALUATION_BATCH, WINDOW_SAMPLES, 2]);
  const symbols = new Float64Array(2 * WINDOW_SYMBOLS);
  const quarters = new Uint8Array(WINDOW_SYMBOLS);
  const differential = new Float32Array(2 * WINDOW_SAMPLES);
  const air = { delay: 0, frequency: 0, drift: 0, phase: 0 };
  const names = Object.keys(receivers);
  const rows: { condition: number; values: readonly Measured[] }[] = [];
  let done = 0;
  for (const ebn0_db of JUDGED_DB) {
    const random = createRandom(seed).fork(ebn0_db);
    const errors = new Array<number>(names.length + 1).fill(0);
    for (let batch = 0; batch < batches; batch++) {
      signal?.throwIfAborted();
      const sent: number[] = [];
      for (let window = 0; window < EVALUATION_BATCH; window++) {
        sent.push(drawMessages(signals, random, symbols));
        const row = received.data.subarray(2 * window * WINDOW_SAMPLES, 2 * (window + 1) * WINDOW_SAMPLES);
        recordWindow(symbols, ebn0_db, impairments, random, air, row);
        drawDifferential(random, symbols, quarters);
        recordWindow(symbols, ebn0_db, impairments, random, air, differential);
        if (!differentialIsRight(differential, air.delay, quarters)) errors[names.length]!++;
      }
      for (const [index, instance] of Object.values(receivers).entries()) {
        const scores = (await instance.run({ received })).scores!.data as Float32Array;
        sent.forEach((message, window) => {
          if (best(scores, window * MESSAGES) !== message) errors[index]!++;
        });
      }
      observe?.(++done / (batches * JUDGED_DB.length));
    }
    rows.push({
      condition: ebn0_db,
      values: errors.map((count) => proportion(count, batches * EVALUATION_BATCH)),
    });
  }
  return {
    seed,
    tables: [
      {
        title: `Block error rate of 8 bits in 4 channel uses, ${impairments === undefined ? "the air that phase one trains for" : "radios with impairments that phase one has not seen"}`,
        condition: "Eb/N0 (dB)",
        columns: [...names, "DQPSK, timing known"],
        rows,
      },
    ],
    targets: targets(rows),
  };
}

function best(scores: Float32Array, from: number): number {
  let found = 0;
  for (let message = 1; message < MESSAGES; message++)
    if (scores[from + message]! > scores[from + found]!) found = message;
  return found;
}
