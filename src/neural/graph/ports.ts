import { InputError } from "../../errors.js";
import type { GraphNode, GraphValue, OnnxModel } from "./graph.js";

/** What a graph is asked to have: ports of these names and sizes. */
interface Ports {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/**
 * The model with its inputs and outputs under the names of these, told by their order and sizes; as it is where it has them. Element types
 * stay, and dimensions that have names.
 * @param what names the model in errors
 * @throws InputError where it has not as many of these sizes, or the names for something else
 */
export function withPortNames(what: string, model: OnnxModel, wanted: Ports): OnnxModel {
  const { graph } = model;
  const identities: GraphNode[] = [];
  const known = new Set([
    ...graph.initializers.keys(),
    ...[...graph.inputs, ...graph.outputs].map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const renamed = (kind: "inputs" | "outputs"): readonly GraphValue[] => {
    const [given, ports] = [graph[kind], wanted[kind]];
    // One that has more, has what only training needs, or somebody else's use.
    if (ports.every((port) => given.some(({ name }) => name === port.name))) return given;
    const fits =
      given.length === ports.length &&
      given.every((value, index) => isAlike(value, ports[index]!) && !known.has(ports[index]!.name));
    if (!fits)
      throw new InputError(`${kind} of ${what}`, portsText(given), `give a model of ${portsText(ports)}`);
    return given.map((value, index) => {
      const { name } = ports[index]!;
      const [from, to] = kind === "inputs" ? [name, value.name] : [value.name, name];
      identities.push({
        name: "",
        operator: "Identity",
        domain: "",
        inputs: [from],
        outputs: [to],
        attributes: {},
      });
      return { ...value, name };
    });
  };
  const [inputs, outputs] = [renamed("inputs"), renamed("outputs")];
  // Before what reads them.
  const before = identities.filter((node) => inputs.some(({ name }) => name === node.inputs[0]));
  const after = identities.filter((node) => !before.includes(node));
  return { ...model, graph: { ...graph, inputs, outputs, nodes: [...before, ...graph.nodes, ...after] } };
}

/** Whether sizes are the same; a batch's may have another name. */
function isAlike(one: GraphValue, other: GraphValue): boolean {
  const [first, second] = [one.type.shape, other.type.shape];
  return (
    first.length === second.length &&
    first.every((size, axis) => typeof size === "string" || size === second[axis])
  );
}

/** Ports as errors name them. */
export function portsText(values: readonly GraphValue[]): string {
  return values.map(({ name, type }) => `${name} [${type.shape.join(", ")}]`).join(", ");
}
