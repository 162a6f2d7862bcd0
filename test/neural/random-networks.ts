import { expect } from "vitest";
import type { NamedTensors } from "../../src/neural/engines/engine.js";
import {
  float,
  int,
  ints,
  type OnnxModel,
  onnxModel,
  string,
  type ValueName,
} from "../../src/neural/graph/graph.js";
import { elementCount, float32Tensor, int64Tensor, type Tensor } from "../../src/neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../src/neural/network/builder.js";
import { numericTensor } from "../../src/neural/operators/numeric.js";
import type { Random } from "../../src/system/index.js";

/** Normal numbers. */
export const normal = (random: Random, shape: readonly number[], scale = 1): Tensor<"float32"> =>
  float32Tensor(
    Float32Array.from({ length: elementCount(shape) }, () => scale * random.gaussian()),
    shape,
  );

/** The largest difference over the largest number of the reference. */
export function disagreement(
  made: NamedTensors,
  reference: Readonly<Record<string, { data: ArrayLike<number> }>>,
): number {
  let worst = 0;
  for (const [name, { data }] of Object.entries(reference)) {
    const own = numericTensor(made[name]!).data;
    expect(own.length).toBe(data.length);
    const largest = Math.max(1e-3, ...Array.from(data, Math.abs));
    for (let k = 0; k < own.length; k++) {
      if (Number.isNaN(data[k])) expect(own[k]).toBeNaN();
      else worst = Math.max(worst, Math.abs(own[k]! - data[k]!) / largest);
    }
  }
  return worst;
}

export type Layer = (builder: NetworkBuilder, value: ValueName, random: Random) => ValueName;

const size = (random: Random, most: number) => 1 + random.integer(most);
const featuresOf = (builder: NetworkBuilder, value: ValueName) => builder.typeOf(value).shape[1]!;
const plain =
  (operator: string): Layer =>
  (builder, value) =>
    builder.add(operator, [value]);

