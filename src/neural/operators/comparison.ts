import { InputError } from "../../errors.js";
import { masked, scalarLike } from "../network/expressions.js";
import {
  broadcastIndices,
  broadcastShape,
  numberType,
  requiredInput,
  requiredType,
  requireSameType,
} from "./arguments.js";
import { broadcastApply, unbroadcast } from "./arithmetic.js";
import { numeric } from "./numeric.js";
import type { Operator, TypedNode } from "./operator.js";

function requireBool(node: TypedNode, index: number): readonly number[] {
  const { elementType, shape } = requiredType(node, index);
  if (elementType !== "bool")
    throw new InputError(`input ${index} of node ${node.node.name}`, elementType, "give bool");
  return shape;
}

function choiceShape(node: TypedNode): readonly number[] {
  const branches = broadcastShape(node.node, requiredType(node, 1).shape, requiredType(node, 2).shape);
  return broadcastShape(node.node, requireBool(node, 0), branches);
}

const where: Operator = {
  name: "Where",
  infer(node) {
    requireSameType(node, 1, 2);
    return [{ elementType: requiredType(node, 1).elementType, shape: choiceShape(node) }];
  },
  evaluate(node, inputs) {
    const values = [0, 1, 2].map((index) => requiredInput(node, inputs, index));
    const shape = choiceShape(node);
    const [condition, one, other] = values.map(({ data, shape: from }) => ({
      data,
      indices: broadcastIndices(from, shape),
    })) as [Source, Source, Source];
    const result = numeric(values[1]!.elementType, shape);
    for (let at = 0; at < result.data.length; at++) {
      const { data, indices } = condition.data[condition.indices[at]!] !== 0 ? one : other;
      result.data[at] = data[indices[at]!]!;
    }
    return [result];
  },
  gradient(context) {
    const { builder, input, inputTypes, isWanted } = context;
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const toOne = () => masked(builder, input(0), gradient);
    const toOther = () => builder.add("Where", [input(0), scalarLike(builder, gradient, 0), gradient]);
    return [
      undefined,
      ...[toOne, toOther].map((make, index) =>
        isWanted(index + 1) ? unbroadcast(context, make(), inputTypes[index + 1]!.shape) : undefined,
      ),
    ];
  },
};

interface Source {
  readonly data: Float64Array;
  readonly indices: Int32Array;
}

/** An operator of two inputs whose result is bool, and so constant almost everywhere. */
function predicate(
  name: string,
  takes: "anything" | "numbers" | "bool",
  holds: (a: number, b: number) => boolean,
): Operator {
  return {
    name,
    infer(node) {
      if (takes === "bool") requireBool(node, 0);
      if (takes === "numbers") numberType(node, 0);
      requireSameType(node, 0, 1);
      const shape = broadcastShape(node.node, requiredType(node, 0).shape, requiredType(node, 1).shape);
      return [{ elementType: "bool", shape }];
    },
    evaluate(node, inputs) {
      const apply = (a: number, b: number) => (holds(a, b) ? 1 : 0);
      const result = broadcastApply(
        node,
        requiredInput(node, inputs, 0),
        requiredInput(node, inputs, 1),
        apply,
      );
      return [{ ...result, elementType: "bool" }];
    },
    gradient: () => [],
  };
}

const not: Operator = {
  name: "Not",
  infer: (node) => [{ elementType: "bool", shape: requireBool(node, 0) }],
  evaluate(node, inputs) {
    const { shape, data } = requiredInput(node, inputs, 0);
    return [
      numeric(
        "bool",
        shape,
        data.map((value) => 1 - value),
      ),
    ];
  },
  gradient: () => [],
};

export const comparisonOperators: readonly Operator[] = [
  where,
  predicate("Equal", "anything", (a, b) => a === b),
  predicate("Greater", "numbers", (a, b) => a > b),
  predicate("GreaterOrEqual", "numbers", (a, b) => a >= b),
  predicate("Less", "numbers", (a, b) => a < b),
  predicate("LessOrEqual", "numbers", (a, b) => a <= b),
  predicate("And", "bool", (a, b) => a !== 0 && b !== 0),
  predicate("Or", "bool", (a, b) => a !== 0 || b !== 0),
  predicate("Xor", "bool", (a, b) => a !== b),
  not,
];
