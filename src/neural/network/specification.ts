import { z } from "zod";
import { InputError } from "../../errors.js";
import type { Random } from "../../system/index.js";
import { type Dimension, int, ints, type OnnxModel, onnxModel, type ValueName } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";
import type { ModelPorts } from "../models/port.js";
import { type NetworkBuilder, networkBuilder } from "./builder.js";
import { initializations } from "./initialization.js";
import {
  activated,
  activations,
  batchNormalization,
  conv2d,
  dense,
  layerNormalization,
  residual,
} from "./layers.js";

/** Larger sizes are typing errors. */
const size = z.int().min(1).max(65536);
const pair = z.tuple([size, size]);
const epsilon = z.number().positive().exactOptional();
const text = z.string().min(1).max(200);

const port = {
  // No value inside a network is called so: operators begin with a capital, parameters have a dot.
  name: text.regex(
    /^(?!constant)[a-z][\w-]*$/,
    "begin with a small letter, go on with letters, digits, _ and -, and not with constant",
  ),
  /** What the numbers are; the name unless given. */
  meaning: text.exactOptional(),
};

const weighted = {
  activation: z.enum(activations).exactOptional(),
  initialization: z.enum(initializations).exactOptional(),
  hasBias: z.boolean().exactOptional(),
};

const simpleLayers = [
  z.strictObject({ type: z.literal("dense"), units: size, ...weighted }),
  z.strictObject({
    type: z.literal("conv2d"),
    filters: size,
    kernel: pair,
    strides: pair.exactOptional(),
    dilations: pair.exactOptional(),
    groups: size.exactOptional(),
    ...weighted,
  }),
  z.strictObject({ type: z.literal("layer-normalization"), epsilon }),
  z.strictObject({ type: z.literal("batch-normalization"), epsilon }),
  z.strictObject({ type: z.literal("activation"), activation: z.enum(activations) }),
  /** [batch, …] to [batch, features]. */
  z.strictObject({ type: z.literal("flatten") }),
  /** As ONNX's Reshape: 0 keeps a size, one -1 takes what is left. */
  z.strictObject({
    type: z.literal("reshape"),
    shape: z
      .array(
        z
          .int()
          .min(-1)
          .max(2 ** 30),
      )
      .min(1)
      .max(8),
  }),
  z.strictObject({ type: z.literal("transpose"), permutation: z.array(z.int().min(0).max(7)).min(1).max(8) }),
] as const;

const layer = z.discriminatedUnion("type", [
  ...simpleLayers,
  /** The value plus what the layers make of it. */
  z.strictObject({
    type: z.literal("residual"),
    layers: z.array(z.discriminatedUnion("type", simpleLayers)).min(1).max(100),
  }),
]);

const specification = z.strictObject({
  name: text.exactOptional(),
  /** float32; several are joined along axis 1. A name in a shape is a size that is given when the model is instantiated. */
  inputs: z
    .array(
      z.strictObject({
        ...port,
        shape: z
          .array(z.union([size, text.regex(/^[A-Za-z]\w*$/, "name a dimension by a word")]))
          .min(1)
          .max(8),
      }),
    )
    .min(1)
    .max(100),
  layers: z.array(layer).min(1).max(1000),
  outputs: z.tuple([z.strictObject(port)]),
});

/** A sequential network as JSON. */
export type NetworkSpecification = Readonly<z.infer<typeof specification>>;

type LayerSpecification = z.infer<typeof layer>;

/**
 * An untrained network and its ports from a specification:
 *
 * ```json
 * {
 *   "inputs": [{ "name": "symbols", "shape": ["batch", 2] }],
 *   "layers": [
 *     { "type": "dense", "units": 16, "activation": "relu" },
 *     { "type": "dense", "units": 4 }
 *   ],
 *   "outputs": [{ "name": "llrs" }]
 * }
 * ```
 *
 * The same specification and generator give the same weights.
 * @throws InputError for what is no specification, with the field, and for layers that do not fit each other
 */
export function createNetwork(
  given: unknown,
  random: Random,
): { readonly model: OnnxModel; readonly ports: ModelPorts } {
  const checked = checkSpecification(given);
  const { name = "network", inputs, outputs } = checked;
  const builder = networkBuilder(name);
  const value = build(builder, checked, random);
  const shape = outputShape(checked, random);
  const [output] = outputs;
  builder.output(output.name, value, shape);
  return {
    model: onnxModel(builder.graph()),
    ports: {
      inputs: inputs.map((input) => ({
        name: input.name,
        type: { elementType: "float32", shape: input.shape },
        meaning: input.meaning ?? input.name,
      })),
      outputs: [
        {
          name: output.name,
          type: { elementType: "float32", shape },
          meaning: output.meaning ?? output.name,
        },
      ],
    },
  };
}

