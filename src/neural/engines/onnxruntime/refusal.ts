import { InputError, NeuroranError } from "../../../errors.js";
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

/**
 * What it means that a session could not be opened for a bound graph, or its first run failed: an InputError with the operator
 * and the node that ONNX Runtime lacks, or the sizes that do not fit. Other errors stay what they are.
 */
export function explained(error: unknown, graph: Graph): unknown {
  if (!(error instanceof NeuroranError)) return error;
  if (error.code === "MODEL_REFUSED") return refusalOf(error.message, graph, error);
  if (error.code !== "INFERENCE_FAILED") return error;
  const remedy = `give sizes that fit the model: ${error.message}`;
  return new InputError("shapes", sizesOf(graph), remedy, { cause: error });
}

function sizesOf({ inputs }: Graph): string {
  return inputs.map(({ name, type }) => `${name}[${type.shape.join(", ")}]`).join(", ");
}

function refusalOf(text: string, graph: Graph, cause: unknown): InputError {
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
    const remedy = `give sizes that fit the model's ${shapes.operator}: ${shapes.reason}`;
    return new InputError(`shapes at node ${shapes.node}`, sizesOf(graph), remedy, { cause });
  }
  return new InputError("model", graph.name, `ONNX Runtime does not run it: ${text}`, { cause });
}
