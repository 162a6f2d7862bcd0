import { InputError } from "../../errors.js";
import { elementCount, float32Tensor } from "../graph/tensor.js";
import {
  attribute,
  integerList,
  numberType,
  requiredConstant,
  requiredType,
  requireSameType,
} from "./arguments.js";
import { numeric, numericTensor } from "./numeric.js";
import type { Operator, TypedNode } from "./operator.js";

/** The sizes that a Shape gives: of all axes, or of those from `start` until before `end`. */
function sizes(node: TypedNode): readonly number[] {
  const { shape } = requiredType(node, 0);
  // Python's slice has the clamping that the specification asks for.
  return shape.slice(
    attribute(node.node, "start", "int", 0),
    attribute(node.node, "end", "int", shape.length),
  );
}

const shape: Operator = {
  name: "Shape",
  dependsOnTypesOnly: true,
  infer: (node) => [{ elementType: "int64", shape: [sizes(node).length] }],
  evaluate: (node) => [numeric("int64", [sizes(node).length], Float64Array.from(sizes(node)))],
};

const size: Operator = {
  name: "Size",
  dependsOnTypesOnly: true,
  infer: (node) => {
    requiredType(node, 0);
    return [{ elementType: "int64", shape: [] }];
  },
  evaluate: (node) => [numeric("int64", [], Float64Array.of(elementCount(requiredType(node, 0).shape)))],
};

const defaultFill = float32Tensor([0]);

/** The shape that a ConstantOfShape is given and the one element of its attribute. */
function filling(node: TypedNode) {
  const asked = integerList(node, 0);
  const value = attribute(node.node, "value", "tensor", defaultFill);
  if (!asked.every((one) => Number.isSafeInteger(one) && one >= 0))
    throw new InputError(`shape of node ${node.node.name}`, asked, "give sizes from 0");
  if (value.data.length !== 1)
    throw new InputError(`attribute value of node ${node.node.name}`, value.shape, "give one element");
  return { shape: asked, value };
}

const constantOfShape: Operator = {
  name: "ConstantOfShape",
  infer(node) {
    const { shape, value } = filling(node);
    return [{ elementType: value.elementType, shape }];
  },
  evaluate(node) {
    const { shape, value } = filling(node);
    const result = numeric(value.elementType, shape);
    result.data.fill(numericTensor(value).data[0]!);
    return [result];
  },
};

/** Start, step and number of elements of a Range. */
function rangeOf(node: TypedNode): { readonly start: number; readonly step: number; readonly count: number } {
  requireSameType(node, 0, 1);
  requireSameType(node, 0, 2);
  const [start, limit, step] = [0, 1, 2].map(
    (index) => requiredConstant(node, index).data[0] ?? Number.NaN,
  ) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (step === 0 || !Number.isSafeInteger(count))
    throw new InputError(
      `range of node ${node.node.name}`,
      [start, limit, step],
      "give finite numbers, and no step of 0",
    );
  return { start, step, count };
}

const sequence: Operator = {
  name: "Range",
  infer: (node) => [{ elementType: numberType(node, 0).elementType, shape: [rangeOf(node).count] }],
  evaluate(node) {
    const { start, step, count } = rangeOf(node);
    const numbers = Float64Array.from({ length: count }, (_, at) => start + at * step);
    return [numeric(numberType(node, 0).elementType, [count], numbers)];
  },
};

/** Operators whose values come from shapes: what models compute the arguments of Reshape and Expand by. */
export const shapeValueOperators: readonly Operator[] = [shape, size, constantOfShape, sequence];
