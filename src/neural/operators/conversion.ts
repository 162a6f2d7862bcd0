import { InputError } from "../../errors.js";
import { elementTypeCodes } from "../graph/element-type-codes.js";
import type { AttributeValues, GraphNode } from "../graph/graph.js";
import { type ElementType, elementArray, float32Tensor, int64Tensor, type Tensor } from "../graph/tensor.js";
import { converted } from "../network/expressions.js";
import { attribute, isFloating, requiredInput, requiredType } from "./arguments.js";
import { numeric, numericTensor } from "./numeric.js";
import type { NumericTensor, Operator } from "./operator.js";

const elementTypesByCode = new Map(
  Object.entries(elementTypeCodes).map(([elementType, code]) => [code, elementType as ElementType]),
);

export const identity: Operator = {
  name: "Identity",
  infer: (node) => [requiredType(node, 0)],
  evaluate: (node, inputs) => [requiredInput(node, inputs, 0)],
  gradient: ({ outputGradient }) => [outputGradient(0)],
};

const constants: { readonly [K in keyof AttributeValues]?: (value: AttributeValues[K]) => Tensor } = {
  tensor: (value) => value,
  float: (value) => float32Tensor([value], []),
  floats: (value) => float32Tensor(value),
  int: (value) => int64Tensor([value], []),
  ints: (value) => int64Tensor(value),
};

function constantValue(node: GraphNode): Tensor {
  const forms = {
    value: "tensor",
    value_float: "float",
    value_floats: "floats",
    value_int: "int",
    value_ints: "ints",
  } as const;
  for (const [name, kind] of Object.entries(forms)) {
    const given = attribute(node, name, kind, undefined);
    if (given !== undefined) return (constants[kind] as (value: typeof given) => Tensor)(given);
  }
  throw new InputError(
    `attributes of node ${node.name}`,
    Object.keys(node.attributes),
    `give a Constant one of ${Object.keys(forms).join(", ")}`,
  );
}

export const constant: Operator = {
  name: "Constant",
  infer: ({ node }) => {
    const { elementType, shape } = constantValue(node);
    return [{ elementType, shape }];
  },
  evaluate: ({ node }) => [numericTensor(constantValue(node))],
  gradient: () => [],
};

/** The elements as the type can hold them. Floating-point numbers stay doubles: only integers are cut. */
export function convertedElements({ data }: NumericTensor, to: ElementType): Float64Array {
  if (isFloating(to)) return data;
  if (to === "bool") return data.map((value) => (value === 0 ? 0 : 1));
  // Larger than what typed arrays wrap around exactly.
  if (to === "int64" || to === "uint64") return data.map((value) => Math.trunc(value) || 0);
  const stored = elementArray(to, data.length);
  stored.set(data as unknown as never);
  return Float64Array.from(stored as Int32Array);
}

function target(node: GraphNode): ElementType {
  const to = attribute(node, "to", "int", undefined);
  const elementType = elementTypesByCode.get(to ?? 0);
  if (elementType === undefined)
    throw new InputError(
      `attribute to of node ${node.name}`,
      to,
      `give one of ${[...elementTypesByCode.keys()].join(", ")}`,
    );
  return elementType;
}

export const cast: Operator = {
  name: "Cast",
  infer: (node) => [{ elementType: target(node.node), shape: requiredType(node, 0).shape }],
  evaluate(node, inputs) {
    const value = requiredInput(node, inputs, 0);
    const to = target(node.node);
    return [numeric(to, value.shape, convertedElements(value, to))];
  },
  // What is cut to integers is constant almost everywhere; a gradient to integers goes on to the operator that made
  // them, which knows whether it has one.
  gradient({ builder, inputTypes, outputTypes, outputGradient }) {
    const gradient = outputGradient(0);
    const from = inputTypes[0]!.elementType;
    if (gradient === undefined || !isFloating(outputTypes[0]!.elementType)) return [];
    return [isFloating(from) ? converted(builder, gradient, from) : gradient];
  },
};

export const conversionOperators: readonly Operator[] = [identity, constant, cast];
