import { int, type ValueName } from "../../../neural/graph/graph.js";
import type { NetworkBuilder } from "../../../neural/network/builder.js";
import { binaryCrossEntropy, meanSquaredError, mixedLoss } from "../../../neural/training/losses.js";
import type { TrainingSpecification, TrainingValues } from "../../../neural/training/specification.js";
import { type DeeprxDatasetParameters, trainingDraws } from "./dataset.js";
import { DEEPRX_BITS, DEEPRX_SYMBOLS, GRID_PLANES } from "./features.js";
import { CHANNELS_OF_STAGES, DEEPRX_SIZE } from "./network.js";

/** Resource blocks of the slots that it is trained on. */
const BLOCKS = 6;

/** Share of the channels' mean squared error, over all stages, in the loss: it tells the early ones what they are for. */
const CHANNEL_WEIGHT = 0.3;

/** Binary cross entropy of the bits in use. */
function bitLoss(builder: NetworkBuilder, { llrs, signs }: TrainingValues): ValueName {
  const isUsed = builder.add("Abs", [signs!]);
  const isOne = builder.add("Relu", [builder.add("Neg", [signs!])]);
  return binaryCrossEntropy(builder, builder.add("Neg", [llrs!]), isOne, isUsed);
}

/** Steps of a batch of 32 slots, in 120 minutes on two processors of their own. */
const STEPS = 3000;

/** How the compact DeepRx is trained. */
export const deeprxTraining: TrainingSpecification = {
  dataset: {
    module: new URL("./dataset.js", import.meta.url),
    factory: "deeprxDataset",
    parameters: { blocks: BLOCKS, draws: trainingDraws } satisfies DeeprxDatasetParameters,
  },
  targets: {
    signs: { elementType: "float32", shape: ["batch", DEEPRX_BITS, DEEPRX_SYMBOLS, "subcarrier"] },
    channel: { elementType: "float32", shape: ["batch", GRID_PLANES, DEEPRX_SYMBOLS, "subcarrier"] },
  },
  loss(builder, values) {
    const stages = Array<ValueName>(DEEPRX_SIZE.iterations + 1).fill(values.channel!);
    const channels = builder.add("Concat", stages, { axis: int(1) });
    return mixedLoss(builder, [
      { weight: 1, loss: bitLoss(builder, values) },
      { weight: CHANNEL_WEIGHT, loss: meanSquaredError(builder, CHANNELS_OF_STAGES, channels) },
    ]);
  },
  metrics: { bits: bitLoss },
  optimizer: { kind: "adam", beta2: 0.99 },
  schedule: { learningRate: 1.5e-3, warmupSteps: 40, decay: { kind: "cosine", to: 0.03 } },
  clipNorm: 1,
  steps: STEPS,
  batch: 32,
  shards: 2,
};
