import { InputError } from "../../errors.js";
import type { TensorType, ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { averaged, reshaped, scaled, shifted, summed } from "../network/expressions.js";
import {
  attribute,
  broadcastIndices,
  broadcastShape,
  floatingType,
  normalAxis,
  requiredInput,
  requireSameType,
} from "./arguments.js";
import { unbroadcast } from "./arithmetic.js";
import { numeric } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator, TypedNode } from "./operator.js";

/** Over what a normalization takes mean and variance, and how scale and bias lie over it. */
interface NormalizationForm {
  /** The shape in which the input is seen. */
  readonly view: readonly number[];
  /** Axes of the view that mean and variance are taken over. */
  readonly axes: readonly number[];
  /** The view's shape with 1 for each of these axes. */
  readonly kept: readonly number[];
  /** The shape in which scale and bias broadcast to the view. */
  readonly parameter: readonly number[];
  readonly epsilon: number;
}

interface Normalization {
  readonly name: string;
  /** The form of a node whose first two inputs are the value and the scale. @throws InputError */
  readonly form: (node: TypedNode) => NormalizationForm;
  /** Types of outputs after the first, as far as the node has them. */
  readonly further?: (node: TypedNode, form: NormalizationForm) => readonly TensorType[];
  /** Values of outputs after the first. */
  readonly furtherValues?: (
    node: TypedNode,
    form: NormalizationForm,
    statistics: Statistics,
    inputs: readonly (NumericTensor | undefined)[],
  ) => readonly NumericTensor[];
}

interface Statistics {
  /** One for each element of the kept shape. */
  readonly means: Float64Array;
  readonly variances: Float64Array;
}

/** y = scale · (x − mean) / √(variance + ε) + bias, with mean and variance of x itself. */
function normalization({ name, form, further, furtherValues }: Normalization): Operator {
  return {
    name,
    infer(node) {
      const type = floatingType(node, 0);
      const shape = form(node);
      return [type, ...(further?.(node, shape) ?? [])];
    },
    evaluate(node, inputs) {
      const value = requiredInput(node, inputs, 0);
      const shape = form(node);
      const statistics = statisticsOf(value.data, shape);
      const scale = requiredInput(node, inputs, 1);
      const result = affine(value, shape, statistics, scale, inputs[2]);
      return [result, ...(furtherValues?.(node, shape, statistics, inputs) ?? [])];
    },
    gradient: (context) => normalizationGradient(context, form(context)),
  };
}

function statisticsOf(data: Float64Array, { view, kept }: NormalizationForm): Statistics {
  const to = broadcastIndices(kept, view);
  const count = data.length / elementCount(kept);
  const means = new Float64Array(elementCount(kept));
  const variances = new Float64Array(elementCount(kept));
  for (let at = 0; at < data.length; at++) means[to[at]!]! += data[at]! / count;
  for (let at = 0; at < data.length; at++) variances[to[at]!]! += (data[at]! - means[to[at]!]!) ** 2 / count;
  return { means, variances };
}

function affine(
  { elementType, shape, data }: NumericTensor,
  { view, kept, parameter, epsilon }: NormalizationForm,
  { means, variances }: Statistics,
  scale: NumericTensor,
  bias: NumericTensor | undefined,
): NumericTensor {
  const [group, channel] = [broadcastIndices(kept, view), broadcastIndices(parameter, view)];
  const result = numeric(elementType, shape);
  for (let at = 0; at < data.length; at++) {
    const normal = (data[at]! - means[group[at]!]!) / Math.sqrt(variances[group[at]!]! + epsilon);
    result.data[at] = normal * scale.data[channel[at]!]! + (bias?.data[channel[at]!] ?? 0);
  }
  return result;
}

/**
 * With c = x − mean and v = variance + ε the gradient to a value normalized without a scale is
 * (g − mean(g) − c · mean(g · c) / v) / √v. A scale that is one for all that mean and variance are taken over stands
 * outside of it, which saves passes over the whole value.
 */
