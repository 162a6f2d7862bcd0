import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { openSession } from "../engines/onnxruntime/session.js";
import { differentiate } from "../gradients/differentiate.js";
import { onnxModel, type ValueName } from "../graph/graph.js";
import { float32Tensor, int64Tensor, type Tensor } from "../graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../network/builder.js";
import { writeOnnx } from "../onnx/index.js";
import {
  binaryCrossEntropy,
  bitErrorRate,
  classErrorRate,
  meanSquaredError,
  mixedLoss,
  softmaxCrossEntropy,
} from "./losses.js";

const seed = 5;
const random = createRandom(seed);
const gaussians = (count: number, scale = 1): number[] =>
  Array.from({ length: count }, () => Math.fround(scale * random.gaussian()));

type Loss = (builder: NetworkBuilder, values: Record<string, ValueName>) => ValueName;

/** The loss and its gradient to `wanted` in ONNX Runtime. */
async function computed(
  loss: Loss,
  inputs: Record<string, Tensor>,
  wanted?: string,
): Promise<{ loss: number; gradient: number[] }> {
  const builder = networkBuilder("loss");
  const names = Object.fromEntries(
    Object.entries(inputs).map(([name, { elementType, shape }]) => [
      name,
      builder.input(name, elementType, shape),
    ]),
  );
  const value = loss(builder, names);
  expect(builder.typeOf(value).shape).toEqual([]);
  builder.output("value", value);
  if (wanted !== undefined) builder.output("gradient", differentiate(builder, value, [wanted])[wanted]!);
  const session = await openSession(writeOnnx(onnxModel(builder.graph())));
  const outputs = await session.run(inputs);
  await session.release();
  return {
    loss: Number(outputs.value!.data[0]),
    gradient: Array.from((outputs.gradient?.data as Float32Array | undefined) ?? []),
  };
}

function expectAll(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, index) => {
    expect(Math.abs(value - expected[index]!), `element ${index}`).toBeLessThan(tolerance);
  });
}

describe("mean squared error", () => {
  it("is the mean over all elements, weighted if asked", async () => {
    const [x, y] = [gaussians(6), gaussians(6)];
    const weight = [0, 1, 2, 0, 0.5, 1];
    const inputs = { x: float32Tensor(x, [2, 3]), y: float32Tensor(y, [2, 3]) };
    const plain = await computed((builder, v) => meanSquaredError(builder, v.x!, v.y!), inputs, "x");
    const squares = x.map((value, i) => (value - y[i]!) ** 2);
    expect(plain.loss).toBeCloseTo(squares.reduce((a, b) => a + b) / 6, 6);
    expectAll(
      plain.gradient,
      x.map((value, i) => (2 * (value - y[i]!)) / 6),
      1e-6,
    );
    const weighted = await computed(
      (builder, v) => meanSquaredError(builder, v.x!, v.y!, v.weight!),
      { ...inputs, weight: float32Tensor(weight, [2, 3]) },
      "x",
    );
    expect(weighted.loss).toBeCloseTo(
      squares.reduce((sum, value, i) => sum + value * weight[i]!, 0) / 4.5,
      6,
    );
    expectAll(
      weighted.gradient,
      x.map((value, i) => (2 * (value - y[i]!) * weight[i]!) / 4.5),
      1e-6,
    );
  });
});

