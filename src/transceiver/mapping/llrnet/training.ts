import { binaryCrossEntropy } from "../../../neural/training/losses.js";
import type { TrainingSpecification } from "../../../neural/training/specification.js";
import type { SquareOrder } from "../axis-llr.js";
import type { SymbolsParameters } from "./dataset.js";

/** Es/N0 that a network is trained for, in dB: from where nearly nothing gets through to where max-log is exact. */
const RANGES: Readonly<Record<SquareOrder, readonly [lowest: number, highest: number]>> = {
  2: [-10, 14],
  4: [-4, 20],
  6: [0, 26],
  8: [4, 32],
};

const STEPS: Readonly<Record<SquareOrder, number>> = { 2: 2000, 4: 12_000, 6: 16_000, 8: 24_000 };

/**
 * How LLRnet of an order is trained: by binary cross entropy, which is what mutual information is lost by, not by the squared
 * error of the paper, for which what is certain anyway counts most.
 */
export function llrnetTraining(order: SquareOrder): TrainingSpecification {
  const [lowest_db, highest_db] = RANGES[order];
  const parameters: SymbolsParameters = { order, lowest_db, highest_db };
  return {
    dataset: { module: new URL("./dataset.js", import.meta.url), factory: "noisySymbols", parameters },
    targets: { ones: { elementType: "float32", shape: ["batch", order] } },
    loss: (builder, { llrs, ones }) => binaryCrossEntropy(builder, builder.add("Neg", [llrs!]), ones!),
    optimizer: { kind: "adam" },
    schedule: { learningRate: 0.01, decay: { kind: "cosine" } },
    steps: STEPS[order],
    batch: 512,
    shards: 2,
  };
}
