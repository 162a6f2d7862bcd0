import { onnxruntime } from "../../../neural/engines/onnxruntime/engine.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import type { LearnedSystem } from "../../../neural/learned-system.js";
import type { ModelPort } from "../../../neural/models/port.js";
import type { Random } from "../../../system/index.js";
import { realValuedDataset } from "./dataset.js";
import {
  type DetectionPoint,
  type DetectionRequirement,
  EVALUATION_BATCH,
  evaluateDetection,
} from "./evaluation.js";
import { lastLayerLoss, layeredLoss } from "./layered-loss.js";
import type { RealValuedModel } from "./real-valued-model.js";

const meanings = {
  gram: "H'H of the real-valued channel H",
  matchedFilter: "H'y of the observations y",
  energy: "squared magnitude of the observations",
  noise: "variance of noise in each observation",
};

type DetectionInput = keyof typeof meanings;

function inputPort(name: DetectionInput, streams: number): ModelPort {
  const sizes = { gram: [streams, streams], matchedFilter: [streams], energy: [1], noise: [1] }[name];
  return { name, type: { elementType: "float32", shape: ["batch", ...sizes] }, meaning: meanings[name] };
}

/** What tells one learned detector from another. */
export interface DetectionSystem {
  readonly name: string;
  readonly summary: string;
  /** As tables name it. */
  readonly label: string;
  readonly problem: RealValuedModel;
  /** Of the tensors of the dataset, those that the network takes, in its order. */
  readonly inputs: readonly DetectionInput[];
  readonly layers: number;
  /** A network with the output `llrs` [batch, K], and `layers` [batch, layers, K] for training. */
  create(random: Random): OnnxModel;
  /** SNRs between which training draws, dB. */
  readonly snr_db: readonly [number, number];
  readonly learningRate: number;
  readonly steps: number;
  readonly minutes: number;
  readonly points: readonly DetectionPoint[];
  readonly requirements: readonly DetectionRequirement[];
}

/** Uses of the channel in a step of training. */
const BATCH = 1000;

/** A detector of ±1 over real-valued channels, trained on draws of them and judged beside ZF, MMSE, MMSE-SIC and K-best. */
export function detectionSystem(system: DetectionSystem): LearnedSystem {
  const { problem, create } = system;
  const { streams } = problem;
  return {
    name: system.name,
    implements: "equalization",
    summary: system.summary,
    ports: {
      inputs: system.inputs.map((name) => inputPort(name, streams)),
      outputs: [
        {
          name: "llrs",
          type: { elementType: "float32", shape: ["batch", streams] },
          meaning: "soft bit of each stream, sent as +1 for 0",
          llr: { positiveBit: 0, scale: 1 },
        },
        {
          name: "layers",
          type: { elementType: "float32", shape: ["batch", system.layers, streams] },
          meaning: "the same of every layer, for training",
          llr: { positiveBit: 0, scale: 1 },
        },
      ],
    },
    create,
    minutes: system.minutes,
    training: {
      dataset: realValuedDataset({ ...problem, snr_db: system.snr_db, inputs: system.inputs }),
      targets: { bits: { elementType: "float32", shape: ["batch", streams] } },
      loss: layeredLoss,
      metrics: { lastLayer: lastLayerLoss },
      optimizer: { kind: "adam" },
      schedule: { learningRate: system.learningRate, decay: { kind: "cosine" } },
      clipNorm: 1,
      steps: system.steps,
      batch: BATCH,
      shards: 2,
    },
    async evaluate(model, options) {
      const instance = await onnxruntime.instantiate(model, { dimensions: { batch: EVALUATION_BATCH } });
      try {
        const { label, points, requirements } = system;
        return await evaluateDetection(label, problem, instance, points, requirements, options);
      } finally {
        await instance.release();
      }
    },
  };
}
