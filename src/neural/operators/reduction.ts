import { InputError } from "../../errors.js";
import type { ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import {
  converted,
  expanded,
  masked,
  reduced,
  reshaped,
  scalarLike,
  scaled,
  summed,
} from "../network/expressions.js";
import {
  attribute,
  broadcastIndices,
  normalAxis,
  numberType,
  requiredConstant,
  requiredInput,
} from "./arguments.js";
import { numeric } from "./numeric.js";
import type { NumericTensor, Operator, TypedNode } from "./operator.js";

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

/** What the gradient of a reduction is built from. */
interface ReductionGradient extends ReducedAxes {
  readonly builder: NetworkBuilder;
  readonly x: ValueName;
  /** The result and the gradient to it, both with 1 for each reduced axis. */
  readonly y: ValueName;
  readonly gradient: ValueName;
}

interface Reduction {
  readonly name: string;
  /** The operator set from which on the axes are an input. */
  readonly since?: number;
  readonly start: number;
  readonly step: (accumulated: number, value: number) => number;
  readonly finish?: (accumulated: number, count: number) => number;
  /** The gradient to the input, of its shape or one that broadcasts to it. */
  readonly slope: (parts: ReductionGradient) => ValueName;
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
      const { builder } = context;
      const [y, toY] = [context.output(0), gradient].map((value) => reshaped(builder, value, form.kept));
      const made = slope({ ...form, builder, x: context.input(0), y: y!, gradient: toY! });
      return [expanded(builder, made, context.inputTypes[0]!.shape)];
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
  slope: ({ gradient }) => gradient,
});

const reduceMean = reduction({
  name: "ReduceMean",
  start: 0,
  step: plus,
  finish: (all, count) => all / count,
  slope: ({ builder, gradient, count }) => scaled(builder, gradient, 1 / count),
});

/** The gradient goes to the elements that are the extreme, in equal parts. */
function extremeSlope({ builder, x, y, gradient, axes }: ReductionGradient): ValueName {
  const { elementType } = builder.typeOf(x);
  const hits = converted(builder, builder.add("Equal", [x, y]), elementType);
  return builder.add("Mul", [hits, builder.add("Div", [gradient, summed(builder, hits, axes)])]);
}

const reduceMax = reduction({
  name: "ReduceMax",
  start: Number.NEGATIVE_INFINITY,
  step: Math.max,
  slope: extremeSlope,
});

const reduceMin = reduction({
  name: "ReduceMin",
  start: Number.POSITIVE_INFINITY,
  step: Math.min,
  slope: extremeSlope,
});

const reduceProduct = reduction({
  name: "ReduceProd",
  start: 1,
  step: (a, b) => a * b,
  // The product of the others: without dividing by elements that are 0.
  slope({ builder, x, gradient, axes }) {
    const { elementType } = builder.typeOf(x);
    const isZero = builder.add("Equal", [x, scalarLike(builder, x, 0)]);
    const safe = builder.add("Where", [isZero, scalarLike(builder, x, 1), x]);
    const others = builder.add("Div", [reduced(builder, "ReduceProd", safe, axes), safe]);
    const zero = converted(builder, isZero, elementType);
    const noOtherIsZero = builder.add("Equal", [summed(builder, zero, axes), zero]);
    return masked(builder, noOtherIsZero, builder.add("Mul", [gradient, others]));
  },
});

const reduceL1 = reduction({
  name: "ReduceL1",
  start: 0,
  step: (all, value) => all + Math.abs(value),
  slope: ({ builder, x, gradient }) => builder.add("Mul", [gradient, builder.add("Sign", [x])]),
});

const reduceL2 = reduction({
  name: "ReduceL2",
  start: 0,
  step: (all, value) => all + value * value,
  finish: Math.sqrt,
  // The length of zeros has a kink: 0 lies between its slopes.
  slope({ builder, x, y, gradient }) {
    const isZero = builder.add("Equal", [y, scalarLike(builder, y, 0)]);
    const length = builder.add("Where", [isZero, scalarLike(builder, y, 1), y]);
    return builder.add("Mul", [x, builder.add("Div", [gradient, length])]);
  },
});

const reduceSumSquare = reduction({
  name: "ReduceSumSquare",
  start: 0,
  step: (all, value) => all + value * value,
  slope: ({ builder, x, gradient }) => builder.add("Mul", [x, scaled(builder, gradient, 2)]),
});

const reduceLogSum = reduction({
  name: "ReduceLogSum",
  start: 0,
  step: plus,
  finish: Math.log,
  slope: ({ builder, y, gradient }) => builder.add("Div", [gradient, builder.add("Exp", [y])]),
});

const logSumExp = reduction({
  name: "ReduceLogSumExp",
  start: Number.NEGATIVE_INFINITY,
  step: addLogarithms,
  slope: ({ builder, x, y, gradient }) =>
    builder.add("Mul", [gradient, builder.add("Exp", [builder.add("Sub", [x, y])])]),
});

/** log(exp(a) + exp(b)) without overflow. */
function addLogarithms(a: number, b: number): number {
  const largest = Math.max(a, b);
  return Number.isFinite(largest) ? largest + Math.log1p(Math.exp(Math.min(a, b) - largest)) : largest;
}

export const reductionOperators: readonly Operator[] = [
  reduceSum,
  reduceMean,
  reduceMax,
  reduceMin,
  reduceProduct,
  reduceL1,
  reduceL2,
  reduceSumSquare,
  reduceLogSum,
  logSumExp,
];
