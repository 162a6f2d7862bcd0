import { InputError } from "../../errors.js";
import type { Graph, GraphNode, ValueName } from "./graph.js";

/** How a node is called in messages: by its name, or by its place where it has none. */
export function nodeName(node: GraphNode, index: number): string {
  return `node ${node.name === "" ? index : JSON.stringify(node.name)} (${node.operator})`;
}

/**
 * Checks that every value of a graph and of its subgraphs is assigned once, before it is used. What passes has no cycles.
 * @throws InputError, naming the value and the node
 */
export function checkGraph(graph: Graph): void {
  check(graph, () => false);
}

/** `isOuter` knows the values of the graphs around it, which a subgraph may use but not assign again. */
function check(graph: Graph, isOuter: (value: ValueName) => boolean): void {
  const defined = new Set<ValueName>();
  const isDefined = (value: ValueName) => defined.has(value) || isOuter(value);

  function define(kind: string, value: ValueName): void {
    if (isDefined(value))
      throw new InputError(kind, value, "a value is assigned once: give each its own name");
    defined.add(value);
  }

  for (const { name } of graph.inputs) {
    if (name === "") throw new InputError("name of an input", name, "name it");
    define("input", name);
  }
  for (const name of graph.initializers.keys()) define("initializer", name);
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  graph.nodes.forEach((node, index) => {
    node.inputs.forEach((value, at) => {
      if (value === "" || isDefined(value)) return;
      const remedy = made.has(value)
        ? "it, or a later node, makes this value: sort the nodes, and break cycles"
        : "nothing in the graph makes this value";
      throw new InputError(`input ${at} of ${nodeName(node, index)}`, value, remedy);
    });
    for (const [name, attribute] of Object.entries(node.attributes))
      if (attribute.kind === "graph")
        inSubgraph(`attribute ${name} of ${nodeName(node, index)}`, attribute.value);
    for (const value of node.outputs) if (value !== "") define(`output of ${nodeName(node, index)}`, value);
  });
  const outputs = new Set<ValueName>();
  for (const { name } of graph.outputs) {
    if (!isDefined(name)) throw new InputError("output", name, "nothing in the graph makes this value");
    if (outputs.has(name)) throw new InputError("output", name, "list each output once");
    outputs.add(name);
  }

  function inSubgraph(where: string, subgraph: Graph): void {
    try {
      check(subgraph, isDefined);
    } catch (cause) {
      if (!(cause instanceof InputError)) throw cause;
      throw new InputError(`${cause.field} in ${where}`, cause.value, cause.remedy, { cause });
    }
  }
}
