import { elementCount } from "../../graph/tensor.js";
import { attribute, normalAxis } from "../../operators/arguments.js";
import type { NumericTensor } from "../../operators/operator.js";
import { applyBinary, applyUnary, constantInput, sampledInput } from "./elementwise-rules.js";
import { listArgument } from "./layout-rules.js";
import type { BinaryFunction, Cell } from "./plan.js";
import type { PlanContext, PlanRule } from "./planner.js";
import {
  lacks,
  mixesSamples,
  rowMajorStrides,
  type SampleTensor,
  sampleAxis,
  sampleShape,
  stridedElements,
} from "./sample-tensor.js";

const scalar = (value: number): NumericTensor => ({
  elementType: "float32",
  shape: [],
  data: Float64Array.of(value),
});

/** Joins the elements along axes, pairwise, halves first; the axes stay with the size 1. */
function reduced(
  context: PlanContext,
  value: SampleTensor,
  axes: readonly number[],
  name: BinaryFunction,
): SampleTensor {
  const own = sampleShape(value);
  const strides = rowMajorStrides(own);
  const inner = new Set(axes.map((axis) => sampleAxis(context.node, value, axis)));
  const pick = (wanted: boolean) => own.flatMap((_, axis) => (inner.has(axis) === wanted ? [axis] : []));
  const order = [...pick(false), ...pick(true)];
  const cells = stridedElements(
    value.cells,
    order.map((axis) => own[axis]!),
    order.map((axis) => strides[axis]!),
  );
  const count = elementCount(pick(true).map((axis) => own[axis]!));
  let rows = Array.from({ length: cells.length / count }, (_, k) => cells.slice(k * count, (k + 1) * count));
  while (rows.some((row) => row.length > 1)) {
    const half = Math.floor(rows[0]!.length / 2);
    const [left, right] = [0, half].map((from) => rows.flatMap((row) => row.slice(from, from + half)));
    const joined = context.append({ kind: "binary", function: name, left: left!, right: right! });
    rows = rows.map((row, k) => [...joined.slice(k * half, (k + 1) * half), ...row.slice(2 * half)]);
  }
  const shape = value.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return { shape, batchAxis: value.batchAxis, cells: rows.flat() as Cell[] };
}

/** The axes of a reduction: from opset 13 or 18 on an input, before an attribute. */
function axesOf(context: PlanContext, value: SampleTensor, opset: number): number[] {
  const given = listArgument(context, opset, "axes", 1);
  if (given === undefined || given.length === 0) throw mixesSamples(context.node);
  return given.map((axis) => normalAxis(context.node, axis, value.shape.length));
}

/** Without the axes unless they are kept. */
function kept({ node }: PlanContext, value: SampleTensor, axes: readonly number[]): SampleTensor {
  if (attribute(node, "keepdims", "int", 1) !== 0) return value;
  return {
    ...value,
    shape: value.shape.filter((_, axis) => !axes.includes(axis)),
    batchAxis: value.batchAxis - axes.filter((axis) => axis < value.batchAxis).length,
  };
}

type Finish = (context: PlanContext, reduced: SampleTensor, count: number) => SampleTensor;
type Begin = (context: PlanContext, value: SampleTensor) => SampleTensor;

function reduction(name: BinaryFunction, opset: number, finish?: Finish, begin?: Begin): PlanRule {
  return (context) => {
    const value = sampledInput(context);
    const axes = axesOf(context, value, opset);
    const count = elementCount(axes.map((axis) => value.shape[axis]!));
    const joined = reduced(context, begin === undefined ? value : begin(context, value), axes, name);
    return kept(context, finish === undefined ? joined : finish(context, joined, count), axes);
  };
}

const square: Begin = (context, value) => applyBinary(context, "mul", value, value);
const mean: Finish = (context, value, count) => applyBinary(context, "mul", value, scalar(1 / count));

