import { elementTypeCodes } from "../graph/element-type-codes.js";
import {
  type Attribute,
  type Graph,
  type GraphNode,
  type GraphValue,
  int,
  type OnnxModel,
} from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { numericTensor, storedTensor } from "../operators/numeric.js";

type FloatType = "float16" | "float32";

/**
 * The model with float32 wherever it has float16: inputs, outputs, weights, constants and casts. Every float16 is a float32, so
 * that it computes the same but for the roundings between its nodes.
 */
export function toFloat32(model: OnnxModel): OnnxModel {
  return { ...model, graph: converted(model.graph, "float16", "float32") };
}

/**
 * The model with float16 wherever it has float32, each weight and constant rounded: what is beyond 65504 becomes infinite, what
 * is below 2^-25 becomes 0.
 */
export function toFloat16(model: OnnxModel): OnnxModel {
  return { ...model, graph: converted(model.graph, "float32", "float16") };
}

function converted(graph: Graph, from: FloatType, to: FloatType): Graph {
  const value = ({ name, type }: GraphValue): GraphValue => ({
    name,
    type: { ...type, elementType: type.elementType === from ? to : type.elementType },
  });
  const tensor = (given: Tensor): Tensor =>
    given.elementType === from ? storedTensor({ ...numericTensor(given), elementType: to }) : given;
  const attribute = (operator: string, name: string, given: Attribute): Attribute => {
    if (given.kind === "tensor") return { kind: "tensor", value: tensor(given.value) };
    if (given.kind === "graph") return { kind: "graph", value: converted(given.value, from, to) };
    // Attributes that are an element type.
    const isType = (operator === "Cast" && name === "to") || (given.kind === "int" && name === "dtype");
    return isType && given.value === elementTypeCodes[from] ? int(elementTypeCodes[to]) : given;
  };
  const node = (given: GraphNode): GraphNode => ({
    ...given,
    attributes: Object.fromEntries(
      Object.entries(given.attributes).map(([name, held]) => [name, attribute(given.operator, name, held)]),
    ),
  });
  return {
    ...graph,
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    initializers: new Map([...graph.initializers].map(([name, given]) => [name, tensor(given)])),
    nodes: graph.nodes.map(node),
  };
}