function normalizationGradient(
  context: GradientContext,
  form: NormalizationForm,
): readonly (ValueName | undefined)[] {
  const { builder, inputTypes, isWanted } = context;
  refuseStatistics(context);
  const given = context.outputGradient(0);
  if (given === undefined) return [];
  const { view, axes, parameter } = form;
  const count = axes.reduce((product, axis) => product * view[axis]!, 1);
  const isScaleOutside = axes.every((axis) => (parameter[axis - view.length + parameter.length] ?? 1) === 1);
  const scale = reshaped(builder, context.input(1), parameter);
  const { centered, variance, root } = spread(context, form);

  const multiply = (a: ValueName, b: ValueName) => builder.add("Mul", [a, b]);
  const divide = (a: ValueName, b: ValueName) => builder.add("Div", [a, b]);
  const toParameter = (value: ValueName, index: number) =>
    reshaped(builder, unbroadcast(context, value, parameter), inputTypes[index]!.shape);

  const outer = reshaped(builder, given, view);
  const gradient = isScaleOutside ? outer : multiply(outer, scale);
  const sum = summed(builder, gradient, axes);
  const moment = summed(builder, multiply(gradient, centered), axes);

  function toValue(): ValueName {
    const along = multiply(centered, divide(scaled(builder, moment, 1 / count), variance));
    const shared = builder.add("Add", [along, scaled(builder, sum, 1 / count)]);
    const rest = builder.add("Sub", [gradient, shared]);
    const made = isScaleOutside ? multiply(rest, divide(scale, root)) : divide(rest, root);
    return reshaped(builder, made, inputTypes[0]!.shape);
  }

  function toScale(): ValueName {
    return toParameter(isScaleOutside ? divide(moment, root) : multiply(outer, divide(centered, root)), 1);
  }

  return [
    isWanted(0) ? toValue() : undefined,
    isWanted(1) ? toScale() : undefined,
    isWanted(2) ? toParameter(isScaleOutside ? sum : outer, 2) : undefined,
  ];
}

function refuseStatistics({ node, outputGradient }: GradientContext): void {
  for (let index = 1; index < node.outputs.length; index++)
    if (outputGradient(index) !== undefined)
      throw new InputError(
        `node ${node.name}`,
        node.outputs[index],
        "let no loss depend on the statistics that a normalization gives: they have no gradient here",
      );
}

/** The value less its mean, in the form's view; the variance with epsilon, and its root, in the kept shape. */
function spread({ builder, input }: GradientContext, { view, axes, epsilon }: NormalizationForm) {
  const value = reshaped(builder, input(0), view);
  const centered = builder.add("Sub", [value, averaged(builder, value, axes)]);
  const squares = builder.add("Mul", [centered, centered]);
  const variance = shifted(builder, averaged(builder, squares, axes), epsilon);
  return { centered, variance, root: builder.add("Sqrt", [variance]) };
}

function formOf(
  node: TypedNode,
  view: readonly number[],
  axes: readonly number[],
  parameter: readonly number[],
): NormalizationForm {
  const kept = view.map((size, axis) => (axes.includes(axis) ? 1 : size));
  if (axes.some((axis) => view[axis] === 0))
    throw new InputError(`input 0 of node ${node.node.name}`, view, "give at least one element to normalize");
  return { view, axes, kept, parameter, epsilon: attribute(node.node, "epsilon", "float", 1e-5) };
}

/** Refuses an input that does not hold `count` numbers in one axis. */
function requireVector(node: TypedNode, index: number, count: number): void {
  const { shape } = floatingType(node, index);
  if (shape.length !== 1 || shape[0] !== count)
    throw new InputError(`input ${index} of node ${node.node.name}`, shape, `give one of shape [${count}]`);
}

/** [batch, channels, …]. */
function channelShape(node: TypedNode): readonly number[] {
  const { shape } = floatingType(node, 0);
  if (shape.length < 2)
    throw new InputError(`input 0 of node ${node.node.name}`, shape, "give [batch, channels, …]");
  return shape;
}

const axesFrom = (first: number, rank: number) =>
  Array.from({ length: rank - first }, (_, index) => first + index);

/** Channels as they broadcast over [batch, channels, …]. */
const overChannels = (shape: readonly number[]) => [shape[1]!, ...axesFrom(2, shape.length).map(() => 1)];

function layerForm(node: TypedNode): NormalizationForm {
  const { shape } = floatingType(node, 0);
  const axis = normalAxis(node.node, attribute(node.node, "axis", "int", -1), shape.length);
  const scale = floatingType(node, 1).shape;
  for (const index of [1, 2]) {
    if (node.inputTypes[index] === undefined) continue;
    requireSameType(node, 0, index);
    const part = floatingType(node, index).shape;
    if (
      broadcastShape(node.node, part, shape).some((size, at) => size !== shape[at]) ||
      part.length > shape.length
    )
      throw new InputError(
        `input ${index} of node ${node.node.name}`,
        part,
        `give what broadcasts to [${shape.join(", ")}]`,
      );
    if (elementCount(part) !== elementCount(scale))
      throw new InputError(
        `input ${index} of node ${node.node.name}`,
        part,
        "give a bias of the scale's shape",
      );
  }
  return formOf(node, shape, axesFrom(axis, shape.length), scale);
}

