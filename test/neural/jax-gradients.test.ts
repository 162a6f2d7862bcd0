import { grad, lax, nn, numpy as np } from "@jax-js/jax";
import { describe, expect, it } from "vitest";
import { openSession } from "../../src/neural/engines/onnxruntime/session.js";
import { differentiate } from "../../src/neural/gradients/differentiate.js";
import { float, int, ints, onnxModel, type ValueName } from "../../src/neural/graph/graph.js";
import { elementCount, float32Tensor, int64Tensor, type Tensor } from "../../src/neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../src/neural/network/builder.js";
import { averaged, reshaped } from "../../src/neural/network/expressions.js";
import { writeOnnx } from "../../src/neural/onnx/index.js";
import { createRandom } from "../../src/system/index.js";

type Shapes = Readonly<Record<string, readonly number[]>>;
type Arrays = Record<string, np.Array>;

const BATCH = 6;
const CLASSES = 4;
const random = createRandom(20);

/** Inputs and parameters: normal numbers, of such size that no activation saturates. */
function drawn(shapes: Shapes): Record<string, Tensor<"float32">> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const numbers = Array.from({ length: elementCount(shape) }, () => 0.4 * random.gaussian());
      return [name, float32Tensor(numbers, shape)];
    }),
  );
}

const labels = Array.from({ length: BATCH }, () => random.integer(CLASSES));

/** Gradients of the mean cross entropy to all values, as ONNX Runtime computes the graph that differentiate makes. */
async function ourGradients(
  values: Record<string, Tensor>,
  logits: (builder: NetworkBuilder) => ValueName,
): Promise<Record<string, Tensor>> {
  const builder = networkBuilder("network");
  for (const [name, { shape }] of Object.entries(values)) builder.input(name, "float32", shape);
  const loss = builder.add("SoftmaxCrossEntropyLoss", [
    logits(builder),
    builder.constant(int64Tensor(labels)),
  ]);
  const gradients = differentiate(builder, loss, Object.keys(values));
  for (const [name, gradient] of Object.entries(gradients)) builder.output(`to.${name}`, gradient);
  const session = await openSession(writeOnnx(onnxModel(builder.graph())));
  try {
    const results = await session.run(values);
    return Object.fromEntries(Object.keys(values).map((name) => [name, results[`to.${name}`]!]));
  } finally {
    await session.release();
  }
}

/** The same gradients by jax-js. */
async function theirGradients(
  values: Record<string, Tensor<"float32">>,
  logits: (arrays: Arrays) => np.Array,
): Promise<Record<string, Float32Array>> {
  const given = Object.fromEntries(
    Object.entries(values).map(([name, { data, shape }]) => [name, np.array(data).reshape([...shape])]),
  );
  const hits = np.array(
    labels.map((label) => Array.from({ length: CLASSES }, (_, index) => Number(index === label))),
  );
  const loss = (arrays: Arrays) => {
    const chosen = nn.logSoftmax(logits(arrays), -1).mul(hits);
    return chosen.sum().mul(-1 / BATCH);
  };
  const gradients = grad(loss)(given) as Arrays;
  const read = Object.entries(gradients).map(async ([name, array]) => [name, await array.data()] as const);
  return Object.fromEntries(await Promise.all(read)) as Record<string, Float32Array>;
}

async function compare(
  shapes: Shapes,
  ours: (builder: NetworkBuilder) => ValueName,
  theirs: (arrays: Arrays) => np.Array,
): Promise<void> {
  const values = drawn(shapes);
  const [one, other] = [await ourGradients(values, ours), await theirGradients(values, theirs)];
  for (const [name, shape] of Object.entries(shapes)) {
    const [mine, judge] = [one[name]!.data as Float32Array, other[name]!];
    expect(one[name]!.shape).toEqual(shape);
    expect(judge.length, name).toBe(mine.length);
    const largest = judge.reduce((all, value) => Math.max(all, Math.abs(value)), 0);
    expect(largest, `largest gradient to ${name}`).toBeGreaterThan(1e-4);
    const error = mine.reduce((all, value, at) => Math.max(all, Math.abs(value - judge[at]!)), 0);
    expect(error / largest, `difference of the gradient to ${name}`).toBeLessThan(1e-4);
  }
}

