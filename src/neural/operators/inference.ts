import { InputError } from "../../errors.js";
import type { TensorType } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { operators } from "./index.js";
import type { NumericTensor, Operator, TypedNode } from "./operator.js";

/** Constants up to so many elements are computed while a graph is typed: shapes, not weights. */
const LARGEST_FOLDED = 4096;

/** The most elements that a value may have: what is larger is refused before anybody allocates it. */
export const LARGEST_VALUE = 2 ** 30;

/** The operator of a node. @throws InputError, naming operator and node, where there is none. */
export function operatorOf({ node }: Pick<TypedNode, "node">): Operator {
  const operator = node.domain === "" || node.domain === "ai.onnx" ? operators.get(node.operator) : undefined;
  if (operator === undefined) {
    const name = node.domain === "" ? node.operator : `${node.domain}.${node.operator}`;
    throw new InputError(
      `operator of node ${node.name}`,
      name,
      `use one of ${[...operators.keys()].join(", ")}`,
    );
  }
  return operator;
}

/** Types of a node's outputs, and their values where they are known: those of small constants, and of shapes. */
export function inferNode(node: TypedNode): {
  types: readonly TensorType[];
  constants?: readonly NumericTensor[];
} {
  const operator = operatorOf(node);
  const types = operator.infer(node);
  for (const { shape } of types) {
    // An empty value may be long along an axis, too.
    if (!(elementCount(shape) <= LARGEST_VALUE && shape.every((size) => size <= LARGEST_VALUE)))
      throw new InputError(
        `shape of an output of node ${node.node.name}`,
        shape,
        `give at most ${LARGEST_VALUE} elements`,
      );
  }
  if (types.some(({ shape }) => elementCount(shape) > LARGEST_FOLDED)) return { types };
  const inputs = node.inputTypes.map((type, index) =>
    type === undefined ? undefined : node.constant(index),
  );
  const isOpen = !operator.dependsOnTypesOnly;
  if (isOpen && inputs.some((value, index) => value === undefined && node.inputTypes[index] !== undefined))
    return { types };
  return { types, constants: operator.evaluate(node, inputs) };
}
