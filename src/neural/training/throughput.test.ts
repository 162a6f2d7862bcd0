import { expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { onnxModel } from "../graph/graph.js";
import { float32Tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";
import { dense } from "../network/layers.js";
import { meanSquaredError } from "./losses.js";
import { measureTraining, runtimeCeilings } from "./throughput.js";

it("counts the products of a dense network forward and backward", async () => {
  const random = createRandom(1);
  const builder = networkBuilder("dense");
  const x = builder.input("x", "float32", ["batch", 3]);
  const hidden = dense(builder, random, x, { units: 16, activation: "tanh" });
  builder.output("y", dense(builder, random, hidden, { units: 5 }), ["batch", 5]);
  const batch = {
    x: float32Tensor(new Float32Array(60), [20, 3]),
    t: float32Tensor(new Float32Array(100), [20, 5]),
  };
  const measured = await measureTraining(
    onnxModel(builder.graph()),
    {
      targets: { t: { elementType: "float32", shape: ["batch", 5] } },
      loss: (graph, { y, t }) => meanSquaredError(graph, y!, t!),
      optimizer: { kind: "sgd" },
    },
    batch,
    0.05,
  );
  // Each layer forward and to its weights, and the second to its input, which the first does not need.
  expect(measured.flopsPerSample).toBe(2 * (2 * (3 * 16 + 16 * 5) + 16 * 5));
  expect(measured.steps).toBeGreaterThanOrEqual(5);
  expect(measured.gigaflops).toBeCloseTo((measured.flopsPerSample * measured.samplesPerSecond) / 1e9, 9);
  expect(measured.samplesPerSecond).toBeCloseTo((1000 * 20) / measured.step_ms, 6);
});

it("measures what ONNX Runtime reaches", async () => {
  const { product, convolution } = await runtimeCeilings(0.05);
  // Any processor of this century, and none of the next.
  for (const rate of [product, convolution]) {
    expect(rate).toBeGreaterThan(0.1);
    expect(rate).toBeLessThan(1e5);
  }
});