function checkSpecification(given: unknown): NetworkSpecification {
  const result = specification.safeParse(given);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    const found = path.reduce<unknown>(
      (at, key) =>
        typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
      given,
    );
    throw new InputError(["network", ...path.map(String)].join("."), found, message);
  }
  const { inputs, outputs } = result.data;
  const names = [...inputs, ...outputs].map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new InputError("network", twice, "give every input and output its own name");
  return result.data;
}

function build(builder: NetworkBuilder, { inputs, layers }: NetworkSpecification, random: Random) {
  const [first, ...others] = inputs.map(({ name, shape }) => builder.input(name, "float32", shape));
  const start = others.length === 0 ? first! : builder.add("Concat", [first, ...others], { axis: int(1) });
  return layers.reduce((value, one, index) => {
    try {
      return addLayer(builder, value, one, random);
    } catch (cause) {
      if (!(cause instanceof InputError)) throw cause;
      throw new InputError(`network.layers.${index}: ${cause.field}`, cause.value, cause.remedy, { cause });
    }
  }, start);
}

function addLayer(
  builder: NetworkBuilder,
  value: ValueName,
  one: LayerSpecification,
  random: Random,
): ValueName {
  switch (one.type) {
    case "dense":
      return dense(builder, random, value, one);
    case "conv2d":
      return conv2d(builder, random, value, one);
    case "layer-normalization":
      return layerNormalization(builder, value, one);
    case "batch-normalization":
      return batchNormalization(builder, value, one);
    case "activation":
      return activated(builder, value, one.activation);
    case "flatten":
      return builder.add("Reshape", [value, builder.constant(int64Tensor([0, -1]))]);
    case "reshape":
      return builder.add("Reshape", [value, builder.constant(int64Tensor(one.shape))]);
    case "transpose":
      return builder.add("Transpose", [value], { perm: ints(one.permutation) });
    case "residual":
      return residual(builder, value, (start) =>
        one.layers.reduce((inner, layerOfBranch) => addLayer(builder, inner, layerOfBranch, random), start),
      );
  }
}

/**
 * The output's shape with the names that the inputs gave. The network is laid out for two sets of sizes: what is a name's
 * size in both is that name, and what is the same in both is fixed.
 */
function outputShape(checked: NetworkSpecification, random: Random): Dimension[] {
  const [one, other] = [17, 101].map((start) => layOut(checked, random.fork("sizes"), start)) as [
    Layout,
    Layout,
  ];
  for (const [name, shape] of one.parameters)
    if (shape.join() !== other.parameters.get(name)?.join())
      throw new InputError(
        `parameter ${name} of the network`,
        undefined,
        "give sizes instead of names to the axes that its layer connects",
      );
  return one.shape.map((size, axis) => {
    const otherSize = other.shape[axis]!;
    if (size === otherSize) return size;
    const name = [...one.dimensions.keys()].find(
      (key) => one.dimensions.get(key) === size && other.dimensions.get(key) === otherSize,
    );
    if (name === undefined)
      throw new InputError(
        `axis ${axis} of the network's output`,
        undefined,
        "give sizes instead of names to the axes that a layer makes longer or shorter",
      );
    return name;
  });
}

interface Layout {
  readonly dimensions: ReadonlyMap<string, number>;
  readonly parameters: ReadonlyMap<ValueName, readonly number[]>;
  readonly shape: readonly number[];
}

/** Two layouts' sizes are far apart, so that strides leave them different; a name's are no other's, nor parts of them. */
function layOut(checked: NetworkSpecification, random: Random, start: number): Layout {
  const names = new Set(
    checked.inputs.flatMap(({ shape }) => shape).filter((one) => typeof one === "string"),
  );
  const dimensions = new Map([...names].map((name, index) => [name, start + 2 * index]));
  const builder = networkBuilder("sizes", { dimensions: Object.fromEntries(dimensions) });
  const { shape } = builder.typeOf(build(builder, checked, random));
  const { initializers } = builder.graph();
  return {
    dimensions,
    shape,
    parameters: new Map([...initializers].map(([name, value]) => [name, value.shape])),
  };
}
