import { InputError } from "../../../errors.js";
import type { Graph } from "../../graph/graph.js";

/**
 * Ways in which ONNX Runtime 1.30 names the node that it refuses, and its operator: unknown operators and wrong attributes;
 * wrong types; types that the operator may have but ONNX Runtime lacks; operators of domains that it does not know.
 */
const patterns = [
  /In Node, \("(?<node>[^"]*)", (?<operator>\w+), .* Error (?<reason>.*)$/s,
  /(?<reason>Type '.*' of .*) of operator \((?<operator>\w+)\) in node \((?<node>.*)\) is invalid/s,
  /(?<reason>Could not find an implementation) for (?<operator>\w+)\(\d+\) node with name '(?<node>[^']*)'/s,
  /(?<domain>[\w.]+):(?<operator>\w+)\(-?\d+\) (?<reason>is not a registered function\/op)/s,
];

/** How it names a node whose inputs have shapes that do not fit. */
const shapePattern = /Node \((?<node>.*)\) Op \((?<operator>\w+)\) \[ShapeInferenceError\] (?<reason>.*)$/s;

/** What ONNX Runtime's refusal of a graph means: the operator and the node, where its words name them. */
export function refusalOf(text: string, graph: Graph, cause: unknown): InputError {
  for (const pattern of patterns) {
    const found = pattern.exec(text)?.groups;
    if (found === undefined) continue;
    const { operator, domain = "", reason } = found;
    const node =
      found.node ?? graph.nodes.find((one) => one.operator === operator && one.domain === domain)?.name;
    const remedy = `ONNX Runtime does not run it: ${reason!.trim()}`;
    const name = domain === "" ? operator : `${domain}.${operator}`;
    return new InputError(`operator of node ${node}`, name, remedy, { cause });
  }
  const shapes = shapePattern.exec(text)?.groups;
  if (shapes !== undefined) {
    const sizes = graph.inputs.map(({ name, type }) => `${name}[${type.shape.join(", ")}]`).join(", ");
    const remedy = `give sizes that fit the model's ${shapes.operator}: ${shapes.reason}`;
    return new InputError(`shapes at node ${shapes.node}`, sizes, remedy, { cause });
  }
  return new InputError("model", graph.name, `ONNX Runtime does not run it: ${text}`, { cause });
}