describe("binary cross entropy", () => {
  const loss: Loss = (builder, { z, t, w }) => binaryCrossEntropy(builder, z!, t!, w);

  it("is the negative logarithm of the probability of the target", async () => {
    const [z, t] = [gaussians(8, 3), [0, 1, 1, 0, 1, 0, 0.25, 1]];
    const { loss: value, gradient } = await computed(loss, { z: float32Tensor(z), t: float32Tensor(t) }, "z");
    const sigmoid = z.map((x) => 1 / (1 + Math.exp(-x)));
    const expected = sigmoid.map((p, i) => -t[i]! * Math.log(p) - (1 - t[i]!) * Math.log(1 - p));
    expect(value).toBeCloseTo(expected.reduce((a, b) => a + b) / 8, 6);
    expectAll(
      gradient,
      sigmoid.map((p, i) => (p - t[i]!) / 8),
      1e-6,
    );
  });

  it("is finite for logits of any size, and so is its gradient", async () => {
    const z = float32Tensor([1e4, -1e4, 1e4, -1e4, 0, 3e30]);
    const t = float32Tensor([1, 0, 0, 1, 1, 1]);
    const { loss: value, gradient } = await computed(loss, { z, t }, "z");
    expect(value).toBeCloseTo((2e4 + Math.LN2) / 6, 2);
    expectAll(gradient, [0, 0, 1 / 6, -1 / 6, -1 / 12, 0], 1e-6);
  });

  it("counts elements by their weight, and of no weight nothing", async () => {
    const z = float32Tensor([0, 5, -3]);
    const t = float32Tensor([0, 0, 0]);
    const one = await computed(loss, { z, t, w: float32Tensor([1, 0, 0]) }, "z");
    expect(one.loss).toBeCloseTo(Math.LN2, 6);
    expectAll(one.gradient, [0.5, 0, 0], 1e-6);
    const none = await computed(loss, { z, t, w: float32Tensor([0, 0, 0]) }, "z");
    expect(none).toEqual({ loss: 0, gradient: [0, 0, 0] });
    await expect(computed(loss, { z, t, w: float32Tensor([1]) })).rejects.toThrow(/weight of a loss/);
  });
});

describe("softmax cross entropy", () => {
  it("is that of the class, or of probabilities", async () => {
    const logits = gaussians(12, 4);
    const classes = [2, 0, 3];
    const rows = [0, 1, 2].map((row) => logits.slice(4 * row, 4 * row + 4));
    const probabilities = rows.map((row) => {
      const sum = row.reduce((total, x) => total + Math.exp(x), 0);
      return row.map((x) => Math.exp(x) / sum);
    });
    const expected = -classes.reduce((sum, c, row) => sum + Math.log(probabilities[row]![c]!), 0) / 3;
    const oneHot = classes.flatMap((c) => [0, 1, 2, 3].map((k) => (k === c ? 1 : 0)));
    const gradient = probabilities.flat().map((p, i) => (p - oneHot[i]!) / 3);
    const z = float32Tensor(logits, [3, 4]);
    const loss: Loss = (builder, v) => softmaxCrossEntropy(builder, v.z!, v.t!);
    for (const t of [int64Tensor(classes), float32Tensor(oneHot, [3, 4])]) {
      const found = await computed(loss, { z, t }, "z");
      expect(found.loss).toBeCloseTo(expected, 5);
      expectAll(found.gradient, gradient, 1e-6);
    }
  });
});

describe("metrics and mixtures", () => {
  it("mixes losses by weights", async () => {
    const x = float32Tensor([3, 4]);
    const zero = float32Tensor([0, 0]);
    const { loss } = await computed(
      (builder, v) => {
        const one = meanSquaredError(builder, v.x!, v.zero!);
        return mixedLoss(builder, [
          { weight: 1, loss: one },
          { weight: 0.5, loss: one },
          { weight: -2, loss: one },
        ]);
      },
      { x, zero },
    );
    expect(loss).toBeCloseTo(-0.5 * 12.5, 5);
    expect(() => mixedLoss(networkBuilder("none"), [])).toThrow(/at least one/);
  });

  it("counts bit and class errors", async () => {
    const bits = await computed((builder, v) => bitErrorRate(builder, v.z!, v.t!), {
      z: float32Tensor([2, -1, 0, 0.5, -3]),
      t: float32Tensor([1, 1, 0, 0, 0]),
    });
    expect(bits.loss).toBeCloseTo(2 / 5, 6);
    const classes = await computed((builder, v) => classErrorRate(builder, v.z!, v.t!), {
      z: float32Tensor([1, 2, 3, 3, 2, 1, 0, 5, 0, 0, 1, 0], [4, 3]),
      t: int64Tensor([2, 0, 0, 1]),
    });
    expect(classes.loss).toBeCloseTo(1 / 4, 6);
  });
});
