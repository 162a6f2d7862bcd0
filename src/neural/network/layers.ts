import { InputError } from "../../errors.js";
import type { Random } from "../../system/index.js";
import { float, int, ints, string, type ValueName } from "../graph/graph.js";
import { float32Tensor } from "../graph/tensor.js";
import type { NetworkBuilder } from "./builder.js";
import { filled, scaled, shifted } from "./expressions.js";
import { type Initialization, initialWeights } from "./initialization.js";

// Layers of networks. The parameters of each are initializers whose names begin with the layer's own: training finds
// them by that.

/** Names of the functions that a layer may end with. */
export const activations = [
  "linear",
  "relu",
  "leaky-relu",
  "elu",
  "gelu",
  "swish",
  "mish",
  "tanh",
  "sigmoid",
  "softplus",
  "softmax",
] as const;

export type Activation = (typeof activations)[number];

const operatorsOfActivations = {
  relu: "Relu",
  "leaky-relu": "LeakyRelu",
  elu: "Elu",
  mish: "Mish",
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  softplus: "Softplus",
  softmax: "Softmax",
} as const;

/** Applies an activation to each element; softmax along the last axis. */
export function activated(builder: NetworkBuilder, value: ValueName, activation: Activation): ValueName {
  switch (activation) {
    case "linear":
      return value;
    case "swish":
      return builder.add("Mul", [value, builder.add("Sigmoid", [value])]);
    case "gelu": {
      // The operator of this name came after the project's operator set.
      const distribution = shifted(builder, builder.add("Erf", [scaled(builder, value, Math.SQRT1_2)]), 1);
      return builder.add("Mul", [value, scaled(builder, distribution, 0.5)]);
    }
    default:
      return builder.add(operatorsOfActivations[activation], [value]);
  }
}

/** What layers of weights have in common. */
export interface WeightedLayer {
  /** Stem of the parameters' names; the layer's type unless given. */
  readonly name?: string;
  /** linear unless given. */
  readonly activation?: Activation;
  /** He's for activations that cut one side off, else Glorot's, unless given. */
  readonly initialization?: Initialization;
  /** true unless given. */
  readonly hasBias?: boolean;
}

export interface DenseLayer extends WeightedLayer {
  readonly units: number;
}

const oneSided: ReadonlySet<Activation> = new Set(["relu", "leaky-relu", "elu", "gelu", "swish", "mish"]);

function initializationOf({ activation = "linear", initialization }: WeightedLayer): Initialization {
  return initialization ?? (oneSided.has(activation) ? "he" : "glorot");
}

/**
 * Every number of the last axis connected with every unit: [..., features] to [..., units].
 * @throws InputError for a scalar.
 */
export function dense(
  builder: NetworkBuilder,
  random: Random,
  value: ValueName,
  layer: DenseLayer,
): ValueName {
  const { units, name = "dense", activation = "linear", hasBias = true } = layer;
  const { shape } = builder.typeOf(value);
  const features = shape.at(-1);
  if (features === undefined) throw new InputError(`input of ${name}`, shape, "give [..., features]");
  const stem = builder.unique(name);
  const fans = { inputs: features, outputs: units };
  const weights = initialWeights(initializationOf(layer), random, [features, units], fans);
  const weight = builder.initializer(`${stem}.weight`, weights);
  const bias = hasBias ? builder.initializer(`${stem}.bias`, filled(0, "float32", [units])) : undefined;
  return activated(builder, connected(), activation);

  function connected(): ValueName {
    if (shape.length === 2) return builder.add("Gemm", [value, weight, bias]);
    const product = builder.add("MatMul", [value, weight]);
    return bias === undefined ? product : builder.add("Add", [product, bias]);
  }
}

export interface Conv2dLayer extends WeightedLayer {
  readonly filters: number;
  /** Rows and columns. */
  readonly kernel: readonly [number, number];
  /** 1 and 1 unless given. */
  readonly strides?: readonly [number, number];
  /** 1 and 1 unless given. */
  readonly dilations?: readonly [number, number];
  /** Parts of the channels that are convolved apart: as many as channels make it depthwise. 1 unless given. */
  readonly groups?: number;
}

/**
 * A convolution with zeros around the edges: [batch, channels, rows, columns] to [batch, filters, rows / stride,
 * columns / stride], rounded up.
 * @throws InputError for another rank, or groups that do not divide channels and filters.
 */
