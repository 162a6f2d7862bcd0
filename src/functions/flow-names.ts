import { InputError } from "../errors.js";
import { type Alternatives, alternativesOf } from "./choice.js";
import type { DataflowData } from "./dataflow.js";

/**
 * Adds node paths and function names of a flow and of all flows that may implement its functions, and what the functions can
 * be done by.
 */
export function addAllNames(
  flow: DataflowData,
  path: string,
  names: Set<string>,
  alternatives: Record<string, Alternatives>,
  enclosing: Set<DataflowData>,
): void {
  if (enclosing.has(flow)) return;
  enclosing.add(flow);
  for (const node of flow.graph.nodes) {
    const nodePath = path === "" ? node.name : `${path}/${node.name}`;
    names.add(nodePath).add(node.definition.name);
    alternatives[node.definition.name] = alternativesOf(node.definition);
    for (const implementation of node.definition.implementations.values())
      if ("flow" in implementation)
        addAllNames(implementation.flow, nodePath, names, alternatives, enclosing);
  }
  enclosing.delete(flow);
}

/** Refuses keys of `record` that are neither a function nor a node of the flow; `field` says what was given. */
export function checkNames(
  field: string,
  record: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): void {
  for (const name of Object.keys(record)) {
    if (!names.has(name)) {
      throw new InputError(
        `${field}.${name}`,
        record[name],
        `name a function or node: ${[...names].join(", ")}`,
      );
    }
  }
}
