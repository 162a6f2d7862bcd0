import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { type OnnxModel, onnxModel } from "../graph/graph.js";
import { float32Tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";
import { meanSquaredError } from "./losses.js";
import type { TrainingSpecification } from "./specification.js";
import { train } from "./trainer.js";

const seed = 7;

function network(hidden: number): OnnxModel {
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
  const second = builder.add("Gemm", [
    builder.add("Tanh", [first]),
    builder.initializer("weight2", weights(hidden, 1)),
    builder.initializer("bias2", float32Tensor([0])),
  ]);
  builder.output("probability", builder.add("Sigmoid", [second]), ["batch", 1]);
  return onnxModel(builder.graph());
}

const specification: TrainingSpecification = {
  dataset: {
    module: new URL("../../../test/neural/noisy-circle.js", import.meta.url),
    factory: "noisyCircle",
    parameters: { noise: 0.05 },
  },
  targets: { inside: { elementType: "float32", shape: ["batch", 1] } },
  loss: (builder, { probability, inside }) => meanSquaredError(builder, probability!, inside!),
  optimizer: { kind: "adam" },
  schedule: { learningRate: 0.01 },
  steps: 600,
  batch: 128,
  shards: 1,
};

describe("train", () => {
  it("learns what a network can represent", async () => {
    const result = await train(network(16), specification, { seed });
    expect(result.end).toBe("steps");
    expect(result.curve.points[0]!.loss).toBeGreaterThan(0.2);
    // Deciding right but for the noise at the circle's edge.
    expect(result.curve.points.at(-1)!.loss).toBeLessThan(0.04);
  });

  it("gives the same bits with any number of threads", async () => {
    const sharded = { ...specification, shards: 4, steps: 50 };
    const [one, two] = [
      await train(network(16), sharded, { seed, threads: 1 }),
      await train(network(16), sharded, { seed, threads: 2 }),
    ];
    expect(two.last).toEqual(one.last);
    expect(two.curve).toEqual(one.curve);
  });
});
