import type { ValueName } from "../graph/graph.js";
import { summed } from "../network/expressions.js";
import { attribute, floatingType, normalAxis, requiredInput, requiredType } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator, TypedNode } from "./operator.js";
import { alongAxis } from "./scan.js";

function axisOf(node: TypedNode): number {
  return normalAxis(node.node, attribute(node.node, "axis", "int", -1), requiredType(node, 0).shape.length);
}

/** Logarithms of the shares that exponentials have of their sum along the axis. */
export function logarithmicShares({ elementType, shape, data }: NumericTensor, axis: number): NumericTensor {
  const result = numeric(elementType, shape);
  alongAxis(shape, axis, (at, step, size) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < size; i++) largest = Math.max(largest, data[at + i * step]!);
    let sum = 0;
    for (let i = 0; i < size; i++) sum += Math.exp(data[at + i * step]! - largest);
    const normalizer = largest + Math.log(sum);
    for (let i = 0; i < size; i++) result.data[at + i * step] = data[at + i * step]! - normalizer;
  });
  return result;
}

function softmaxLike(
  name: string,
  finish: (logarithm: number) => number,
  slope: (context: GradientContext, gradient: ValueName, axis: number) => ValueName,
): Operator {
  return {
    name,
    infer(node) {
      const type = floatingType(node, 0);
      axisOf(node);
      return [type];
    },
    evaluate(node, inputs) {
      const shares = logarithmicShares(requiredInput(node, inputs, 0), axisOf(node));
      return [{ ...shares, data: shares.data.map(finish) }];
    },
    gradient(context) {
      const gradient = context.outputGradient(0);
      if (gradient === undefined || !context.isWanted(0)) return [];
      return [slope(context, gradient, axisOf(context))];
    },
  };
}

const softmax = softmaxLike("Softmax", Math.exp, ({ builder, output }, gradient, axis) => {
  const weighted = builder.add("Mul", [gradient, output(0)]);
  const common = builder.add("Mul", [output(0), summed(builder, weighted, [axis])]);
  return builder.add("Sub", [weighted, common]);
});

const logSoftmax = softmaxLike(
  "LogSoftmax",
  (logarithm) => logarithm,
  ({ builder, output }, gradient, axis) => {
    const shares = builder.add("Exp", [output(0)]);
    const common = builder.add("Mul", [shares, summed(builder, gradient, [axis])]);
    return builder.add("Sub", [gradient, common]);
  },
);

export const softmaxOperators: readonly Operator[] = [softmax, logSoftmax];
