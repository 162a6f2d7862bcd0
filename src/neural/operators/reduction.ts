import { InputError } from "../../errors.js";
import type { ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { expanded, reshaped, scaled } from "../network/expressions.js";
import {
  attribute,
  broadcastIndices,
  normalAxis,
  numberType,
  requiredConstant,
  requiredInput,
} from "./arguments.js";
import { numeric } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator, TypedNode } from "./operator.js";

/** Which axes a reduction takes away. */
export interface ReducedAxes {
  readonly axes: readonly number[];
  /** The shape with 1 for each reduced axis. */
  readonly kept: readonly number[];
  /** The result's shape. */
  readonly shape: readonly number[];
  /** Elements that make one of the result. */
  readonly count: number;
}

/** Reads a reduction's axes: an input since operator set `since`, an attribute before. */
export function reducedAxes(node: TypedNode, since: number): ReducedAxes {
  const { shape } = numberType(node, 0);
  const given =
    node.opset < since
      ? attribute(node.node, "axes", "ints", [])
      : node.inputTypes[1] === undefined
        ? []
        : [...requiredConstant(node, 1).data];
  const keepsNone =
    node.opset >= since && attribute(node.node, "noop_with_empty_axes", "int", 0) !== 0 && given.length === 0;
  const all = shape.map((_, axis) => axis);
  const axes = keepsNone
    ? []
    : given.length === 0
      ? all
      : given.map((axis) => normalAxis(node.node, axis, shape.length));
  if (new Set(axes).size !== axes.length)
    throw new InputError(`axes of node ${node.node.name}`, given, "give each once");
  const keeps = attribute(node.node, "keepdims", "int", 1) !== 0;
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return {
    axes,
    kept,
    shape: keeps ? kept : shape.filter((_, axis) => !axes.includes(axis)),
    count: axes.reduce((product, axis) => product * shape[axis]!, 1),
  };
}

/** A reduction's gradient in the shape of its input. */
export function spread(
  { builder }: GradientContext,
  value: ValueName,
  shape: readonly number[],
  kept: readonly number[],
) {
  return expanded(builder, reshaped(builder, value, kept), shape);
}

interface Reduction {
  readonly name: string;
  /** The operator set from which on the axes are an input. */
  readonly since?: number;
  readonly start: number;
  readonly step: (accumulated: number, value: number) => number;
  readonly finish?: (accumulated: number, count: number) => number;
  /** The gradient to the input, of its shape, from the result and its gradient, both of the kept shape. */
  readonly slope: (context: GradientContext, gradient: ValueName, form: ReducedAxes) => ValueName;
}

function reduction({ name, since = 18, start, step, finish = (all) => all, slope }: Reduction): Operator {
  return {
    name,
    infer: (node) => [
      { elementType: numberType(node, 0).elementType, shape: reducedAxes(node, since).shape },
    ],
    evaluate(node, inputs) {
      const value = requiredInput(node, inputs, 0);
      const { kept, shape, count } = reducedAxes(node, since);
      return [
        numeric(
          value.elementType,
          shape,
          accumulate(value, kept, start, step).map((all) => finish(all, count)),
        ),
      ];
    },
    gradient(context) {
      const gradient = context.outputGradient(0);
      if (gradient === undefined || !context.isWanted(0)) return [];
      const form = reducedAxes(context, since);
      return [slope(context, reshaped(context.builder, gradient, form.kept), form)];
    },
  };
}

function accumulate(
  { shape, data }: NumericTensor,
  kept: readonly number[],
  start: number,
  step: Reduction["step"],
): Float64Array {
  const result = new Float64Array(elementCount(kept)).fill(start);
  const to = broadcastIndices(kept, shape);
  for (let at = 0; at < data.length; at++) result[to[at]!] = step(result[to[at]!]!, data[at]!);
  return result;
}

const plus = (a: number, b: number) => a + b;

const reduceSum = reduction({
  name: "ReduceSum",
  since: 13,
  start: 0,
  step: plus,
  slope: ({ builder, inputTypes }, gradient) => expanded(builder, gradient, inputTypes[0]!.shape),
});

const reduceMean = reduction({
  name: "ReduceMean",
  start: 0,
  step: plus,
  finish: (all, count) => all / count,
  slope: ({ builder, inputTypes }, gradient, { count }) =>
    expanded(builder, scaled(builder, gradient, 1 / count), inputTypes[0]!.shape),
});

export const reductionOperators: readonly Operator[] = [reduceSum, reduceMean];
