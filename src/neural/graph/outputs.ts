import { InputError } from "../../errors.js";
import type { Graph } from "./graph.js";

/**
 * The graph with some of its outputs only, in this order, without the nodes and initializers that these do not need: an
 * engine computes every node that is there. Inputs stay.
 * @throws InputError for an output that the graph does not have
 */
export function withOutputs(graph: Graph, names: readonly string[]): Graph {
  const outputs = names.map((name) => {
    const found = graph.outputs.find((output) => output.name === name);
    if (found === undefined)
      throw new InputError("output", name, `give some of ${graph.outputs.map((one) => one.name).join(", ")}`);
    return found;
  });
  const needed = new Set(names);
  const nodes = graph.nodes.toReversed().filter(({ inputs, outputs: made, attributes }) => {
    if (!made.some((value) => needed.has(value))) return false;
    for (const value of inputs) needed.add(value);
    for (const { kind, value } of Object.values(attributes)) {
      // What a subgraph takes from around it is not listed with the node: all of it stays.
      if (kind === "graph")
        for (const inner of value.nodes) for (const name of inner.inputs) needed.add(name);
    }
    return true;
  });
  return {
    ...graph,
    outputs,
    nodes: nodes.toReversed(),
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
  };
}