/** The axis of a softmax, which was the first of several before opset 13. */
function softmaxAxes({ node, opset }: PlanContext, value: SampleTensor): number[] {
  const rank = value.shape.length;
  const axis = normalAxis(node, attribute(node, "axis", "int", opset < 13 ? 1 : -1), rank);
  return opset < 13 ? value.shape.flatMap((_, k) => (k >= axis ? [k] : [])) : [axis];
}

const softmax: PlanRule = (context) => {
  const value = sampledInput(context);
  const axes = softmaxAxes(context, value);
  const shifted = applyBinary(context, "sub", value, reduced(context, value, axes, "max"));
  const powers = applyUnary(context, shifted, "exp");
  const inverse = applyUnary(context, reduced(context, powers, axes, "add"), "reciprocal");
  return applyBinary(context, "mul", powers, inverse);
};

const logSoftmax: PlanRule = (context) => {
  const value = sampledInput(context);
  const axes = softmaxAxes(context, value);
  const shifted = applyBinary(context, "sub", value, reduced(context, value, axes, "max"));
  const sum = reduced(context, applyUnary(context, shifted, "exp"), axes, "add");
  return applyBinary(context, "sub", shifted, applyUnary(context, sum, "log"));
};

/** In its form for inference: a multiplication and an addition a channel. */
const batchNormalization: PlanRule = (context) => {
  const { node } = context;
  const value = sampledInput(context);
  if (attribute(node, "training_mode", "int", 0) !== 0) throw mixesSamples(node);
  const [scale, offset, means, variances] = [1, 2, 3, 4].map((index) => constantInput(context, index));
  const epsilon = attribute(node, "epsilon", "float", 1e-5);
  if (!scale || !offset || !means || !variances) throw lacks(node, "it with an input left out");
  if (value.batchAxis !== 0 || value.shape[1] !== scale.length) throw mixesSamples(node);
  const shape = [scale.length, ...value.shape.slice(2).map(() => 1)];
  const factors = scale.map((one, k) => one / Math.sqrt(variances[k]! + epsilon));
  const terms = offset.map((one, k) => one - means[k]! * factors[k]!);
  const scaled = applyBinary(context, "mul", value, { elementType: "float32", shape, data: factors });
  return applyBinary(context, "add", scaled, { elementType: "float32", shape, data: terms });
};

const layerNormalization: PlanRule = (context) => {
  const { node, inputs } = context;
  const value = sampledInput(context);
  const rank = value.shape.length;
  const axis = normalAxis(node, attribute(node, "axis", "int", -1), rank);
  const axes = value.shape.flatMap((_, k) => (k >= axis ? [k] : []));
  const count = elementCount(axes.map((k) => value.shape[k]!));
  const centred = applyBinary(
    context,
    "sub",
    value,
    mean(context, reduced(context, value, axes, "add"), count),
  );
  const variance = mean(context, reduced(context, square(context, centred), axes, "add"), count);
  const epsilon = scalar(attribute(node, "epsilon", "float", 1e-5));
  const deviation = applyUnary(context, applyBinary(context, "add", variance, epsilon), "sqrt");
  let result = applyBinary(context, "mul", centred, applyUnary(context, deviation, "reciprocal"));
  if (inputs[1] !== undefined) result = applyBinary(context, "mul", result, inputs[1]);
  return inputs[2] === undefined ? result : applyBinary(context, "add", result, inputs[2]);
};

/** Sums and extremes over a sample's own axes, and what is made of them. */
export const reductionRules: readonly (readonly [string, PlanRule])[] = [
  ["BatchNormalization", batchNormalization],
  ["LayerNormalization", layerNormalization],
  ["LogSoftmax", logSoftmax],
  ["ReduceL2", reduction("add", 18, (context, value) => applyUnary(context, value, "sqrt"), square)],
  ["ReduceMax", reduction("max", 18)],
  ["ReduceMean", reduction("add", 18, mean)],
  ["ReduceMin", reduction("min", 18)],
  ["ReduceSum", reduction("add", 13)],
  ["ReduceSumSquare", reduction("add", 18, undefined, square)],
  ["Softmax", softmax],
];
