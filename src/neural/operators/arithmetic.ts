import type { ValueName } from "../graph/graph.js";
import { converted, masked, reshaped, scalarLike, scaled, shifted, summed } from "../network/expressions.js";
import {
  broadcastIndices,
  broadcastShape,
  isFloating,
  numberType,
  requiredInput,
  requiredType,
  requireSameType,
} from "./arguments.js";
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
  const isRepeated = (axis: number) => axis >= added && shape[axis - added] === 1 && from[axis] !== 1;
  const axes = from.flatMap((_, axis) => (axis < added || isRepeated(axis) ? [axis] : []));
  const keep = axes.some(isRepeated);
  return reshaped(builder, summed(builder, gradient, axes, keep), shape);
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
  const [one, other, { length }] = [a.data, b.data, result.data];
  if (one.length === length && other.length === length) {
    for (let at = 0; at < length; at++) result.data[at] = apply(one[at]!, other[at]!);
    return result;
  }
  const [fromOne, fromOther] = [broadcastIndices(a.shape, shape), broadcastIndices(b.shape, shape)];
  for (let at = 0; at < length; at++) result.data[at] = apply(one[fromOne[at]!]!, other[fromOther[at]!]!);
  return result;
}

type Apply = (a: number, b: number) => number;

/** Makes the gradients to both inputs, each when it is wanted. */
type BinaryGradients = (
  context: GradientContext,
  gradient: ValueName,
) => readonly [() => ValueName, () => ValueName];

function binary(name: string, apply: Apply, gradients: BinaryGradients): Operator {
  return {
    name,
    infer: (node) => {
      const [a, b] = [numberType(node, 0), numberType(node, 1)];
      requireSameType(node, 0, 1);
      return [{ elementType: a.elementType, shape: broadcastShape(node.node, a.shape, b.shape) }];
    },
    evaluate: (node, inputs) => [
      broadcastApply(node, requiredInput(node, inputs, 0), requiredInput(node, inputs, 1), apply),
    ],
    gradient: (context) => binaryGradient(context, gradients),
  };
}

function binaryGradient(context: GradientContext, gradients: BinaryGradients): (ValueName | undefined)[] {
  const gradient = context.outputGradient(0);
  if (gradient === undefined) return [];
  return gradients(context, gradient).map((make, index) =>
    context.isWanted(index) ? unbroadcast(context, make(), context.inputTypes[index]!.shape) : undefined,
  );
}

const add = binary(
  "Add",
  (a, b) => a + b,
  (_, gradient) => [() => gradient, () => gradient],
);

const subtract = binary(
  "Sub",
  (a, b) => a - b,
  ({ builder }, gradient) => [() => gradient, () => builder.add("Neg", [gradient])],
);

const multiply = binary(
  "Mul",
  (a, b) => a * b,
  ({ builder, input }, gradient) => [
    () => builder.add("Mul", [gradient, input(1)]),
    () => builder.add("Mul", [gradient, input(0)]),
  ],
);

const quotient = binary(
  "Div",
  (a, b) => a / b,
  ({ builder, input, output }, gradient) => {
    const toNumerator = () => builder.add("Div", [gradient, input(1)]);
    return [toNumerator, () => builder.add("Neg", [builder.add("Mul", [toNumerator(), output(0)])])];
  },
);

const divide: Operator = {
  ...quotient,
  evaluate(node, inputs) {
    const [a, b] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 1)];
    // Integers are cut towards zero; what a division by zero gives is the implementation's choice.
    const apply: Apply = isFloating(a.elementType)
      ? (one, other) => one / other
      : (one, other) => (other === 0 ? 0 : Math.trunc(one / other));
    return [broadcastApply(node, a, b, apply)];
  },
};

const power: Operator = {
  name: "Pow",
  infer(node) {
    const [base, exponent] = [numberType(node, 0), numberType(node, 1)];
    return [{ elementType: base.elementType, shape: broadcastShape(node.node, base.shape, exponent.shape) }];
  },
  evaluate(node, inputs) {
    const [base, exponent] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 1)];
    const apply: Apply = isFloating(base.elementType)
      ? (one, other) => one ** other
      : (one, other) => Math.trunc(one ** other);
    return [broadcastApply(node, base, exponent, apply)];
  },
  gradient: (context) =>
    binaryGradient(context, (_, gradient) => [
      () => gradientToBase(context, gradient),
      () => gradientToExponent(context, gradient),
    ]),
};

