import type { Instance } from "../../../neural/engines/engine.js";
import type { EvaluateOptions, Evaluation } from "../../../neural/learned-system.js";
import { type Measured, proportion } from "../../../neural/measured.js";
import { createRandom } from "../../../system/index.js";
import { createLinkDataset } from "./dataset.js";
import { decideHard, decideSoft, LENGTH, MESSAGES, signals } from "./hamming.js";

/** Uses of the link that an instance for {@link evaluateLink} takes at once. */
export const EVALUATION_BATCH = 4000;

/** Up to which factor of maximum likelihood's rate the network's may lie, and at which Eb/N0. */
const FACTOR = 1.1;
const JUDGED_DB = [0, 1, 2, 3, 4, 5, 6];

/** Errors that maximum likelihood makes in a full evaluation at each Eb/N0: the factor is then known to about 5 %. */
const ERRORS = 4000;

/** Probability of a block error of Hamming (7,4) under maximum likelihood, from published curves, to plan draws by. */
const EXPECTED = [1.79e-1, 1.14e-1, 6.37e-2, 3.02e-2, 1.18e-2, 3.37e-3, 7.94e-4];

/**
 * Block error rates of the (7,4) autoencoder and of Hamming (7,4), soft and hard decided, under the same noise.
 * @param instance of the network, bound to {@link EVALUATION_BATCH}
 */
export async function evaluateLink(
  instance: Instance,
  { seed, effort, observe, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const shape = { bits: Math.log2(MESSAGES), channelUses: LENGTH };
  const batches = EXPECTED.map((rate) => Math.max(1, Math.ceil((effort * ERRORS) / rate / EVALUATION_BATCH)));
  const all = batches.reduce((sum, count) => sum + count, 0);
  const received = new Float64Array(LENGTH);
  let done = 0;
  const rows: { condition: number; values: readonly Measured[] }[] = [];
  for (const [index, ebn0_db] of JUDGED_DB.entries()) {
    const random = createRandom(seed).fork(ebn0_db);
    const dataset = createLinkDataset({ ...shape, ebn0_db });
    const errors = [0, 0, 0];
    for (let batch = 0; batch < batches[index]!; batch++) {
      signal?.throwIfAborted();
      const { message, noise } = dataset.batch(random, EVALUATION_BATCH);
      const { scores } = await instance.run({ message: message!, noise: noise! });
      for (let use = 0; use < EVALUATION_BATCH; use++) {
        const sent = use % MESSAGES;
        for (let k = 0; k < LENGTH; k++)
          received[k] = signals[sent]![k]! + (noise!.data[use * LENGTH + k] as number);
        const row = (scores!.data as Float32Array).subarray(use * MESSAGES, (use + 1) * MESSAGES);
        if (row.indexOf(Math.max(...row)) !== sent) errors[0]!++;
        if (decideSoft(received) !== sent) errors[1]!++;
        if (decideHard(received) !== sent) errors[2]!++;
      }
      observe?.(++done / all);
    }
    const uses = batches[index]! * EVALUATION_BATCH;
    rows.push({ condition: ebn0_db, values: errors.map((count) => proportion(count, uses)) });
  }
  return {
    seed,
    tables: [
      {
        title: "Block error rate, (7,4) over real channel uses in white noise",
        condition: "Eb/N0 (dB)",
        columns: ["autoencoder", "Hamming(7,4) maximum likelihood", "Hamming(7,4) hard"],
        rows,
      },
    ],
    targets: rows.map(({ condition, values: [network, soft] }) => ({
      name: `autoencoder at ${condition} dB`,
      measured: network!,
      required: `≤ ${FACTOR} × ${soft!.value.toExponential(2)}`,
      isMet: network!.value <= FACTOR * soft!.value,
    })),
  };
}
