import { InputError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import { checkGraph } from "../graph/check.js";
import { sizesOf } from "../graph/dimensions.js";
import { type Graph, type OnnxModel, OPSET, type ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { LARGEST_VALUE, operatorOf } from "../operators/inference.js";
import { numericTensor } from "../operators/numeric.js";
import type { NumericTensor, TypedNode } from "../operators/operator.js";

/** Elements that the values of a graph may have at one time: 4 GiB of doubles. */
const mostElements = 2 ** 29;

/** Tensors of the interpreter by the name of their port. */
export type NumericTensors = Readonly<Record<string, NumericTensor>>;

/**
 * Computes a graph in double precision, as the specification of ONNX defines its operators: the reference that engines and
 * gradients are judged by. A graph on its own is taken for one of the project's operator set.
 * @param inputs tensors as they are stored, or in the interpreter's form
 * @throws InputError for a graph or an input that is not valid, or an operator that there is not
 */
export function interpret(model: OnnxModel | Graph, inputs: NamedTensors | NumericTensors): NumericTensors {
  const { graph, opset } = "graph" in model ? model : { graph: model, opset: OPSET };
  checkGraph(graph);
  sizesOf(graph, inputs);
  const values = new Map<ValueName, NumericTensor>();
  const lastUses = lastUsesOf(graph);
  let elements = 0;

  function keep(name: ValueName, value: NumericTensor): void {
    elements += value.data.length;
    values.set(name, value);
  }

  function tensorOf(name: ValueName): NumericTensor | undefined {
    const known = values.get(name);
    if (known !== undefined || name === "") return known;
    const value = numericTensor(graph.initializers.get(name)!);
    keep(name, value);
    return value;
  }

  for (const { name } of graph.inputs) {
    const { elementType, shape, data } = inputs[name]!;
    keep(
      name,
      data instanceof Float64Array
        ? { elementType, shape, data }
        : numericTensor({ elementType, shape, data }),
    );
  }
  graph.nodes.forEach((node, index) => {
    const given = node.inputs.map(tensorOf);
    const typed: TypedNode = {
      node,
      opset,
      inputTypes: given.map((value) => value && { elementType: value.elementType, shape: value.shape }),
      constant: (input) => given[input],
    };
    const operator = operatorOf(typed);
    // Before anything is allocated.
    const types = operator.infer(typed);
    const made = types.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    if (!(made <= LARGEST_VALUE && elements + made <= mostElements))
      throw new InputError(
        `values of node ${node.name}`,
        `${elements + made} elements`,
        `give smaller inputs: at most ${mostElements} are held at one time`,
      );
    if (types.length < node.outputs.length)
      throw new InputError(
        `outputs of node ${node.name}`,
        node.outputs.length,
        `${node.operator} has ${types.length}`,
      );
    const results = operator.evaluate(typed, given);
    node.outputs.forEach((name, at) => {
      if (name !== "") keep(name, results[at]!);
    });
    for (const name of new Set([...node.inputs, ...node.outputs])) {
      const value = values.get(name);
      if (value === undefined || (lastUses.get(name) ?? -1) > index) continue;
      elements -= value.data.length;
      values.delete(name);
    }
  });
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, tensorOf(name)!]));
}

/** The index of the last node that uses each value; none comes after an output of the graph. */
function lastUsesOf(graph: Graph): ReadonlyMap<ValueName, number> {
  const uses = new Map<ValueName, number>();
  graph.nodes.forEach(({ inputs }, index) => {
    for (const name of inputs) uses.set(name, index);
  });
  for (const { name } of graph.outputs) uses.set(name, graph.nodes.length);
  return uses;
}