function gradientToBase(context: GradientContext, gradient: ValueName): ValueName {
  const { builder, input, inputTypes } = context;
  const [base, { elementType }] = [input(0), inputTypes[0]!];
  // Squares are what powers mostly are, and a general power is a slow function. A wanted exponent may change.
  const known = context.isWanted(1) ? undefined : context.constant(1)?.data;
  if (known?.every((exponent) => exponent === 2))
    return builder.add("Mul", [gradient, scaled(builder, base, 2)]);
  const exponent = converted(builder, input(1), elementType);
  // A power of 0 has the slope 0 at 0, too, where the rule says 0 times infinity.
  const isZero = builder.add("Equal", [exponent, scalarLike(builder, exponent, 0)]);
  const lowered = builder.add("Where", [isZero, exponent, shifted(builder, exponent, -1)]);
  const slope = builder.add("Mul", [exponent, builder.add("Pow", [base, lowered])]);
  return builder.add("Mul", [gradient, slope]);
}

function gradientToExponent({ builder, input, output }: GradientContext, gradient: ValueName): ValueName {
  const [base, exponent] = [input(0), input(1)];
  // The logarithm of what is not positive: the power is 0 there for positive exponents, and so is its slope.
  const isPositive = builder.add("Greater", [base, scalarLike(builder, base, 0)]);
  const safe = builder.add("Where", [isPositive, base, scalarLike(builder, base, 1)]);
  const slope = builder.add("Mul", [output(0), builder.add("Log", [safe])]);
  const product = builder.add("Mul", [gradient, slope]);
  return converted(builder, product, builder.typeOf(exponent).elementType);
}

/** An operator of any number of inputs that are broadcast against each other. */
function variadic(
  name: string,
  combine: Apply,
  finish: (combined: number, count: number) => number,
  gradient: NonNullable<Operator["gradient"]>,
): Operator {
  return {
    name,
    infer(node) {
      const { elementType, shape } = numberType(node, 0);
      let all: readonly number[] = shape;
      for (let index = 1; index < node.inputTypes.length; index++) {
        requireSameType(node, 0, index);
        all = broadcastShape(node.node, all, requiredType(node, index).shape);
      }
      return [{ elementType, shape: all }];
    },
    evaluate(node, inputs) {
      const count = inputs.length;
      let combined = requiredInput(node, inputs, 0);
      for (let index = 1; index < count; index++)
        combined = broadcastApply(node, combined, requiredInput(node, inputs, index), combine);
      return [{ ...combined, data: combined.data.map((value) => finish(value, count)) }];
    },
    gradient,
  };
}

const sum = variadic(
  "Sum",
  (a, b) => a + b,
  (all) => all,
  (context) => variadicGradient(context, (gradient) => gradient),
);

const mean = variadic(
  "Mean",
  (a, b) => a + b,
  (all, count) => all / count,
  (context) =>
    variadicGradient(context, (gradient) => scaled(context.builder, gradient, 1 / context.inputTypes.length)),
);

function variadicGradient(
  context: GradientContext,
  share: (gradient: ValueName, index: number) => ValueName,
): (ValueName | undefined)[] {
  const gradient = context.outputGradient(0);
  if (gradient === undefined) return [];
  return context.inputTypes.map((type, index) =>
    context.isWanted(index) ? unbroadcast(context, share(gradient, index), type!.shape) : undefined,
  );
}

/** The gradient goes to the input that is the extreme; inputs that are equal share it evenly. */
function extremeGradient(context: GradientContext): readonly (ValueName | undefined)[] {
  const { builder, input, output, inputTypes, outputTypes } = context;
  const { elementType } = outputTypes[0]!;
  const hits = inputTypes.map((_, index) =>
    converted(builder, builder.add("Equal", [input(index), output(0)]), elementType),
  );
  const count = hits.length === 1 ? hits[0]! : builder.add("Sum", hits);
  return variadicGradient(context, (gradient, index) =>
    builder.add("Mul", [builder.add("Div", [gradient, count]), hits[index]!]),
  );
}

const same = (value: number) => value;
const minimum = variadic("Min", (a, b) => Math.min(a, b), same, extremeGradient);
const maximum = variadic("Max", (a, b) => Math.max(a, b), same, extremeGradient);

const clip: Operator = {
  name: "Clip",
  infer(node) {
    const type = numberType(node, 0);
    for (const index of [1, 2]) if (node.inputTypes[index] !== undefined) requireSameType(node, 0, index);
    return [type];
  },
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const lower = inputs[1]?.data[0] ?? Number.NEGATIVE_INFINITY;
    const upper = inputs[2]?.data[0] ?? Number.POSITIVE_INFINITY;
    return [
      numeric(
        elementType,
        shape,
        data.map((value) => Math.min(upper, Math.max(value, lower))),
      ),
    ];
  },
  gradient({ builder, input, output, outputGradient, isWanted }) {
    const gradient = outputGradient(0);
    if (gradient === undefined || !isWanted(0)) return [];
    return [masked(builder, builder.add("Equal", [input(0), output(0)]), gradient)];
  },
};

export const arithmeticOperators: readonly Operator[] = [
  add,
  subtract,
  multiply,
  divide,
  power,
  sum,
  mean,
  minimum,
  maximum,
  clip,
];
