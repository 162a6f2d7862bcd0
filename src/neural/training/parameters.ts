import { InputError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import type { GraphNode, OnnxModel, ValueName } from "../graph/graph.js";
import { elementCount, type Tensor, tensor } from "../graph/tensor.js";

/** Where a tensor lies in a flat vector. */
export interface LayoutPart {
  readonly name: ValueName;
  readonly shape: readonly number[];
  /** First element in the vector. */
  readonly offset: number;
  readonly length: number;
}

/** How tensors lie behind one another in one vector: optimizers and threads handle all parameters as one. */
export interface ParameterLayout {
  readonly parts: readonly LayoutPart[];
  readonly length: number;
}

export function parameterLayout(
  tensors: readonly { readonly name: ValueName; readonly shape: readonly number[] }[],
): ParameterLayout {
  let end = 0;
  const parts = tensors.map(({ name, shape }) => {
    const part = { name, shape, offset: end, length: elementCount(shape) };
    end += part.length;
    return part;
  });
  return { parts, length: end };
}

/** The tensors of a layout as one vector. @throws InputError for one that is missing or has another shape or type. */
export function flatten(layout: ParameterLayout, tensors: NamedTensors): Float32Array {
  const vector = new Float32Array(layout.length);
  for (const { name, shape, offset } of layout.parts) {
    const value = tensors[name];
    if (value?.elementType !== "float32" || value.shape.join() !== shape.join())
      throw new InputError(name, value?.shape, `give float32 of the shape [${shape.join(", ")}]`);
    vector.set(value.data as Float32Array, offset);
  }
  return vector;
}

/** The tensors of a vector, copied out of it. */
export function unflatten(layout: ParameterLayout, vector: Float32Array): Record<ValueName, Tensor> {
  return Object.fromEntries(
    layout.parts.map(({ name, shape, offset, length }) => [
      name,
      tensor("float32", shape, vector.slice(offset, offset + length)),
    ]),
  );
}

/** What of a model is trained, and what follows the data without a gradient. */
export interface TrainableTensors {
  readonly parameters: readonly ValueName[];
  /** Running means and variances of the batch normalizations that are trained. */
  readonly statistics: readonly ValueName[];
  /** Names of the batch normalizations that normalize by the batch while they are trained. */
  readonly normalizations: ReadonlySet<string>;
}

/** Inputs that hold weights, by operator. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  MatMul: [0, 1],
  Gemm: [0, 1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  LSTM: [1, 2, 3],
  GRU: [1, 2, 3],
  RNN: [1, 2, 3],
  PRelu: [1],
  Gather: [0],
};

/** Operators through which a weight keeps being one. */
const carriers: ReadonlySet<string> = new Set([
  "Identity",
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Cast",
  "Flatten",
]);

const elementwise: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);

/** Values that `NetworkBuilder.constant` has made. */
const builderConstant = /^constant(_\d+)?$/;

/**
 * Which tensors of a model are trained. Running statistics of batch normalizations never are; otherwise:
 *
 * - of a network that was built here, every float32 initializer that its author has named (`NetworkBuilder.initializer`),
 *   and no constant (`NetworkBuilder.constant`);
 * - of an imported one, whose file does not tell weights from constants, every float32 initializer that is used as a weight
 *   or bias: by a matrix product, convolution, recurrence, PRelu, embedding (Gather) or the scale and bias of a
 *   normalization, directly or through Transpose, Reshape and the like, or by Add, Sub, Mul or Div if it has more than one
 *   element. Epsilons, scalings and shapes remain what they are.
 *
 * A batch normalization whose running mean is frozen keeps normalizing by its statistics.
 * @throws InputError for a frozen name that the model does not have, or if nothing is left to train.
 */
export function trainableTensors(model: OnnxModel, frozen: readonly string[] = []): TrainableTensors {
  const { nodes, initializers } = model.graph;
  for (const name of frozen)
    if (!initializers.has(name))
      throw new InputError("frozen", name, `name some of ${[...initializers.keys()].join(", ")}`);
  const isFree = (name: ValueName): boolean =>
    initializers.get(name)?.elementType === "float32" && !frozen.includes(name);

  const normalizations = new Set<string>();
  const statistics = new Set<ValueName>();
  const neverTrained = new Set<ValueName>();
  for (const { name, operator, inputs } of nodes) {
    if (operator !== "BatchNormalization") continue;
    const [mean, variance] = [inputs[3]!, inputs[4]!];
    neverTrained.add(mean).add(variance);
    if (!isFree(mean) || !isFree(variance)) continue;
    if (statistics.has(mean) || statistics.has(variance))
      throw new InputError(`statistics of node ${name}`, mean, "share none with another batch normalization");
    normalizations.add(name);
    statistics.add(mean).add(variance);
  }

  const isWeight = model.producer === "neuroran" ? isNamed : weightsByUse(nodes, initializers);
  const parameters = [...initializers.keys()].filter(
    (name) => isFree(name) && !neverTrained.has(name) && isWeight(name),
  );
  if (parameters.length === 0)
    throw new InputError("parameters", undefined, "leave at least one float32 weight that is not frozen");
  return { parameters, statistics: [...statistics], normalizations };
}

function isNamed(name: ValueName): boolean {
  return !builderConstant.test(name);
}

function weightsByUse(
  nodes: readonly GraphNode[],
  initializers: ReadonlyMap<ValueName, Tensor>,
): (name: ValueName) => boolean {
  const weights = new Set<ValueName>();
  // The initializer that a value carries, in another shape at most.
  const origins = new Map([...initializers.keys()].map((name) => [name, name]));
  for (const { operator, inputs, outputs } of nodes) {
    const origin = origins.get(inputs[0] ?? "");
    if (carriers.has(operator) && origin !== undefined) origins.set(outputs[0]!, origin);
    for (const index of weightInputs[operator] ?? []) weights.add(origins.get(inputs[index] ?? "") ?? "");
    if (!elementwise.has(operator)) continue;
    for (const input of inputs) {
      const used = origins.get(input);
      if (used !== undefined && initializers.get(used)!.data.length > 1) weights.add(used);
    }
  }
  return (name) => weights.has(name);
}
