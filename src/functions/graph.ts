/**
 * The graph behind a dataflow, while it is built and afterwards.
 *
 * Invariants:
 * 1. A node is added by a call, after everything it reads exists; so the order of calls is a topological order and
 *    the only cycles are declared feedback edges.
 * 2. Every declared feedback edge is fed, by the output of a node, with its own data type and rank.
 * 3. Every output of the flow is the output of a node, so that no two names mean memory with different lifetimes.
 */
import { InputError, NeuroranError } from "../errors.js";
import type { DataType } from "./data-type.js";
import type { FunctionData } from "./declaration.js";
import type { Port, Ports } from "./port.js";

/** Where the data of an edge come from. */
export type Source =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "node"; readonly node: string; readonly output: string }
  | { readonly kind: "feedback"; readonly name: string };

/** The output of a call, an input of the flow or a feedback edge, as one passes it on inside a builder. */
export interface Handle<D extends DataType = DataType> {
  readonly dtype: D;
  readonly port: Port<D>;
  readonly source: Source;
  readonly graph: Graph;
}

/** What a call inside a builder may say beside its inputs. */
export interface CallOptions<ParameterValue = Readonly<Record<string, unknown>>> {
  /** The node's name; the function's name, with -2, -3 ... from the second call on, unless given. */
  readonly name?: string;
  /** Parameters that this flow fixes; they cannot be given at preparation. */
  readonly parameters?: ParameterValue;
  /** Own dimension names to names of the flow, where the function's names mean something else in this flow. */
  readonly dimensions?: Readonly<Record<string, string>>;
}