describe("gradients of whole networks agree with those of jax-js", () => {
  it("for dense layers with a layer normalization", () =>
    compare(
      {
        x: [BATCH, 10],
        weight1: [10, 16],
        bias1: [16],
        scale: [16],
        shift: [16],
        weight2: [16, 12],
        bias2: [12],
        weight3: [12, CLASSES],
        bias3: [CLASSES],
      },
      (builder) => {
        const dense = (x: ValueName, weight: string, bias: string) =>
          builder.add("Add", [builder.add("MatMul", [x, weight]), bias]);
        const first = builder.add("Relu", [dense("x", "weight1", "bias1")]);
        const normal = builder.add("LayerNormalization", [first, "scale", "shift"], { epsilon: float(0.01) });
        const second = builder.add("Tanh", [dense(normal, "weight2", "bias2")]);
        return builder.add("Gemm", [second, "weight3", "bias3"]);
      },
      ({ x, weight1, bias1, scale, shift, weight2, bias2, weight3, bias3 }) => {
        const first = nn.relu(np.dot(x!, weight1!).add(bias1!));
        const centered = first.ref.sub(np.mean(first, -1, { keepdims: true }));
        const variance = np.mean(centered.ref.mul(centered.ref), -1, { keepdims: true });
        const normal = centered
          .div(np.sqrt(variance.add(0.01)))
          .mul(scale!)
          .add(shift!);
        const second = np.tanh(np.dot(normal, weight2!).add(bias2!));
        return np.dot(second, weight3!).add(bias3!);
      },
    ));

  it("for convolutions: padded, dilated, depthwise, strided, with a residual", () =>
    compare(
      {
        x: [BATCH, 2, 9, 8],
        kernel1: [6, 2, 3, 3],
        bias1: [6],
        depthwise: [6, 1, 3, 3],
        pointwise: [6, 6, 1, 1],
        strided: [8, 6, 3, 3],
        weight: [8, CLASSES],
      },
      (builder) => {
        const first = builder.add("Relu", [
          builder.add("Conv", ["x", "kernel1", "bias1"], { pads: ints([1, 1, 1, 1]) }),
        ]);
        const spread = builder.add("Conv", [first, "depthwise"], {
          group: int(6),
          dilations: ints([2, 3]),
          pads: ints([2, 3, 2, 3]),
        });
        const mixed = builder.add("Conv", [spread, "pointwise"]);
        const residual = builder.add("Add", [first, builder.add("Sigmoid", [mixed])]);
        const small = builder.add("Conv", [residual, "strided"], {
          strides: ints([2, 2]),
          pads: ints([1, 1, 1, 1]),
        });
        const pooled = reshaped(builder, averaged(builder, builder.add("Tanh", [small]), [2, 3]), [BATCH, 8]);
        return builder.add("MatMul", [pooled, "weight"]);
      },
      ({ x, kernel1, bias1, depthwise, pointwise, strided, weight }) => {
        const one: [number, number] = [1, 1];
        const biased = lax.conv(x!, kernel1!, [1, 1], [one, one]).add(bias1!.reshape([1, 6, 1, 1]));
        const first = nn.relu(biased);
        const spread = lax.convGeneralDilated(
          first.ref,
          depthwise!,
          [1, 1],
          [
            [2, 2],
            [3, 3],
          ],
          { rhsDilation: [2, 3], featureGroupCount: 6 },
        );
        const mixed = lax.conv(spread, pointwise!, [1, 1], "VALID");
        const residual = first.add(nn.sigmoid(mixed));
        const small = lax.conv(residual, strided!, [2, 2], [one, one]);
        return np.dot(np.mean(np.tanh(small), [2, 3]), weight!);
      },
    ));
});
