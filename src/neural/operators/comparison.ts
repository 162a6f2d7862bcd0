import { InputError } from "../../errors.js";
import { masked, scalarLike } from "../network/expressions.js";
import {
  broadcastIndices,
  broadcastShape,
  requiredInput,
  requiredType,
  requireSameType,
} from "./arguments.js";
import { unbroadcast } from "./arithmetic.js";
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

export const comparisonOperators: readonly Operator[] = [where];
