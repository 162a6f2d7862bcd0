import type { GraphNode } from "../graph/graph.js";
import { scalarLike } from "../network/expressions.js";
import { elementwise } from "./elementwise.js";
import type { Operator } from "./operator.js";

const always = (apply: (x: number) => number) => (_: GraphNode) => apply;

const relu = elementwise({
  name: "Relu",
  make: always((x) => (x > 0 ? x : 0 * x)),
  // The sign of what Relu gives is 1 where the input was positive and else 0.
  slope: ({ builder, gradient, y }) => builder.add("Mul", [gradient, builder.add("Sign", [y])]),
  takesIntegers: true,
});

const hyperbolicTangent = elementwise({
  name: "Tanh",
  make: always(Math.tanh),
  slope: ({ builder, gradient, y }) => {
    const square = builder.add("Mul", [y, y]);
    return builder.add("Mul", [gradient, builder.add("Sub", [scalarLike(builder, y, 1), square])]);
  },
});

export const logistic = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

const sigmoid = elementwise({
  name: "Sigmoid",
  make: always(logistic),
  slope: ({ builder, gradient, y }) => {
    const slope = builder.add("Mul", [y, builder.add("Sub", [scalarLike(builder, y, 1), y])]);
    return builder.add("Mul", [gradient, slope]);
  },
});

export const activationOperators: readonly Operator[] = [relu, hyperbolicTangent, sigmoid];
