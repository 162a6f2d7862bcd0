import { onnxruntime } from "../../../neural/engines/onnxruntime/engine.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import type { LearnedSystem } from "../../../neural/learned-system.js";
import { builtInModel } from "../../../neural/models/built-in.js";
import { softmaxCrossEntropy } from "../../../neural/training/losses.js";
import { CHANNEL_USES, MESSAGES, WINDOW_MESSAGES, WINDOW_SAMPLES, WINDOW_SYMBOLS } from "./burst.js";
import { overTheAirDataset } from "./dataset.js";
import { EVALUATION_BATCH, evaluateOverTheAir } from "./evaluation.js";
import { CONSTELLATION, createOverTheAirLink, receiverOf } from "./network.js";
import { recordedDataset } from "./recorded-dataset.js";
import { radioImpairments } from "./recording.js";

const LINK = "over-the-air-link";

const scores = {
  name: "scores",
  type: { elementType: "float32", shape: ["batch", MESSAGES] },
  meaning: "logit of each message in the middle of the window",
} as const;

const received = {
  name: "received",
  type: { elementType: "float32", shape: ["batch", WINDOW_SAMPLES, 2] },
  meaning: "samples of a window, real and imaginary part",
} as const;

/** Phase one: transmitter and receiver are trained as one, over air as it is expected. */
export const overTheAirLink: LearnedSystem = {
  name: LINK,
  implements: "link",
  summary:
    "over-the-air autoencoder (Dörner, Cammerer, Hoydis, ten Brink 2018), phase one: 8 bits in 4 channel uses between unsynchronized radios",
  ports: {
    inputs: [
      {
        name: "messages",
        type: { elementType: "float32", shape: ["batch", WINDOW_MESSAGES, MESSAGES] },
        meaning: "messages of a window, one-hot",
      },
      {
        name: "pulses",
        type: { elementType: "float32", shape: ["batch", WINDOW_SAMPLES, WINDOW_SYMBOLS] },
        meaning: "what each channel use gives each sample",
      },
      {
        name: "turn",
        type: { elementType: "float32", shape: ["batch", WINDOW_SAMPLES, 2] },
        meaning: "cosine and sine by which a sample is turned",
      },
      {
        name: "noise",
        type: { elementType: "float32", shape: ["batch", WINDOW_SAMPLES, 2] },
        meaning: "what the channel adds, real and imaginary part",
      },
    ],
    outputs: [received, scores],
  },
  create: createOverTheAirLink,
  minutes: 5,
  training: {
    dataset: overTheAirDataset({ ebn0_db: [6, 14] }),
    targets: { decided: { elementType: "float32", shape: ["batch", MESSAGES] } },
    loss: (builder, values) => softmaxCrossEntropy(builder, values.scores!, values.decided!),
    optimizer: { kind: "adam" },
    schedule: { learningRate: 2e-3, decay: { kind: "cosine" } },
    clipNorm: 1,
    steps: 12_000,
    batch: 512,
    shards: 2,
  },
  async evaluate(model, options) {
    const receiver = await onnxruntime.instantiate(receiverOf(model), {
      dimensions: { batch: EVALUATION_BATCH },
    });
    try {
      return await evaluateOverTheAir(
        signalsOf(model),
        { autoencoder: receiver },
        undefined,
        () => [],
        options,
      );
    } finally {
      await receiver.release();
    }
  },
};

/** Phase two: the transmitter stays, its receiver is tuned to what real radios do. */
export const overTheAirReceiver: LearnedSystem = {
  name: "over-the-air-receiver",
  implements: "link",
  summary:
    "receiver of the over-the-air autoencoder, phase two: tuned to recordings of impaired radios while the transmitter stays",
  ports: { inputs: [received], outputs: [scores] },
  create: () => receiverOf(builtInModel(LINK).onnx),
  minutes: 5,
  get training() {
    return {
      dataset: recordedDataset({ signals: signalsOf(builtInModel(LINK).onnx), ebn0_db: [6, 14] as const }),
      targets: { decided: { elementType: "float32", shape: ["batch", MESSAGES] } },
      loss: overTheAirLink.training.loss,
      optimizer: { kind: "adam" },
      schedule: { learningRate: 1e-3, decay: { kind: "cosine" } },
      clipNorm: 1,
      steps: 12_000,
      batch: 512,
      shards: 2,
    } as const;
  },
  async evaluate(model, options) {
    const link = builtInModel(LINK).onnx;
    const dimensions = { batch: EVALUATION_BATCH };
    const before = await onnxruntime.instantiate(receiverOf(link), { dimensions });
    const after = await onnxruntime.instantiate(model, { dimensions });
    try {
      return await evaluateOverTheAir(
        signalsOf(link),
        { "after phase two": after, "after phase one": before },
        radioImpairments,
        (rows) =>
          rows.map(({ condition, values: [tuned, untuned] }) => ({
            name: `phase two lowers block errors at ${condition} dB`,
            measured: tuned!,
            required: `below ${untuned!.value.toExponential(2)}, intervals apart`,
            isMet: tuned!.interval![1] < untuned!.interval![0],
          })),
        options,
      );
    } finally {
      await before.release();
      await after.release();
    }
  },
};

/** Re and im of each message's channel uses as the transmitter of a trained link sends them. */
function signalsOf(link: OnnxModel): number[] {
  const parameters = link.graph.initializers.get(CONSTELLATION)!.data as Float32Array;
  const numbers = 2 * CHANNEL_USES;
  return Array.from({ length: MESSAGES }, (_, message) => {
    const row = parameters.subarray(message * numbers, (message + 1) * numbers);
    const scale = Math.sqrt(CHANNEL_USES) / Math.hypot(...row);
    return Array.from(row, (part) => scale * part);
  }).flat();
}
