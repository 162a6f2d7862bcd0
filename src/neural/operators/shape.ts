import { InputError } from "../../errors.js";
import type { GraphNode } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { reshaped, transposed } from "../network/expressions.js";
import {
  attribute,
  broadcastIndices,
  broadcastShape,
  requiredConstant,
  requiredInput,
  requiredType,
} from "./arguments.js";
import { unbroadcast } from "./arithmetic.js";
import { numeric } from "./numeric.js";
import type { Operator, TypedNode } from "./operator.js";

/** The shape that a Reshape asks for: 0 keeps a size, one -1 takes what is left. */
function askedShape(node: TypedNode): readonly number[] {
  const from = requiredType(node, 0).shape;
  const asked = [...requiredConstant(node, 1).data];
  const keepsZeros = attribute(node.node, "allowzero", "int", 0) !== 0;
  const refuse = () =>
    new InputError(
      `shape of node ${node.node.name}`,
      `[${asked.join(", ")}]`,
      `give one of ${elementCount(from)} elements`,
    );
  const shape = asked.map((size, axis) => (size === 0 && !keepsZeros ? (from[axis] ?? -2) : size));
  const open = shape.indexOf(-1);
  const known = shape.reduce((count, size, axis) => (axis === open ? count : count * size), 1);
  if (open >= 0) shape[open] = known === 0 ? -2 : elementCount(from) / known;
  const isValid = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isValid || elementCount(shape) !== elementCount(from)) throw refuse();
  return shape;
}

const reshape: Operator = {
  name: "Reshape",
  infer: (node) => [{ elementType: requiredType(node, 0).elementType, shape: askedShape(node) }],
  evaluate(node, inputs) {
    const { elementType, data } = requiredInput(node, inputs, 0);
    return [numeric(elementType, askedShape(node), data)];
  },
  gradient({ builder, inputTypes, outputGradient }) {
    const gradient = outputGradient(0);
    return gradient === undefined ? [] : [reshaped(builder, gradient, inputTypes[0]!.shape)];
  },
};

function permutation(node: GraphNode, rank: number): readonly number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const given = attribute(node, "perm", "ints", [...axes].reverse());
  if (given.length !== rank || !axes.every((axis) => given.includes(axis)))
    throw new InputError(
      `attribute perm of node ${node.name}`,
      given,
      `give each of ${axes.join(", ")} once`,
    );
  return given;
}

const transpose: Operator = {
  name: "Transpose",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    return [{ elementType, shape: permutation(node.node, shape.length).map((axis) => shape[axis]!) }];
  },
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const axes = permutation(node.node, shape.length);
    const result = numeric(
      elementType,
      axes.map((axis) => shape[axis]!),
    );
    const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
    const steps = axes.map((axis) => strides[axis]!);
    const index = new Array<number>(shape.length).fill(0);
    let from = 0;
    for (let at = 0; at < data.length; at++) {
      result.data[at] = data[from]!;
      for (let axis = steps.length - 1; axis >= 0; axis--) {
        from += steps[axis]!;
        if (++index[axis]! < result.shape[axis]!) break;
        from -= steps[axis]! * result.shape[axis]!;
        index[axis] = 0;
      }
    }
    return [result];
  },
  gradient({ builder, node, inputTypes, outputGradient }) {
    const gradient = outputGradient(0);
    if (gradient === undefined) return [];
    const axes = permutation(node, inputTypes[0]!.shape.length);
    return [
      transposed(
        builder,
        gradient,
        axes.map((_, axis) => axes.indexOf(axis)),
      ),
    ];
  },
};

function expandedShape(node: TypedNode): readonly number[] {
  const asked = [...requiredConstant(node, 1).data];
  if (!asked.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new InputError(`shape of node ${node.node.name}`, asked, "give sizes");
  return broadcastShape(node.node, requiredType(node, 0).shape, asked);
}

const expand: Operator = {
  name: "Expand",
  infer: (node) => [{ elementType: requiredType(node, 0).elementType, shape: expandedShape(node) }],
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const target = expandedShape(node);
    const result = numeric(elementType, target);
    broadcastIndices(shape, target).forEach((from, at) => {
      result.data[at] = data[from]!;
    });
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    return gradient === undefined ? [] : [unbroadcast(context, gradient, context.inputTypes[0]!.shape)];
  },
};

export const shapeOperators: readonly Operator[] = [reshape, transpose, expand];
