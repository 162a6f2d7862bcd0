import { InputError } from "../../errors.js";
import { inferNode, LARGEST_VALUE } from "../operators/inference.js";
import { numericTensor } from "../operators/numeric.js";
import type { NumericTensor, TypedNode } from "../operators/operator.js";
import { checkGraph } from "./check.js";
import { bindDimensions, type DimensionSizes } from "./dimensions.js";
import type { Graph, GraphNode, OnnxModel, TensorType, ValueName } from "./graph.js";
import { elementCount } from "./tensor.js";

/** Initializers up to so many elements may decide about shapes: larger ones are weights. */
const largestConstant = 4096;

/** Steps that computing constants may take, of the order of seconds: a file must not buy hours by its nodes. */
const constantSteps = 2 ** 30;

/** A graph whose dimensions are bound, with what is known about its values. */
export interface TypedGraph {
  readonly graph: Graph;
  readonly opset: number;
  /** Types of all values. */
  readonly types: ReadonlyMap<ValueName, TensorType>;
  /** The value of a small initializer, or of what is computed from such ones only; undefined for all others. */
  constantOf(value: ValueName): NumericTensor | undefined;
  /** A node of the graph as operators want it. */
  typedNode(node: GraphNode): TypedNode;
}

/**
 * Types of all values of a model, with constants computed.
 * @throws InputError for a graph that is not valid, sizes that do not fit, an operator that there is not, by its name, or a
 * node that does not fit its inputs
 */
export function typeGraph(model: Pick<OnnxModel, "graph" | "opset">, sizes: DimensionSizes): TypedGraph {
  checkGraph(model.graph);
  const graph = bindDimensions(model.graph, sizes);
  const { opset } = model;
  const types = new Map<ValueName, TensorType>();
  const constants = new Map<ValueName, NumericTensor>();
  let remaining = constantSteps;

  function constantOf(value: ValueName): NumericTensor | undefined {
    const known = constants.get(value);
    if (known !== undefined) return known;
    const initial = graph.initializers.get(value);
    if (initial === undefined || initial.data.length > largestConstant) return undefined;
    const numeric = numericTensor(initial);
    constants.set(value, numeric);
    return numeric;
  }

  const typedNode = (node: GraphNode): TypedNode => ({
    node,
    opset,
    inputTypes: node.inputs.map((value) => (value === "" ? undefined : types.get(value)!)),
    constant: (index) => constantOf(node.inputs[index] ?? ""),
  });

  for (const { name, type } of graph.inputs) {
    // Bound: bindDimensions leaves no name in an input.
    const shape = type.shape as readonly number[];
    if (!(elementCount(shape) <= LARGEST_VALUE))
      throw new InputError(
        `shape of input ${JSON.stringify(name)}`,
        shape,
        `give at most ${LARGEST_VALUE} elements`,
      );
    types.set(name, { elementType: type.elementType, shape });
  }
  for (const [name, { elementType, shape }] of graph.initializers) types.set(name, { elementType, shape });
  for (const node of graph.nodes) {
    const typed = typedNode(node);
    const result = inferNode(remaining > 0 ? typed : { ...typed, constant: () => undefined });
    node.outputs.forEach((value, index) => {
      if (value === "") return;
      const type = result.types[index];
      if (type === undefined)
        throw new InputError(
          `outputs of node ${node.name}`,
          node.outputs.length,
          `${node.operator} has ${result.types.length}`,
        );
      types.set(value, type);
      const constant = result.constants?.[index];
      if (constant !== undefined) constants.set(value, constant);
    });
    if (result.constants !== undefined) {
      const inputs = typed.inputTypes.reduce((sum, type) => sum + elementCount(type?.shape ?? []), 1);
      remaining -= inputs * result.types.reduce((sum, { shape }) => sum + elementCount(shape), 1);
    }
  }
  return { graph, opset, types, constantOf, typedNode };
}