export function conv2d(
  builder: NetworkBuilder,
  random: Random,
  value: ValueName,
  layer: Conv2dLayer,
): ValueName {
  const { filters, kernel, strides = [1, 1], dilations = [1, 1], groups = 1 } = layer;
  const { name = "conv2d", activation = "linear", hasBias = true } = layer;
  const channels = channelsOf(builder, value, name);
  if (builder.typeOf(value).shape.length !== 4)
    throw new InputError(
      `input of ${name}`,
      builder.typeOf(value).shape,
      "give [batch, channels, rows, columns]",
    );
  if (channels % groups !== 0 || filters % groups !== 0)
    throw new InputError(`groups of ${name}`, groups, `give a divisor of ${channels} and ${filters}`);
  const stem = builder.unique(name);
  const taps = kernel[0] * kernel[1];
  const fans = { inputs: (channels / groups) * taps, outputs: (filters / groups) * taps };
  const shape = [filters, channels / groups, ...kernel];
  const weight = builder.initializer(
    `${stem}.weight`,
    initialWeights(initializationOf(layer), random, shape, fans),
  );
  const bias = hasBias ? builder.initializer(`${stem}.bias`, filled(0, "float32", [filters])) : undefined;
  const isStrided = strides.some((stride) => stride !== 1);
  const reach = kernel.map((size, axis) => dilations[axis]! * (size - 1));
  const before = reach.map((size) => Math.floor(size / 2));
  const after = reach.map((size, axis) => size - before[axis]!);
  const convolved = builder.add("Conv", [value, weight, bias], {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    group: int(groups),
    // With strides the zeros that are needed depend on the size, which may have a name.
    ...(isStrided ? { auto_pad: string("SAME_UPPER") } : { pads: ints([...before, ...after]) }),
  });
  return activated(builder, convolved, activation);
}

function channelsOf(builder: NetworkBuilder, value: ValueName, name: string): number {
  const { shape } = builder.typeOf(value);
  const channels = shape[1];
  if (channels === undefined) throw new InputError(`input of ${name}`, shape, "give [batch, channels, ...]");
  return channels;
}

export interface NormalizationLayer {
  /** Stem of the parameters' names; the layer's type unless given. */
  readonly name?: string;
  /** Added to the variance; 1e-5 unless given. */
  readonly epsilon?: number;
}

/** Mean 0 and variance 1 over the last axis, then a learned scale and shift of each of its elements. */
export function layerNormalization(
  builder: NetworkBuilder,
  value: ValueName,
  { name = "normalization", epsilon = 1e-5 }: NormalizationLayer = {},
): ValueName {
  const { shape } = builder.typeOf(value);
  const size = shape.at(-1);
  if (size === undefined) throw new InputError(`input of ${name}`, shape, "give [..., features]");
  const stem = builder.unique(name);
  const scale = builder.initializer(`${stem}.scale`, filled(1, "float32", [size]));
  const bias = builder.initializer(`${stem}.bias`, filled(0, "float32", [size]));
  return builder.add("LayerNormalization", [value, scale, bias], { axis: int(-1), epsilon: float(epsilon) });
}

/**
 * Mean 0 and variance 1 of each channel (axis 1) by statistics that run along during training, then a learned scale and
 * shift. The node is that of inference: training replaces it by one that normalizes by the batch.
 */
export function batchNormalization(
  builder: NetworkBuilder,
  value: ValueName,
  { name = "normalization", epsilon = 1e-5 }: NormalizationLayer = {},
): ValueName {
  const channels = channelsOf(builder, value, name);
  const stem = builder.unique(name);
  const parameter = (part: string, start: number) =>
    builder.initializer(`${stem}.${part}`, float32Tensor(new Float32Array(channels).fill(start)));
  const parameters = [
    parameter("scale", 1),
    parameter("bias", 0),
    parameter("mean", 0),
    parameter("variance", 1),
  ];
  return builder.add("BatchNormalization", [value, ...parameters], { epsilon: float(epsilon) });
}

/** The value plus what a branch makes of it. @throws InputError where the branch changes the shape. */
export function residual(
  builder: NetworkBuilder,
  value: ValueName,
  branch: (value: ValueName) => ValueName,
): ValueName {
  const made = branch(value);
  const [from, to] = [builder.typeOf(value).shape, builder.typeOf(made).shape];
  if (from.length !== to.length || from.some((size, axis) => size !== to[axis]))
    throw new InputError(
      "branch of a residual",
      to,
      `give one that ends with the shape [${from.join(", ")}]`,
    );
  return builder.add("Add", [value, made]);
}
