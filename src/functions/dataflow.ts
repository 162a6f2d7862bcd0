import type { DataType } from "./data-type.js";
import { buildGraph, type Graph, type Handle, type Source } from "./graph.js";
import type { Port, Ports } from "./port.js";

/** A dataflow without the types of its ports. */
export interface DataflowData {
  readonly name: string;
  readonly inputs: Ports;
  readonly outputs: Ports;
  readonly graph: Graph;
  /** Where each output comes from. */
  readonly results: Readonly<Record<string, Source>>;
}

/** A composition of functions with inputs and outputs of its own. */
export interface Dataflow<I extends Ports = Ports, O extends Ports = Ports> extends DataflowData {
  readonly inputs: I;
  readonly outputs: O;
}

/** The output ports of a flow whose builder returned these handles. */
export type ResultPorts<R> = {
  readonly [N in keyof R]: R[N] extends Handle<infer D> ? Port<D> : Port<DataType>;
};

/**
 * Composes functions by applying them to each other inside `build`, which gets the flow's inputs and returns its
 * outputs by name. Functions run in the order of the calls. A loop is written with `feedback(...)`.
 *
 * ```ts
 * const loopback = dataflow("loopback", { inputs: { bits: uint8("bit") } }, ({ bits }) => ({
 *   llrs: demapping({ symbols: mapping({ bits }) }),
 * }));
 * ```
 *
 * @throws NeuroranError PORT_MISMATCH, INPUT_MISSING, HANDLE_FOREIGN, NODE_NAME_TAKEN or FEEDBACK_NOT_FED, each
 * naming the node and port.
 */
export function dataflow<const I extends Ports, R extends Readonly<Record<string, Handle>>>(
  name: string,
  declaration: { inputs: I },
  build: (inputs: { readonly [N in keyof I]: Handle<I[N]["dtype"]> }) => R,
): Dataflow<I, ResultPorts<R>> {
  const { graph, results } = buildGraph(name, declaration.inputs, (handles) =>
    build(handles as { readonly [N in keyof I]: Handle<I[N]["dtype"]> }),
  );
  const outputs: Record<string, Port> = {};
  const sources: Record<string, Source> = {};
  for (const [output, handle] of Object.entries(results)) {
    outputs[output] = handle.port;
    sources[output] = handle.source;
  }
  return { name, inputs: declaration.inputs, outputs: outputs as ResultPorts<R>, graph, results: sources };
}
