import { attribute, broadcastShape } from "../../operators/arguments.js";
import type { BinaryFunction, Cell, UnaryFunction } from "./plan.js";
import type { PlanContext, PlanRule } from "./planner.js";
import {
  broadcastElements,
  isSampled,
  lacks,
  mixesSamples,
  type PlannedValue,
  type SampleTensor,
} from "./sample-tensor.js";

/** An input that is each sample's own and the only one. */
export function sampledInput({ node, inputs }: PlanContext, index = 0): SampleTensor {
  const value = inputs[index];
  if (value === undefined || !isSampled(value)) throw lacks(node, `it with a constant as input ${index}`);
  return value;
}

/** The numbers of an input that is the same for all samples; undefined where it is left out. */
export function constantInput({ node, inputs }: PlanContext, index: number): Float64Array | undefined {
  const value = inputs[index];
  if (value === undefined) return undefined;
  if (isSampled(value)) throw lacks(node, `it with an input ${index} that depends on the network's inputs`);
  return value.data;
}

/** Applies a function to every number. */
export function applyUnary(context: PlanContext, value: SampleTensor, name: UnaryFunction): SampleTensor {
  return { ...value, cells: context.append({ kind: "unary", function: name, operands: value.cells }) };
}

/** Applies a function to two values, broadcast against each other. */
export function applyBinary(
  context: PlanContext,
  name: BinaryFunction,
  a: PlannedValue,
  b: PlannedValue,
): SampleTensor {
  const { node } = context;
  const shape = broadcastShape(node, a.shape, b.shape);
  // The batch as it counts from the last axis, which broadcasting aligns.
  const positions = [a, b]
    .filter(isSampled)
    .map((value) => shape.length - value.shape.length + value.batchAxis);
  const batchAxis = positions[0]!;
  if (positions.some((position) => position !== batchAxis)) throw mixesSamples(node);
  const sample = shape.filter((_, axis) => axis !== batchAxis);
  const cellsOf = (value: PlannedValue): Cell[] => {
    const axis = batchAxis - (shape.length - value.shape.length);
    if (!isSampled(value) && axis >= 0 && value.shape[axis] !== 1) throw mixesSamples(node);
    const own = value.shape.filter((_, k) => k !== axis);
    return isSampled(value)
      ? broadcastElements(value.cells, own, sample)
      : context.constants(broadcastElements(value.data, own, sample));
  };
  const [left, right] = [cellsOf(a), cellsOf(b)];
  return { shape, batchAxis, cells: context.append({ kind: "binary", function: name, left, right }) };
}

const unary =
  (name: UnaryFunction): PlanRule =>
  (context) =>
    applyUnary(context, sampledInput(context), name);

const binary =
  (name: BinaryFunction): PlanRule =>
  (context) => {
    const [a, b] = context.inputs;
    if (a === undefined || b === undefined) throw lacks(context.node, "it with an input left out");
    return applyBinary(context, name, a, b);
  };

/** Of any number of inputs, from one of each sample's own on, so that no two constants meet. */
const variadic =
  (name: BinaryFunction): PlanRule =>
  (context) => {
    const given = context.inputs.filter((value) => value !== undefined);
    const first = given.findIndex(isSampled);
    return given
      .filter((_, index) => index !== first)
      .reduce<PlannedValue>((a, b) => applyBinary(context, name, a, b), given[first]!);
  };

const scalar = (value: number): PlannedValue => ({
  elementType: "float32",
  shape: [],
  data: Float64Array.of(value),
});

const clip: PlanRule = (context) => {
  const { node, opset } = context;
  const bound = (index: number, name: string): number | undefined =>
    opset < 11 ? attribute(node, name, "float", undefined) : constantInput(context, index)?.[0];
  const [least, greatest] = [bound(1, "min"), bound(2, "max")];
  let value = sampledInput(context);
  if (least !== undefined) value = applyBinary(context, "max", value, scalar(least));
  if (greatest !== undefined) value = applyBinary(context, "min", value, scalar(greatest));
  return value;
};

const leakyRelu: PlanRule = (context) =>
  applyBinary(
    context,
    "leakyRelu",
    sampledInput(context),
    scalar(attribute(context.node, "alpha", "float", 0.01)),
  );

const pRelu: PlanRule = (context) => {
  const slope = context.inputs[1];
  if (slope === undefined) throw lacks(context.node, "it without slopes");
  return applyBinary(context, "leakyRelu", sampledInput(context), slope);
};

/** Powers that are products or roots. */
const power: PlanRule = (context) => {
  const value = sampledInput(context);
  const exponents = new Set(constantInput(context, 1));
  const [exponent] = exponents;
  if (exponents.size === 1 && exponent === 2) return applyBinary(context, "mul", value, value);
  if (exponents.size === 1 && exponent === 0.5) return applyUnary(context, value, "sqrt");
  throw lacks(context.node, "powers but 2 and 0.5");
};

/** Element by element, with broadcasting over the batch. */
export const elementwiseRules: readonly (readonly [string, PlanRule])[] = [
  ["Abs", unary("abs")],
  ["Add", binary("add")],
  ["Clip", clip],
  ["Div", binary("div")],
  ["Exp", unary("exp")],
  ["LeakyRelu", leakyRelu],
  ["Log", unary("log")],
  ["Max", variadic("max")],
  ["Min", variadic("min")],
  ["Mul", binary("mul")],
  ["Neg", unary("neg")],
  ["Pow", power],
  ["PRelu", pRelu],
  ["Reciprocal", unary("reciprocal")],
  ["Relu", unary("relu")],
  ["Sigmoid", unary("sigmoid")],
  ["Softplus", unary("softplus")],
  ["Sqrt", unary("sqrt")],
  ["Sub", binary("sub")],
  ["Sum", variadic("add")],
  ["Tanh", unary("tanh")],
];