/** One call of a function in a flow. */
export interface GraphNode {
  readonly name: string;
  readonly definition: FunctionData;
  readonly inputs: Readonly<Record<string, Source>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** An edge that hands over with a delay of one slot. */
export interface FeedbackEdge {
  readonly name: string;
  readonly port: Port;
  /** Elements before the first slot (two numbers for a complex64 element); zeros unless given. */
  readonly initial: ArrayLike<number> | undefined;
  readonly source: Source;
}

/** A graph of calls. */
export interface Graph {
  readonly name: string;
  readonly inputs: Ports;
  /** In an order in which every node stands behind what it reads (invariant 1). */
  readonly nodes: readonly GraphNode[];
  readonly feedback: readonly FeedbackEdge[];
}

interface Draft extends Graph {
  readonly nodes: GraphNode[];
  readonly feedback: { name: string; port: Port; initial: ArrayLike<number> | undefined; source: Source }[];
}

let draft: Draft | undefined;

/** Runs `build` with the handles of the inputs and returns the graph of the calls that it made. */
export function buildGraph<R extends Readonly<Record<string, Handle>>>(
  name: string,
  inputs: Ports,
  build: (handles: Record<string, Handle>) => R,
): { graph: Graph; results: R } {
  const enclosing = draft;
  const graph: Draft = { name, inputs, nodes: [], feedback: [] };
  const handles: Record<string, Handle> = {};
  for (const [input, port] of Object.entries(inputs)) {
    handles[input] = { dtype: port.dtype, port, source: { kind: "input", name: input }, graph };
  }
  draft = graph;
  try {
    const results = build(handles);
    for (const [output, handle] of Object.entries(results)) {
      checkHandle(`output ${output} of flow ${name}`, handle, graph);
      if (handle.source.kind !== "node") {
        const problem = `output ${output} of flow ${name} is ${handle.source.kind} ${handle.source.name} itself`;
        throw new NeuroranError("OUTPUT_SOURCE", `${problem}: return the output of a function`);
      }
    }
    for (const edge of graph.feedback) {
      if (edge.source.kind === "feedback") {
        throw new NeuroranError(
          "FEEDBACK_NOT_FED",
          `feedback ${edge.name} of flow ${name} is never fed: call ${edge.name}.from(output) in the builder`,
        );
      }
    }
    return { graph, results };
  } finally {
    draft = enclosing;
  }
}

/** Adds a call of `definition` to the graph being built and returns the handles of its outputs by name. */
export function addNode(
  definition: FunctionData,
  inputs: Readonly<Record<string, Handle>>,
  options: CallOptions,
): Record<string, Handle> {
  const graph = current(`${definition.name}(...)`);
  const name = options.name ?? unusedName(graph, definition.name);
  if (options.name !== undefined && graph.nodes.some((node) => node.name === name)) {
    throw new NeuroranError("NODE_NAME_TAKEN", `flow ${graph.name} has two nodes named ${name}: rename one`);
  }
  const sources: Record<string, Source> = {};
  for (const [input, port] of Object.entries(definition.inputs)) {
    const handle = inputs[input];
    if (handle === undefined) {
      throw new NeuroranError("INPUT_MISSING", `${name} in flow ${graph.name} lacks its input ${input}`);
    }
    checkHandle(`input ${input} of ${name}`, handle, graph);
    checkPort(`input ${input} of ${name} in flow ${graph.name}`, port, handle.port);
    sources[input] = handle.source;
  }
  for (const input of Object.keys(inputs)) {
    if (!Object.hasOwn(definition.inputs, input)) {
      const known = Object.keys(definition.inputs).join(", ");
      throw new NeuroranError("INPUT_UNKNOWN", `${name} has no input ${input}; its inputs are: ${known}`);
    }
  }
  const { parameters = {}, dimensions = {} } = options;
  const ports = [...Object.values(definition.inputs), ...Object.values(definition.outputs)];
  const known = new Set(ports.flatMap((port) => port.dimensions));
  for (const dimension of Object.keys(dimensions)) {
    if (!known.has(dimension))
      throw new InputError(`${name}.dimensions`, dimension, `name one of ${[...known].join(", ")}`);
  }
  graph.nodes.push({ name, definition, inputs: sources, parameters, dimensions });
  const outputs: Record<string, Handle> = {};
  for (const [output, port] of Object.entries(definition.outputs)) {
    outputs[output] = { dtype: port.dtype, port, source: { kind: "node", node: name, output }, graph };
  }
  return outputs;
}

/** A feedback edge as seen inside a builder: an input of this slot, fed by an output of the slot before. */
export interface FeedbackHandle<D extends DataType = DataType> extends Handle<D> {
  /** Says which output is handed over to the next slot. */
  from(output: Handle<D>): void;
}

/**
 * Declares a feedback edge with a delay of one slot inside a dataflow's builder. Read it like any output, then
 * close it by `.from(output)`. Before the first slot it holds `initial`, else zeros. Its sizes are those of the
 * first variant that is prepared and the same in every other.
 */
export function feedback<D extends DataType>(
  name: string,
  port: Port<D>,
  initial?: ArrayLike<number>,
): FeedbackHandle<D> {
  const graph = current(`feedback("${name}")`);
  if (graph.feedback.some((edge) => edge.name === name)) {
    throw new NeuroranError("FEEDBACK_NAME_TAKEN", `flow ${graph.name} has two feedback edges named ${name}`);
  }
  const source: Source = { kind: "feedback", name };
  const edge: Draft["feedback"][number] = { name, port, initial, source };
  graph.feedback.push(edge);
  const from = (output: Handle<D>): void => {
    checkHandle(`feedback ${name}`, output, graph);
    checkPort(`feedback ${name} in flow ${graph.name}`, port, output.port);
    if (output.source.kind !== "node") {
      throw new NeuroranError("FEEDBACK_SOURCE", `feedback ${name} must come from the output of a function`);
    }
    edge.source = output.source;
  };
  return { dtype: port.dtype, port, source, graph, from };
}

/** The text `dtype[dimension, dimension]` for messages. */
function portText(port: Port): string {
  return `${port.dtype}[${port.dimensions.join(", ")}]`;
}

/** Refuses a port whose data type or rank differs; dimension names may differ, they bind by position. */
export function checkPort(place: string, expected: Port, given: Port): void {
  if (expected.dtype !== given.dtype) {
    throw new NeuroranError("PORT_MISMATCH", `${place} takes ${portText(expected)}, not ${portText(given)}`);
  }
  if (expected.dimensions.length !== given.dimensions.length) {
    const [wanted, has] = [expected.dimensions.length, given.dimensions.length];
    const texts = `${portText(expected)} with ${wanted} dimensions, not ${portText(given)} with ${has}`;
    throw new NeuroranError("PORT_MISMATCH", `${place} takes ${texts}`);
  }
}

function checkHandle(place: string, handle: Handle, graph: Graph): void {
  if (handle?.graph === undefined) {
    const remedy = "pass the output of a function, an input of the flow or a feedback edge";
    throw new NeuroranError(
      "HANDLE_INVALID",
      `${place} is not a handle: ${remedy}; of several outputs, name one`,
    );
  }
  if (handle.graph !== graph) {
    const flows = `${place} comes from flow ${handle.graph.name}, not from ${graph.name}`;
    throw new NeuroranError("HANDLE_FOREIGN", `${flows}: give it to this flow as an input`);
  }
}

function current(what: string): Draft {
  if (draft === undefined) {
    throw new NeuroranError(
      "NOT_IN_DATAFLOW",
      `${what} describes a dataflow: call it inside dataflow(name, ...)`,
    );
  }
  return draft;
}

function unusedName(graph: Graph, name: string): string {
  const taken = new Set(graph.nodes.map((node) => node.name));
  let candidate = name;
  for (let count = 2; taken.has(candidate); count++) candidate = `${name}-${count}`;
  return candidate;
}
