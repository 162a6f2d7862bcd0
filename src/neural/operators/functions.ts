import type { GraphNode } from "../graph/graph.js";
import { scaled } from "../network/expressions.js";
import { type ElementwiseGradient, elementwise } from "./elementwise.js";
import type { Operator } from "./operator.js";

const always = (apply: (x: number) => number) => (_: GraphNode) => apply;

/** The gradient times another value. */
const times = ({ builder, gradient }: ElementwiseGradient, value: string) =>
  builder.add("Mul", [gradient, value]);

const negate = elementwise({
  name: "Neg",
  make: always((x) => -x),
  slope: ({ builder, gradient }) => builder.add("Neg", [gradient]),
  takesIntegers: true,
});

const absolute = elementwise({
  name: "Abs",
  make: always(Math.abs),
  slope: (context) => times(context, context.builder.add("Sign", [context.x])),
  takesIntegers: true,
});

const sign = elementwise({ name: "Sign", make: always(Math.sign), takesIntegers: true });
const floor = elementwise({ name: "Floor", make: always(Math.floor) });
const ceil = elementwise({ name: "Ceil", make: always(Math.ceil) });

/** Halves to even, as the specification has it. */
const round = elementwise({
  name: "Round",
  make: always((x) => {
    const rounded = Math.round(x);
    return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  }),
});

const reciprocal = elementwise({
  name: "Reciprocal",
  make: always((x) => 1 / x),
  slope: (context) => {
    const { builder, y } = context;
    return builder.add("Neg", [times(context, builder.add("Mul", [y, y]))]);
  },
});

const squareRoot = elementwise({
  name: "Sqrt",
  make: always(Math.sqrt),
  slope: ({ builder, gradient, y }) => builder.add("Div", [gradient, scaled(builder, y, 2)]),
});

const exponential = elementwise({
  name: "Exp",
  make: always(Math.exp),
  slope: (context) => times(context, context.y),
});

const logarithm = elementwise({
  name: "Log",
  make: always(Math.log),
  slope: ({ builder, gradient, x }) => builder.add("Div", [gradient, x]),
});

export const functionOperators: readonly Operator[] = [
  negate,
  absolute,
  sign,
  floor,
  ceil,
  round,
  reciprocal,
  squareRoot,
  exponential,
  logarithm,
];
