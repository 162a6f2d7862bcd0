import { int, type ValueName } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";
import { broadcastShape, broadcastStrides, requiredInput, requiredType } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator, TypedNode } from "./operator.js";

/** The gradient of a broadcast value: summed over what was repeated, to `shape`. */
export function unbroadcast(
  { builder }: Pick<GradientContext, "builder">,
  gradient: ValueName,
  shape: readonly number[],
): ValueName {
  const from = builder.typeOf(gradient).shape;
  const added = from.length - shape.length;
  const axes = from.flatMap((size, axis) =>
    axis < added || (shape[axis - added] === 1 && size !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return gradient;
  const summed = builder.add("ReduceSum", [gradient, builder.constant(int64Tensor(axes))], {
    keepdims: int(1),
  });
  return added === 0 ? summed : builder.add("Reshape", [summed, builder.constant(int64Tensor(shape))]);
}

/** Applies `apply` to the elements of two tensors, broadcast against each other. */
export function broadcastApply(
  { node }: TypedNode,
  a: NumericTensor,
  b: NumericTensor,
  apply: (a: number, b: number) => number,
): NumericTensor {
  const shape = broadcastShape(node, a.shape, b.shape);
  const result = numeric(a.elementType, shape);
  const [stepsOfA, stepsOfB] = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
  const index = new Array<number>(shape.length).fill(0);
  let [atA, atB] = [0, 0];
  for (let at = 0; at < result.data.length; at++) {
    result.data[at] = apply(a.data[atA]!, b.data[atB]!);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      atA += stepsOfA[axis]!;
      atB += stepsOfB[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      atA -= stepsOfA[axis]! * shape[axis]!;
      atB -= stepsOfB[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function binary(
  name: string,
  apply: (a: number, b: number) => number,
  gradients: (context: GradientContext, gradient: ValueName) => readonly [() => ValueName, () => ValueName],
): Operator {
  return {
    name,
    infer: (node) => {
      const [a, b] = [requiredType(node, 0), requiredType(node, 1)];
      return [{ elementType: a.elementType, shape: broadcastShape(node.node, a.shape, b.shape) }];
    },
    evaluate: (node, inputs) => [
      broadcastApply(node, requiredInput(node, inputs, 0), requiredInput(node, inputs, 1), apply),
    ],
    gradient(context) {
      const gradient = context.outputGradient(0);
      if (gradient === undefined) return [];
      return gradients(context, gradient).map((make, index) =>
        context.isWanted(index) ? unbroadcast(context, make(), context.inputTypes[index]!.shape) : undefined,
      );
    },
  };
}

export const add = binary(
  "Add",
  (a, b) => a + b,
  (_, gradient) => [() => gradient, () => gradient],
);

export const multiply = binary(
  "Mul",
  (a, b) => a * b,
  ({ builder, input }, gradient) => [
    () => builder.add("Mul", [gradient, input(1)]),
    () => builder.add("Mul", [gradient, input(0)]),
  ],
);
