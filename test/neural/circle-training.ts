import { type OnnxModel, onnxModel } from "../../src/neural/graph/graph.js";
import { float32Tensor } from "../../src/neural/graph/tensor.js";
import { networkBuilder } from "../../src/neural/network/builder.js";
import { binaryCrossEntropy, bitErrorRate } from "../../src/neural/training/losses.js";
import type { TrainingSpecification } from "../../src/neural/training/specification.js";
import { createRandom } from "../../src/system/index.js";

/** A perceptron of one hidden layer, normalized by the batch, that tells from a point of the plane the logit of its lying in the unit circle. */
export function circleNetwork(hidden: number, seed: number): OnnxModel {
  const random = createRandom(seed);
  const weights = (rows: number, columns: number) =>
    float32Tensor(
      Array.from({ length: rows * columns }, () => random.gaussian() / Math.sqrt(rows)),
      [rows, columns],
    );
  const builder = networkBuilder("circle");
  const points = builder.input("points", "float32", ["batch", 2]);
  const first = builder.add("Gemm", [
    points,
    builder.initializer("weight1", weights(2, hidden)),
    builder.initializer("bias1", float32Tensor(new Float32Array(hidden))),
  ]);
  const constant = (value: number) => float32Tensor(new Float32Array(hidden).fill(value));
  const normalized = builder.add("BatchNormalization", [
    first,
    builder.initializer("scale", constant(1)),
    builder.initializer("shift", constant(0)),
    builder.initializer("mean", constant(0)),
    builder.initializer("variance", constant(1)),
  ]);
  const second = builder.add("Gemm", [
    builder.add("Tanh", [normalized]),
    builder.initializer("weight2", weights(hidden, 1)),
    builder.initializer("bias2", float32Tensor([0])),
  ]);
  builder.output("logit", second, ["batch", 1]);
  return onnxModel(builder.graph());
}

/** How the circle's network is trained, with what a test changes. */
export function circleTraining(changes: Partial<TrainingSpecification> = {}): TrainingSpecification {
  return {
    dataset: {
      module: new URL("./noisy-circle.js", import.meta.url),
      factory: "noisyCircle",
      parameters: { noise: 0.05 },
    },
    targets: { inside: { elementType: "float32", shape: ["batch", 1] } },
    loss: (builder, { logit, inside }) => binaryCrossEntropy(builder, logit!, inside!),
    metrics: { errors: (builder, { logit, inside }) => bitErrorRate(builder, logit!, inside!) },
    optimizer: { kind: "adam" },
    schedule: { learningRate: 0.01 },
    steps: 600,
    batch: 128,
    shards: 1,
    ...changes,
  };
}