const layerNormalization = normalization({
  name: "LayerNormalization",
  form: layerForm,
  further: (_, { kept }) => [0, 1].map(() => ({ elementType: "float32", shape: kept })),
  furtherValues: (_, { kept, epsilon }, { means, variances }) => [
    numeric("float32", kept, means),
    numeric(
      "float32",
      kept,
      variances.map((variance) => 1 / Math.sqrt(variance + epsilon)),
    ),
  ],
});

const instanceNormalization = normalization({
  name: "InstanceNormalization",
  form(node) {
    const shape = channelShape(node);
    for (const index of [1, 2]) requireVector(node, index, shape[1]!);
    return formOf(node, shape, axesFrom(2, shape.length), overChannels(shape));
  },
});

/** Before operator set 21: a scale and a bias for each group, not for each channel. */
const groupNormalization = normalization({
  name: "GroupNormalization",
  form(node) {
    const shape = channelShape(node);
    const groups = attribute(node.node, "num_groups", "int", 0);
    if (!(groups >= 1) || shape[1]! % groups !== 0)
      throw new InputError(
        `attribute num_groups of node ${node.node.name}`,
        groups,
        `give a divisor of ${shape[1]}`,
      );
    for (const index of [1, 2]) requireVector(node, index, groups);
    const view = [shape[0]!, groups, elementCount(shape.slice(1)) / groups];
    return formOf(node, view, [2], [groups, 1]);
  },
});

const isTraining = ({ node }: TypedNode) => attribute(node, "training_mode", "int", 0) !== 0;

function batchForm(node: TypedNode): NormalizationForm {
  const shape = channelShape(node);
  for (const index of [1, 2, 3, 4]) requireVector(node, index, shape[1]!);
  return formOf(node, shape, [0, ...axesFrom(2, shape.length)], overChannels(shape));
}

/** In training by the batch's own statistics, which also move the running ones. */
const ofBatch = normalization({
  name: "BatchNormalization",
  form: batchForm,
  further: ({ inputTypes }) => [inputTypes[3]!, inputTypes[4]!],
  furtherValues(node, _, { means, variances }, inputs) {
    const momentum = attribute(node.node, "momentum", "float", 0.9);
    return [means, variances].map((now, index) => {
      const running = requiredInput(node, inputs, 3 + index);
      return numeric(
        running.elementType,
        running.shape,
        running.data.map((value, at) => momentum * value + (1 - momentum) * now[at]!),
      );
    });
  },
});

const batchNormalization: Operator = {
  name: "BatchNormalization",
  infer(node) {
    if (isTraining(node)) return ofBatch.infer(node);
    batchForm(node);
    return [floatingType(node, 0)];
  },
  evaluate(node, inputs) {
    if (isTraining(node)) return ofBatch.evaluate(node, inputs);
    const [value, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((index) =>
      requiredInput(node, inputs, index),
    ) as [NumericTensor, NumericTensor, NumericTensor, NumericTensor, NumericTensor];
    const form = batchForm(node);
    const fixed = { ...form, kept: form.parameter };
    return [affine(value, fixed, { means: mean.data, variances: variance.data }, scale, bias)];
  },
  gradient: (context) =>
    isTraining(context) ? (ofBatch.gradient?.(context) ?? []) : inferenceGradient(context),
};

/** By running statistics, which are inputs as scale and bias are. */
function inferenceGradient(context: GradientContext): readonly (ValueName | undefined)[] {
  const { builder, input, inputTypes, isWanted } = context;
  const gradient = context.outputGradient(0);
  if (gradient === undefined) return [];
  const { parameter, epsilon } = batchForm(context);
  const [scale, mean, variance] = [1, 3, 4].map((index) => reshaped(builder, input(index), parameter));
  const root = builder.add("Sqrt", [shifted(builder, variance!, epsilon)]);
  const slope = builder.add("Div", [scale, root]);
  const toParameter = (value: ValueName, index: number) =>
    reshaped(builder, unbroadcast(context, value, parameter), inputTypes[index]!.shape);
  const toCentered = () => builder.add("Mul", [gradient, slope]);
  const normal = () => builder.add("Div", [builder.add("Sub", [input(0), mean]), root]);
  const makers: readonly (() => ValueName)[] = [
    toCentered,
    () => toParameter(builder.add("Mul", [gradient, normal()]), 1),
    () => toParameter(gradient, 2),
    () => toParameter(builder.add("Neg", [toCentered()]), 3),
    () => toParameter(varianceGradient(), 4),
  ];

  function varianceGradient(): ValueName {
    const product = scaled(builder, builder.add("Mul", [toCentered(), normal()]), -0.5);
    return builder.add("Div", [product, root]);
  }

  return makers.map((make, index) => (isWanted(index) ? make() : undefined));
}

export const normalizationOperators: readonly Operator[] = [
  layerNormalization,
  instanceNormalization,
  groupNormalization,
  batchNormalization,
];
