import { InputError } from "../../errors.js";
import type { AttributeValues, GraphNode, TensorType } from "../graph/graph.js";
import { type ElementType, elementCount } from "../graph/tensor.js";
import type { NumericTensor, TypedNode } from "./operator.js";

/** An attribute of the node; `fallback` where it is left out. @throws InputError where it is of another kind. */
export function attribute<K extends keyof AttributeValues, F>(
  node: GraphNode,
  name: string,
  kind: K,
  fallback: F,
): AttributeValues[K] | F {
  const given = node.attributes[name];
  if (given === undefined) return fallback;
  if (given.kind !== kind)
    throw new InputError(`attribute ${name} of node ${node.name}`, given.kind, `give it as ${kind}`);
  return given.value as AttributeValues[K];
}

/** Type of an input that must be there. @throws InputError where it is left out. */
export function requiredType({ node, inputTypes }: TypedNode, index: number): TensorType {
  const type = inputTypes[index];
  if (type === undefined)
    throw new InputError(`input ${index} of node ${node.name}`, undefined, `${node.operator} needs it`);
  return type;
}

/** Value of an input that must be there. */
export function requiredInput(
  { node }: TypedNode,
  inputs: readonly (NumericTensor | undefined)[],
  index: number,
): NumericTensor {
  const value = inputs[index];
  if (value === undefined)
    throw new InputError(`input ${index} of node ${node.name}`, undefined, `${node.operator} needs it`);
  return value;
}

/** Value of an input that must not depend on the graph's inputs, such as a shape. @throws InputError where it does. */
export function requiredConstant(node: TypedNode, index: number): NumericTensor {
  requiredType(node, index);
  const value = node.constant(index);
  if (value === undefined)
    throw new InputError(
      `input ${index} of node ${node.node.name}`,
      node.node.inputs[index],
      "make it a constant: its value decides about a shape",
    );
  return value;
}

/** A constant list of whole numbers, such as axes. @throws InputError where it is none, or not of the length. */
export function integerList(node: TypedNode, index: number, length?: number): readonly number[] {
  const { elementType, shape, data } = requiredConstant(node, index);
  const isInteger = elementType === "int64" || elementType === "int32";
  if (!isInteger || shape.length > 1 || (length !== undefined && data.length !== length))
    throw new InputError(
      `input ${index} of node ${node.node.name}`,
      `${elementType} [${shape.join(", ")}]`,
      `give a list of ${length ?? ""} numbers of int64`.replace("  ", " "),
    );
  return [...data];
}

/** An axis from 0. @throws InputError outside -rank … rank - 1. */
export function normalAxis(node: GraphNode, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new InputError(`axis of node ${node.name}`, axis, `give one from ${-rank} to ${rank - 1}`);
  return axis < 0 ? axis + rank : axis;
}

/** The shape of both broadcast against each other, as NumPy does. @throws InputError where they do not fit. */
export function broadcastShape(node: GraphNode, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index) => {
    const [one, other] = [a[index - rank + a.length] ?? 1, b[index - rank + b.length] ?? 1];
    if (one !== other && one !== 1 && other !== 1)
      throw new InputError(
        `shapes of node ${node.name}`,
        `[${a.join(", ")}] and [${b.join(", ")}]`,
        "give shapes that can be broadcast",
      );
    return one === 1 ? other : one;
  });
}

/** Steps in elements of each dimension of `shape` inside a broadcast to `target`; 0 where it is repeated. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = new Array<number>(target.length).fill(0);
  let step = 1;
  for (let index = shape.length - 1; index >= 0; index--) {
    if (shape[index] !== 1) strides[index + target.length - shape.length] = step;
    step *= shape[index]!;
  }
  return strides;
}

/** Whether numbers of the type are real: gradients flow through them. */
export function isFloating(elementType: ElementType): boolean {
  return elementType === "float32" || elementType === "float64" || elementType === "float16";
}

/** Type of an input that must be there and hold floating-point numbers. @throws InputError where it does not. */
export function floatingType(node: TypedNode, index: number): TensorType {
  const type = requiredType(node, index);
  if (!isFloating(type.elementType))
    throw new InputError(
      `input ${index} of node ${node.node.name}`,
      type.elementType,
      "give floating-point numbers",
    );
  return type;
}

/** Type of an input that must be there and hold numbers. @throws InputError where it does not. */
export function numberType(node: TypedNode, index: number): TensorType {
  const type = requiredType(node, index);
  if (type.elementType === "bool")
    throw new InputError(`input ${index} of node ${node.node.name}`, type.elementType, "give numbers");
  return type;
}

/** Refuses inputs of different element types. */
export function requireSameType(node: TypedNode, first: number, second: number): void {
  const [a, b] = [requiredType(node, first), requiredType(node, second)];
  if (a.elementType !== b.elementType)
    throw new InputError(
      `input ${second} of node ${node.node.name}`,
      b.elementType,
      `give ${a.elementType}, as input ${first} is`,
    );
}

/** For each element of `target` the element of `shape` that is broadcast to it. */
export function broadcastIndices(shape: readonly number[], target: readonly number[]): Int32Array {
  const indices = new Int32Array(elementCount(target));
  const strides = broadcastStrides(shape, target);
  const index = new Array<number>(target.length).fill(0);
  let from = 0;
  for (let at = 0; at < indices.length; at++) {
    indices[at] = from;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < target[axis]!) break;
      from -= strides[axis]! * target[axis]!;
      index[axis] = 0;
    }
  }
  return indices;
}