/** Layers of values [batch, features]. */
export const layers: Readonly<Record<string, Layer>> = {
  dense(builder, value, random) {
    const [inputs, outputs] = [featuresOf(builder, value), size(random, 20)];
    return builder.add("Gemm", [
      value,
      builder.constant(normal(random, [inputs, outputs], 1 / Math.sqrt(inputs))),
      builder.constant(normal(random, [outputs])),
    ]);
  },
  transposedDense(builder, value, random) {
    const [inputs, outputs] = [featuresOf(builder, value), size(random, 12)];
    const weights = builder.constant(normal(random, [outputs, inputs]));
    return builder.add("Gemm", [value, weights, builder.constant(normal(random, [1]))], {
      transB: int(1),
      alpha: float(0.5),
      beta: float(-2),
    });
  },
  wide(builder, value, random) {
    const inputs = featuresOf(builder, value);
    const hidden = builder.add("MatMul", [value, builder.constant(normal(random, [inputs, 70], 0.3))]);
    const active = builder.add("Tanh", [
      builder.add("Add", [hidden, builder.constant(normal(random, [70]))]),
    ]);
    return builder.add("MatMul", [active, builder.constant(normal(random, [70, 33], 0.2))]);
  },
  relu: plain("Relu"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  softplus: plain("Softplus"),
  abs: plain("Abs"),
  leakyRelu: (builder, value) => builder.add("LeakyRelu", [value], { alpha: float(0.1) }),
  scale: (builder, value, random) =>
    builder.add("Mul", [builder.constant(normal(random, [featuresOf(builder, value)])), value]),
  offset: (builder, value) => builder.add("Sub", [builder.constant(1), value]),
  residual: (builder, value) => builder.add("Add", [builder.add("Tanh", [value]), value]),
  clip: (builder, value) => builder.add("Clip", [value, builder.constant(-1), builder.constant(1.5)]),
  extremes: (builder, value, random) =>
    builder.add("Max", [
      builder.constant(-1),
      value,
      builder.add("Min", [value, builder.constant(random.gaussian())]),
    ]),
  quotient: (builder, value) =>
    builder.add("Div", [value, builder.add("Add", [builder.add("Abs", [value]), builder.constant(1)])]),
  root: (builder, value) =>
    builder.add("Sqrt", [builder.add("Exp", [builder.add("Neg", [builder.add("Abs", [value])])])]),
  softmax: (builder, value) => builder.add("Softmax", [value]),
  logSoftmax: (builder, value) => builder.add("LogSoftmax", [value], { axis: int(1) }),
  layerNormalization(builder, value, random) {
    const features = featuresOf(builder, value);
    const parameters = [normal(random, [features]), normal(random, [features])];
    return builder.add("LayerNormalization", [value, ...parameters.map((one) => builder.constant(one))]);
  },
  batchNormalization(builder, value, random) {
    const features = featuresOf(builder, value);
    const variance = normal(random, [features]);
    const parameters = [normal(random, [features]), normal(random, [features]), normal(random, [features])];
    const positive = float32Tensor(variance.data.map((one) => 0.1 + one * one));
    return builder.add("BatchNormalization", [
      value,
      ...[...parameters, positive].map((one) => builder.constant(one)),
    ]);
  },
  mean: (builder, value) =>
    builder.add("Sub", [
      value,
      builder.add("ReduceMean", [value, builder.constant(int64Tensor([1]))], { keepdims: int(1) }),
    ]),
  concatenation: (builder, value) =>
    builder.add("Concat", [value, builder.add("Relu", [builder.add("Neg", [value])])], { axis: int(-1) }),
  slice: (builder, value) =>
    builder.add("Slice", [
      value,
      ...[[0], [featuresOf(builder, value)], [1], [2]].map((numbers) =>
        builder.constant(int64Tensor(numbers)),
      ),
    ]),
  halves(builder, value) {
    const doubled = builder.add("Concat", [value, builder.add("Abs", [value])], { axis: int(1) });
    const [first, second] = builder.addMany("Split", [doubled], 2, { axis: int(1), num_outputs: int(2) });
    return builder.add("Sub", [first, second]);
  },
  choice(builder, value) {
    const last = featuresOf(builder, value) - 1;
    return builder.add("Gather", [value, builder.constant(int64Tensor([last, 0, -1]))], { axis: int(1) });
  },
  spread(builder, value) {
    const column = builder.add("Unsqueeze", [value, builder.constant(int64Tensor([2]))]);
    const twice = builder.add("Expand", [column, builder.constant(int64Tensor([1, 1, 2]))]);
    return builder.add("ReduceMax", [twice, builder.constant(int64Tensor([2]))], { keepdims: int(0) });
  },
  reversal: (builder, value) =>
    builder.add("Slice", [
      value,
      ...[[-1], [-1000], [-1], [-1]].map((numbers) => builder.constant(int64Tensor(numbers))),
    ]),
  table(builder, value) {
    const features = featuresOf(builder, value);
    const shape = (...sizes: number[]) => builder.constant(int64Tensor(sizes));
    const square = builder.add("Reshape", [
      builder.add("Concat", [value, value], { axis: int(1) }),
      shape(0, 2, features),
    ]);
    const turned = builder.add("Transpose", [square], { perm: ints([0, 2, 1]) });
    const more = builder.add("Unsqueeze", [turned, shape(1)]);
    return builder.add("Flatten", [builder.add("Squeeze", [more, shape(1)])]);
  },
  convolution(builder, value, random) {
    const features = featuresOf(builder, value);
    const picture = builder.add("Reshape", [value, builder.constant(int64Tensor([-1, 1, features]))]);
    const filters = builder.constant(normal(random, [2, 1, 3]));
    const convolved = builder.add("Conv", [picture, filters, builder.constant(normal(random, [2]))], {
      pads: ints([2, 2]),
      dilations: ints([2]),
      strides: ints([1 + random.integer(2)]),
    });
    return builder.add("Flatten", [builder.add("Relu", [convolved])]);
  },
  /** Large enough to be a loop over its positions. */
  pictures(builder, value, random) {
    const weights = builder.constant(normal(random, [featuresOf(builder, value), 60]));
    const shape = builder.constant(int64Tensor([0, 2, 6, 5]));
    const picture = builder.add("Reshape", [builder.add("MatMul", [value, weights]), shape]);
    const filters = [normal(random, [6, 2, 3, 3], 0.3), normal(random, [4, 3, 3, 3], 0.3)];
    const first = builder.add("Conv", [picture, builder.constant(filters[0]!)], { pads: ints([1, 1, 1, 1]) });
    const offset = builder.constant(normal(random, [6, 1, 1]));
    const active = builder.add("Relu", [builder.add("Add", [first, offset])]);
    const second = builder.add(
      "Conv",
      [active, builder.constant(filters[1]!), builder.constant(normal(random, [4]))],
      {
        auto_pad: string("SAME_UPPER"),
        group: int(2),
        strides: ints([2, 1]),
      },
    );
    const mixed = builder.add("MatMul", [second, builder.constant(normal(random, [5, 20], 0.3))]);
    const means = builder.add("ReduceMean", [mixed, builder.constant(int64Tensor([2, 3]))], {
      keepdims: int(0),
    });
    return builder.add("Tanh", [means]);
  },
};

/** A network of these layers, of inputs `[batch, features]`. */
export function randomNetwork(names: readonly string[], features: number, random: Random): OnnxModel {
  const builder = networkBuilder("random");
  let value = builder.input("x", "float32", ["batch", features]);
  for (const name of names) {
    // Layers that double the features would make the network large.
    if (featuresOf(builder, value) <= 64 || name.startsWith("dense"))
      value = layers[name]!(builder, value, random);
  }
  builder.output("y", value, ["batch", featuresOf(builder, value)]);
  return onnxModel(builder.graph());
}
