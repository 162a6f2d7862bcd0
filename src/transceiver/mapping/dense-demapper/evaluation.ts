import { onnxruntime } from "../../../neural/engines/onnxruntime/engine.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import type { EvaluateOptions, Evaluation } from "../../../neural/learned-system.js";
import { type Measured, meanOfDraws } from "../../../neural/measured.js";
import { numericTensor, storedTensor } from "../../../neural/operators/numeric.js";
import { createRandom } from "../../../system/index.js";
import { symbolsOnly } from "./dataset.js";

const SNRS_DB = [4, 6, 8, 10, 12, 14, 16, 18];
const BATCH = 1000;
/** Symbols of a full evaluation at each SNR. */
const SYMBOLS = 200_000;

/**
 * Information that the soft bits of 16QAM keep of each bit, at most 1, beside log-MAP, which knows the noise: it is the best that can be
 * had, so that what is missing is what the network loses.
 */
export async function evaluateDemapper(
  model: OnnxModel,
  { seed, effort, observe, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const [input, output] = [model.graph.inputs[0]!, model.graph.outputs[0]!];
  const batch = input.type.shape[0]!;
  const instance = await onnxruntime.instantiate(model, {
    dimensions: typeof batch === "string" ? { [batch]: BATCH } : {},
  });
  const batches = Math.max(1, Math.round((effort * SYMBOLS) / BATCH));
  try {
    const rows: { condition: number; values: readonly Measured[] }[] = [];
    for (const [index, snr_db] of SNRS_DB.entries()) {
      const random = createRandom(seed).fork(snr_db);
      const dataset = symbolsOnly({ order: 4, lowest_db: snr_db, highest_db: snr_db });
      const [network, logMap] = [createMean(), createMean()];
      for (let done = 0; done < batches; done++) {
        signal?.throwIfAborted();
        const { y, ones } = dataset.batch(random, BATCH);
        const { elementType } = instance.inputs[input.name]!;
        const given = storedTensor({ ...numericTensor(y!), elementType: elementType as "float32" });
        const llrs = numericTensor((await instance.run({ [input.name]: given }))[output.name]!).data;
        for (let symbol = 0; symbol < BATCH; symbol++) {
          let [kept, most] = [0, 0];
          for (let bit = 4 * symbol; bit < 4 * symbol + 4; bit++) {
            const probability = Number(ones!.data[bit]);
            kept += information(probability, Number(llrs[bit]));
            most += information(probability, Math.log((1 - probability) / probability));
          }
          network.add(kept / 4);
          logMap.add(most / 4);
        }
        observe?.((index + (done + 1) / batches) / SNRS_DB.length);
      }
      rows.push({ condition: snr_db, values: [network.measured(), logMap.measured()] });
    }
    const title = "Information in the soft bits of 16QAM over white noise, bits a bit";
    const columns = ["network", "log-MAP, noise known"];
    return { seed, tables: [{ title, condition: "Es/N0 (dB)", columns, rows }], targets: [] };
  } finally {
    await instance.release();
  }
}

/** 1 less the cross entropy, in bits, of a bit that is 1 with a probability under a ratio log P(0)/P(1). */
function information(one: number, llr: number): number {
  const limited = Math.max(-1e3, Math.min(1e3, llr));
  const softplus = Math.log1p(Math.exp(-Math.abs(limited)));
  const [zero, isOne] = [softplus + Math.max(0, -limited), softplus + Math.max(0, limited)];
  return 1 - ((1 - one) * zero + one * isOne) / Math.LN2;
}

function createMean() {
  let [sum, squares, draws] = [0, 0, 0];
  return {
    add(value: number): void {
      sum += value;
      squares += value ** 2;
      draws++;
    },
    measured: (): Measured => meanOfDraws(sum, squares, draws),
  };
}
