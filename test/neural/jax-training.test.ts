import { grad, numpy as np } from "@jax-js/jax";
import { expect, it } from "vitest";
import { type OnnxModel, onnxModel } from "../../src/neural/graph/graph.js";
import { float32Tensor, type Tensor } from "../../src/neural/graph/tensor.js";
import { networkBuilder } from "../../src/neural/network/builder.js";
import { dense } from "../../src/neural/network/layers.js";
import { meanSquaredError } from "../../src/neural/training/losses.js";
import { learningRateAt } from "../../src/neural/training/schedule.js";
import type { ScheduleSpecification } from "../../src/neural/training/specification.js";
import { openTrainingSession } from "../../src/neural/training/training-session.js";
import { createRandom } from "../../src/system/index.js";

const seed = 51;
const steps = 40;
const batch = 16;
const schedule: ScheduleSpecification = { learningRate: 0.02, warmupSteps: 5, decay: { kind: "cosine" } };

function network(): OnnxModel {
  const random = createRandom(seed);
  const builder = networkBuilder("dense");
  const x = builder.input("x", "float32", ["batch", 4]);
  const hidden = dense(builder, random, x, { units: 8, activation: "tanh", name: "first" });
  builder.output("y", dense(builder, random, hidden, { units: 3, name: "second" }), ["batch", 3]);
  return onnxModel(builder.graph());
}

/** Batches of a function that the network cannot quite learn. */
function batches(): { x: Tensor<"float32">; target: Tensor<"float32"> }[] {
  const random = createRandom(seed + 1);
  return Array.from({ length: steps }, () => {
    const x = Array.from({ length: 4 * batch }, () => random.gaussian());
    const target = Array.from({ length: batch }, (_, row) => {
      const [a, b, c, d] = x.slice(4 * row, 4 * row + 4) as [number, number, number, number];
      return [a * b, Math.abs(c), Math.sin(3 * d)];
    });
    return { x: float32Tensor(x, [batch, 4]), target: float32Tensor(target.flat(), [batch, 3]) };
  });
}

const names = ["first.weight", "first.bias", "second.weight", "second.bias"];

/** The parameters after all steps: gradients by jax-js, Adam with clipping (Kingma and Ba 2015) in double precision. */
async function byJax(model: OnnxModel, clipNorm: number): Promise<number[][]> {
  const shapes = names.map((name) => [...model.graph.initializers.get(name)!.shape]);
  let parameters = names.map((name) => Array.from(model.graph.initializers.get(name)!.data, Number));
  let means = parameters.map((values) => values.map(() => 0));
  let variances = means;
  for (const [step, { x, target }] of batches().entries()) {
    const loss = (arrays: Record<string, np.Array>): np.Array => {
      const hidden = np.tanh(np.dot(np.array(x.data).reshape([batch, 4]), arrays.w1!).add(arrays.b1!));
      const difference = np
        .dot(hidden, arrays.w2!)
        .add(arrays.b2!)
        .sub(np.array(target.data).reshape([batch, 3]));
      return np.mean(difference.ref.mul(difference));
    };
    const arrays = Object.fromEntries(
      ["w1", "b1", "w2", "b2"].map((name, at) => [
        name,
        np.array(Float32Array.from(parameters[at]!)).reshape(shapes[at]!),
      ]),
    );
    const slopes = grad(loss)(arrays) as Record<string, np.Array>;
    const gradients: number[][] = [];
    for (const name of ["w1", "b1", "w2", "b2"]) gradients.push([...(await slopes[name]!.data())]);
    const norm = Math.hypot(...gradients.flat());
    const share = Math.min(1, clipNorm / norm);
    const g = gradients.map((values) => values.map((value) => share * value));
    means = means.map((values, p) => values.map((m, i) => 0.9 * m + 0.1 * g[p]![i]!));
    variances = variances.map((values, p) => values.map((v, i) => 0.999 * v + 0.001 * g[p]![i]! ** 2));
    const rate = learningRateAt(schedule, step, steps);
    const [biasOfMean, biasOfVariance] = [1 - 0.9 ** (step + 1), 1 - 0.999 ** (step + 1)];
    parameters = parameters.map((values, p) =>
      values.map(
        (value, i) =>
          value -
          (rate * (means[p]![i]! / biasOfMean)) / (Math.sqrt(variances[p]![i]! / biasOfVariance) + 1e-8),
      ),
    );
  }
  return parameters;
}

it("trains a dense network as jax-js's gradients and Adam's formulas do", async () => {
  const model = network();
  const clipNorm = 0.6;
  const expected = await byJax(model, clipNorm);
  const session = openTrainingSession(model, {
    targets: { target: { elementType: "float32", shape: ["batch", 3] } },
    loss: (builder, { y, target }) => meanSquaredError(builder, y!, target!),
    optimizer: { kind: "adam" },
    clipNorm,
  });
  for (const [step, given] of batches().entries())
    await session.step(given, learningRateAt(schedule, step, steps));
  const parameters = session.parameters();
  await session.release();
  names.forEach((name, at) => {
    const numbers = ({ data }: Tensor): number[] => Array.from(data as Float32Array);
    const [before, after] = [numbers(model.graph.initializers.get(name)!), numbers(parameters[name]!)];
    expected[at]!.forEach((value, index) => {
      // The way that it went is hundreds of times as long as what the two may differ by.
      expect(Math.abs(after[index]! - value), `${name} ${index}`).toBeLessThan(1e-4);
    });
    const moved = after.map((value, index) => Math.abs(value - before[index]!));
    expect(Math.max(...moved)).toBeGreaterThan(0.1);
  });
});
