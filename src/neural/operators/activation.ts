import { InputError } from "../../errors.js";
import { float, type GraphNode, type ValueName } from "../graph/graph.js";
import { converted, masked, scalarLike, scaled, shifted } from "../network/expressions.js";
import { attribute, broadcastShape, floatingType, requiredInput, requireSameType } from "./arguments.js";
import { broadcastApply, unbroadcast } from "./arithmetic.js";
import { type ElementwiseGradient, elementwise } from "./elementwise.js";
import { errorFunction } from "./functions.js";
import type { Operator } from "./operator.js";

const always = (apply: (x: number) => number) => (_: GraphNode) => apply;

const relu = elementwise({
  name: "Relu",
  make: always((x) => (x > 0 ? x : 0 * x)),
  // Measured in ONNX Runtime over 2^20 elements, beyond an addition: 0.5 ms. Where takes 1.3, Sign 1.7.
  slope: ({ builder, gradient, y }) => {
    const isPositive = builder.add("Greater", [y, scalarLike(builder, y, 0)]);
    const { elementType } = builder.typeOf(y);
    return builder.add("Mul", [gradient, converted(builder, isPositive, elementType)]);
  },
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

const number = (node: GraphNode, name: string, fallback: number) => attribute(node, name, "float", fallback);

/** The gradient where x is positive, else another. */
function bySide({ builder, x }: ElementwiseGradient, positive: ValueName, other: ValueName): ValueName {
  const isPositive = builder.add("Greater", [x, scalarLike(builder, x, 0)]);
  return builder.add("Where", [isPositive, positive, other]);
}

const leakyRelu = elementwise({
  name: "LeakyRelu",
  make: (node) => {
    const alpha = number(node, "alpha", 0.01);
    return (x) => (x < 0 ? alpha * x : x);
  },
  slope: (context) => {
    const { builder, node, gradient } = context;
    return bySide(context, gradient, scaled(builder, gradient, number(node, "alpha", 0.01)));
  },
});

const exponentialLinear = elementwise({
  name: "Elu",
  make: (node) => {
    const alpha = number(node, "alpha", 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  },
  slope: (context) => {
    const { builder, node, gradient, y } = context;
    const slope = shifted(builder, y, number(node, "alpha", 1));
    return bySide(context, gradient, builder.add("Mul", [gradient, slope]));
  },
});

const SELU_ALPHA = 1.6732631921768188;
const SELU_GAMMA = 1.0507010221481323;

const scaledExponentialLinear = elementwise({
  name: "Selu",
  make: (node) => {
    const [alpha, gamma] = [number(node, "alpha", SELU_ALPHA), number(node, "gamma", SELU_GAMMA)];
    return (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x));
  },
  slope: (context) => {
    const { builder, node, gradient, y } = context;
    const [alpha, gamma] = [number(node, "alpha", SELU_ALPHA), number(node, "gamma", SELU_GAMMA)];
    const slope = shifted(builder, y, gamma * alpha);
    return bySide(context, scaled(builder, gradient, gamma), builder.add("Mul", [gradient, slope]));
  },
});

export const softplusOf = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const softplus = elementwise({
  name: "Softplus",
  make: always(softplusOf),
  slope: ({ builder, gradient, x }) => builder.add("Mul", [gradient, builder.add("Sigmoid", [x])]),
});

const softsign = elementwise({
  name: "Softsign",
  make: always((x) => x / (1 + Math.abs(x))),
  slope: ({ builder, gradient, x }) => {
    const root = shifted(builder, builder.add("Abs", [x]), 1);
    return builder.add("Div", [gradient, builder.add("Mul", [root, root])]);
  },
});

const hardLogistic = (x: number, alpha: number, beta: number) => Math.max(0, Math.min(1, alpha * x + beta));

/** 1 where a share lies between 0 and 1, at which it is cut, and 0 at the cuts. */
function isUncut({ builder }: ElementwiseGradient, share: ValueName): ValueName {
  const rest = builder.add("Sub", [scalarLike(builder, share, 1), share]);
  return builder.add("Sign", [builder.add("Mul", [share, rest])]);
}

const hardSigmoid = elementwise({
  name: "HardSigmoid",
  make: (node) => {
    const [alpha, beta] = [number(node, "alpha", 0.2), number(node, "beta", 0.5)];
    return (x) => hardLogistic(x, alpha, beta);
  },
  slope: (context) => {
    const { builder, node, gradient, y } = context;
    const slope = scaled(builder, isUncut(context, y), number(node, "alpha", 0.2));
    return builder.add("Mul", [gradient, slope]);
  },
});

const hardSwish = elementwise({
  name: "HardSwish",
  make: always((x) => x * hardLogistic(x, 1 / 6, 0.5)),
  slope: (context) => {
    const { builder, gradient, x } = context;
    const share = builder.add("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) });
    const growth = builder.add("Mul", [x, scaled(builder, isUncut(context, share), 1 / 6)]);
    return builder.add("Mul", [gradient, builder.add("Add", [share, growth])]);
  },
});

const mish = elementwise({
  name: "Mish",
  make: always((x) => x * Math.tanh(softplusOf(x))),
  slope: ({ builder, gradient, x }) => {
    const share = builder.add("Tanh", [builder.add("Softplus", [x])]);
    const rest = builder.add("Sub", [scalarLike(builder, x, 1), builder.add("Mul", [share, share])]);
    const growth = builder.add("Mul", [builder.add("Mul", [x, builder.add("Sigmoid", [x])]), rest]);
    return builder.add("Mul", [gradient, builder.add("Add", [share, growth])]);
  },
});

const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

function isTanhGelu(node: GraphNode): boolean {
  const form = attribute(node, "approximate", "string", "none");
  if (form !== "none" && form !== "tanh")
    throw new InputError(`attribute approximate of node ${node.name}`, form, "give none or tanh");
  return form === "tanh";
}

const gelu = elementwise({
  name: "Gelu",
  make: (node) =>
    isTanhGelu(node)
      ? (x) => 0.5 * x * (1 + Math.tanh(GELU_SCALE * (x + GELU_CUBIC * x ** 3)))
      : (x) => 0.5 * x * (1 + errorFunction(x * Math.SQRT1_2)),
  slope: (context) => {
    const { builder, node, gradient } = context;
    return builder.add("Mul", [gradient, isTanhGelu(node) ? tanhGeluSlope(context) : geluSlope(context)]);
  },
});

/** The normal distribution and x times its density. */
function geluSlope({ builder, x }: ElementwiseGradient): ValueName {
  const distribution = shifted(builder, builder.add("Erf", [scaled(builder, x, Math.SQRT1_2)]), 1);
  const density = builder.add("Exp", [scaled(builder, builder.add("Mul", [x, x]), -0.5)]);
  const growth = scaled(builder, builder.add("Mul", [x, density]), 1 / Math.sqrt(2 * Math.PI));
  return builder.add("Add", [scaled(builder, distribution, 0.5), growth]);
}

function tanhGeluSlope({ builder, x }: ElementwiseGradient): ValueName {
  const square = scaled(builder, builder.add("Mul", [x, x]), GELU_CUBIC);
  const inner = scaled(builder, builder.add("Mul", [x, shifted(builder, square, 1)]), GELU_SCALE);
  const tangent = builder.add("Tanh", [inner]);
  const rest = builder.add("Sub", [scalarLike(builder, x, 1), builder.add("Mul", [tangent, tangent])]);
  const innerSlope = scaled(builder, shifted(builder, scaled(builder, square, 3), 1), GELU_SCALE);
  const growth = builder.add("Mul", [builder.add("Mul", [x, rest]), innerSlope]);
  return scaled(builder, builder.add("Add", [shifted(builder, tangent, 1), growth]), 0.5);
}

const parametricRelu: Operator = {
  name: "PRelu",
  infer(node) {
    const [type, slope] = [floatingType(node, 0), floatingType(node, 1)];
    requireSameType(node, 0, 1);
    const shape = broadcastShape(node.node, type.shape, slope.shape);
    if (shape.length !== type.shape.length || shape.some((size, axis) => size !== type.shape[axis]))
      throw new InputError(
        `input 1 of node ${node.node.name}`,
        slope.shape,
        `give what broadcasts to [${type.shape.join(", ")}]`,
      );
    return [type];
  },
  evaluate: (node, inputs) => [
    broadcastApply(node, requiredInput(node, inputs, 0), requiredInput(node, inputs, 1), (x, slope) =>
      x < 0 ? slope * x : x,
    ),
  ],
  gradient(context) {
    const { builder, input, inputTypes, isWanted } = context;
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const [x, slope] = [input(0), input(1)];
    const isNegative = builder.add("Less", [x, scalarLike(builder, x, 0)]);
    const toInput = () => builder.add("Where", [isNegative, builder.add("Mul", [gradient, slope]), gradient]);
    const toSlope = () => masked(builder, isNegative, builder.add("Mul", [gradient, x]));
    return [
      isWanted(0) ? toInput() : undefined,
      isWanted(1) ? unbroadcast(context, toSlope(), inputTypes[1]!.shape) : undefined,
    ];
  },
};

export const activationOperators: readonly Operator[] = [
  relu,
  hyperbolicTangent,
  sigmoid,
  leakyRelu,
  exponentialLinear,
  scaledExponentialLinear,
  softplus,
  softsign,
  hardSigmoid,
  hardSwish,
  mish,
  gelu,
  parametricRelu,
];
