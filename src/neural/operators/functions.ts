import type { GraphNode } from "../graph/graph.js";
import { scaled, shifted } from "../network/expressions.js";
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

/** The error function, to about 1e-15: its power series, and beyond 3 the continued fraction of the complement. */
export function errorFunction(x: number): number {
  const square = x * x;
  if (square < 9) {
    // exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!: all terms are of one sign, so that nothing cancels.
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * square) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-square) * sum;
  }
  if (!(square < 40)) return Number.isNaN(x) ? x : Math.sign(x);
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (Math.abs(x) + fraction);
  const complement = Math.exp(-square) / (Math.sqrt(Math.PI) * (Math.abs(x) + fraction));
  return Math.sign(x) * (1 - complement);
}

const error = elementwise({
  name: "Erf",
  make: always(errorFunction),
  slope: (context) => {
    const { builder, x } = context;
    const density = builder.add("Exp", [builder.add("Neg", [builder.add("Mul", [x, x])])]);
    return times(context, scaled(builder, density, 2 / Math.sqrt(Math.PI)));
  },
});

const sine = elementwise({
  name: "Sin",
  make: always(Math.sin),
  slope: (context) => times(context, context.builder.add("Cos", [context.x])),
});

const cosine = elementwise({
  name: "Cos",
  make: always(Math.cos),
  slope: (context) => times(context, context.builder.add("Neg", [context.builder.add("Sin", [context.x])])),
});

const arctangent = elementwise({
  name: "Atan",
  make: always(Math.atan),
  slope: ({ builder, gradient, x }) =>
    builder.add("Div", [gradient, shifted(builder, builder.add("Mul", [x, x]), 1)]),
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
  error,
  sine,
  cosine,
  arctangent,
];
