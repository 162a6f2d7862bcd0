import { InputError } from "../../errors.js";
import { elementCount } from "../graph/tensor.js";
import { attribute, normalAxis, requiredConstant, requiredInput, requiredType } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { NumericTensor, Operator, TypedNode } from "./operator.js";

function splitSizes(node: TypedNode, size: number): number[] {
  const sizes = [...requiredConstant(node, 1).data];
  if (sizes.reduce((sum, part) => sum + part, 0) !== size || sizes.some((part) => part < 0))
    throw new InputError(`split of node ${node.node.name}`, sizes, `give sizes whose sum is ${size}`);
  return sizes;
}

function blocks(shape: readonly number[], axis: number): [outer: number, inner: number] {
  return [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis + 1))];
}

function axisOf({ node }: TypedNode, rank: number): number {
  return normalAxis(node, attribute(node, "axis", "int", 0), rank);
}

const split: Operator = {
  name: "Split",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const axis = axisOf(node, shape.length);
    return splitSizes(node, shape[axis]!).map((size) => ({ elementType, shape: shape.with(axis, size) }));
  },
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const axis = axisOf(node, shape.length);
    const [outer, inner] = blocks(shape, axis);
    let from = 0;
    return splitSizes(node, shape[axis]!).map((size) => {
      const part = numeric(elementType, shape.with(axis, size));
      for (let block = 0; block < outer; block++) {
        const start = (block * shape[axis]! + from) * inner;
        part.data.set(data.subarray(start, start + size * inner), block * size * inner);
      }
      from += size;
      return part;
    });
  },
};

const concat: Operator = {
  name: "Concat",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const axis = axisOf(node, shape.length);
    const sizes = node.inputTypes.map((_, index) => requiredType(node, index).shape[axis]!);
    return [
      {
        elementType,
        shape: shape.with(
          axis,
          sizes.reduce((sum, size) => sum + size, 0),
        ),
      },
    ];
  },
  evaluate(node, inputs) {
    const parts = inputs.map((_, index) => requiredInput(node, inputs, index));
    const { elementType, shape } = parts[0] as NumericTensor;
    const axis = axisOf(node, shape.length);
    const size = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    const result = numeric(elementType, shape.with(axis, size));
    const [outer, inner] = blocks(shape, axis);
    let from = 0;
    for (const part of parts) {
      const length = part.shape[axis]! * inner;
      for (let block = 0; block < outer; block++)
        result.data.set(
          part.data.subarray(block * length, (block + 1) * length),
          block * size * inner + from,
        );
      from += length;
    }
    return [result];
  },
};

export const joiningOperators: readonly Operator[] = [split, concat];
