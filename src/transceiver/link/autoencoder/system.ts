import { onnxruntime } from "../../../neural/engines/onnxruntime/engine.js";
import type { LearnedSystem } from "../../../neural/learned-system.js";
import { softmaxCrossEntropy } from "../../../neural/training/losses.js";
import { linkDataset } from "./dataset.js";
import { EVALUATION_BATCH, evaluateLink } from "./evaluation.js";
import { createAutoencoder, type LinkShape } from "./network.js";

const shape: LinkShape = { bits: 4, channelUses: 7 };
const messages = 2 ** shape.bits;

/** The (7,4) autoencoder, to be judged beside Hamming (7,4). */
export const autoencoder: LearnedSystem = {
  name: "autoencoder-7-4",
  implements: "link",
  summary:
    "(7,4) autoencoder over white noise (O'Shea, Hoydis 2017): a transmitter and its receiver learned as one",
  ports: {
    inputs: [
      {
        name: "message",
        type: { elementType: "float32", shape: ["batch", messages] },
        meaning: "message, one-hot",
      },
      {
        name: "noise",
        type: { elementType: "float32", shape: ["batch", shape.channelUses] },
        meaning: "what the channel adds",
      },
    ],
    outputs: [
      {
        name: "signal",
        type: { elementType: "float32", shape: ["batch", shape.channelUses] },
        meaning: "real channel uses of mean power 1",
      },
      {
        name: "scores",
        type: { elementType: "float32", shape: ["batch", messages] },
        meaning: "logit of each message",
      },
    ],
  },
  create: (random) => createAutoencoder(shape, random),
  minutes: 5,
  training: {
    dataset: linkDataset({ ...shape, ebn0_db: 5 }),
    targets: {},
    loss: (builder, { scores, message }) => softmaxCrossEntropy(builder, scores!, message!),
    optimizer: { kind: "adam" },
    schedule: { learningRate: 1e-2, decay: { kind: "cosine" } },
    steps: 20_000,
    batch: 2048,
    shards: 2,
  },
  async evaluate(model, options) {
    const instance = await onnxruntime.instantiate(model, { dimensions: { batch: EVALUATION_BATCH } });
    try {
      return await evaluateLink(instance, options);
    } finally {
      await instance.release();
    }
  },
};
