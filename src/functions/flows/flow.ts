import { InputError, NeuroranError } from "../../errors.js";
import type { Schema, ValueOf } from "../schema/index.js";
import type {
  Delivery,
  FeedbackData,
  Flow,
  FlowGraph,
  InputDeclaration,
  Key,
  OperatorData,
  Origin,
  SourceKind,
  SourceReader,
  Stream,
} from "./declaration.js";

/** A stream whose messages come from further down. */
export interface FeedbackStream<M extends Schema> extends Stream<M> {
  /** Says which stream comes back here. */
  from(stream: Stream<M>): void;
}

/** What a builder declares sources and loops with. */
export interface FlowBuilder {
  /** A source of messages; its name is what its positions are kept under. */
  source<M extends Schema>(name: string, message: M, kind: TypedSource<ValueOf<M>>): Stream<M>;
  /**
   * An edge against the order of the calls. Its messages under way are part of every epoch where it is `logged`; in a
   * flow that delivers exactly once it must be. What comes back waits in memory without a bound, as a loop that held back
   * who feeds it could wait for itself: an operator in a loop must not give out ever more than comes in.
   */
  feedback<M extends Schema>(
    name: string,
    message: M,
    options: { readonly logged: boolean },
  ): FeedbackStream<M>;
}

declare const messages: unique symbol;
/** Where a source's messages come from, with their type. Made by `replayable`, `generated`, `logged` and `live`. */
export type TypedSource<T> = SourceKind & { readonly [messages]?: T };

/** A source that can be opened again at any position that it told, once for each of its partitions. */
export function replayable<T>(
  open: (position: number, partition: number) => SourceReader<T>,
  partitions = 1,
): TypedSource<T> {
  return { kind: "replayable", open, partitions };
}

/** A source whose message at each position, from 0, a function gives; undefined ends it. */
export function generated<T>(
  message: (position: number, partition: number) => T | undefined,
  partitions = 1,
): TypedSource<T> {
  return replayable((from, partition) => {
    let next = from;
    return {
      read() {
        const value = message(next, partition);
        if (value === undefined) return "end";
        next++;
        return value;
      },
      position: () => next,
    };
  }, partitions);
}

/** A source that is a log in the store. A flow in real time begins at its end. */
export function logged<T>(): TypedSource<T> {
  return { kind: "logged" };
}

/** A source of what programs push; what has waited for longer than `lateAfter_ms` is dropped. */
export function live<T>(options: { readonly lateAfter_ms: number }): TypedSource<T> {
  return { kind: "live", ...options };
}

/** The stream, as an output from which those who subscribe can choose the messages of one key. */
export function keyed<M extends Schema>(stream: Stream<M>, key: (message: ValueOf<M>) => Key): Stream<M> {
  return { ...stream, key };
}

/**
 * Declares a flow: operators applied to streams, and its outputs by name. Everything about it is in the module that
 * declares it, which the flow's workers load as well.
 *
 * ```ts
 * export const words = flow("words", { delivery: "exactly-once" }, ({ source }) => {
 *   const lines = source("lines", line, logged());
 *   return { counts: counting({ words: splitting({ lines }) }, { parallelism: 2 }) };
 * });
 * ```
 *
 * @throws InputError; NeuroranError SOURCE_NOT_REPLAYABLE, FEEDBACK_NOT_LOGGED, FEEDBACK_NOT_FED, each naming the culprit.
 */
export function flow(
  name: string,
  options: { readonly delivery: Delivery },
  build: (builder: FlowBuilder) => Readonly<Record<string, Stream>>,
): Flow {
  const { delivery } = options;
  checkName("flow", name);
  const graph: FlowGraph = { name, sources: new Map(), nodes: new Map(), feedback: new Map() };
  const outputs = build({
    source(sourceName, message, kind) {
      checkUnused(graph, sourceName);
      checkSource(sourceName, kind);
      graph.sources.set(sourceName, { ...kind, name: sourceName, message });
      return { message, origin: { kind: "source", name: sourceName }, graph };
    },
    feedback(feedbackName, message, { logged: isLogged }) {
      checkUnused(graph, feedbackName);
      const data: FeedbackData = { name: feedbackName, message, logged: isLogged, origin: undefined };
      graph.feedback.set(feedbackName, data);
      const from = (stream: Stream): void => {
        data.origin = originOf(`feedback ${feedbackName}`, message, stream, graph);
        if (data.origin.kind !== "operator") {
          throw new InputError(
            `feedback ${feedbackName}`,
            data.origin.name,
            "feed it from the output of an operator",
          );
        }
      };
      return { message, origin: { kind: "feedback", name: feedbackName }, graph, from };
    },
  });
  for (const [output, stream] of Object.entries(outputs)) {
    checkName(`output of flow ${name}`, output);
    originOf(`output ${output}`, stream?.message, stream, graph);
  }
  checkDelivery(name, delivery, graph);
  return { kind: "flow", name, delivery, graph, outputs };
}

function checkDelivery(name: string, delivery: Delivery, graph: FlowGraph): void {
  if (delivery !== "exactly-once" && delivery !== "real-time") {
    throw new InputError(`delivery of flow ${name}`, delivery, 'say "exactly-once" or "real-time"');
  }
  if (graph.sources.size === 0) {
    throw new InputError(`sources of flow ${name}`, undefined, "declare one by source(name, message, kind)");
  }
  for (const source of graph.sources.values()) {
    if (delivery === "exactly-once" && source.kind === "live") {
      const remedy = "give it a log, logged(), or deliver in real time";
      throw new NeuroranError(
        "SOURCE_NOT_REPLAYABLE",
        `flow ${name} delivers exactly once, but nobody keeps what source ${source.name} gave: ${remedy}`,
      );
    }
    if (delivery === "real-time" && source.kind === "replayable") {
      const remedy = "a flow in real time repeats nothing: give it live() or logged()";
      throw new InputError(`source ${source.name} of flow ${name}`, source.kind, remedy);
    }
  }
  for (const edge of graph.feedback.values()) {
    if (edge.origin === undefined) {
      const remedy = `call ${edge.name}.from(stream) in the builder`;
      throw new NeuroranError(
        "FEEDBACK_NOT_FED",
        `feedback ${edge.name} of flow ${name} is never fed: ${remedy}`,
      );
    }
    if (delivery === "exactly-once" && !edge.logged) {
      const remedy = "declare it with { logged: true }";
      throw new NeuroranError(
        "FEEDBACK_NOT_LOGGED",
        `flow ${name} delivers exactly once, but messages under way on feedback ${edge.name} would be lost: ${remedy}`,
      );
    }
  }
}

/** What a call of an operator may say beside its streams. */
export interface OperatorOptions {
  /** The node's name, under which its state is kept; the operator's unless given. */
  readonly name?: string;
  /** Replicas that share the key groups; 1 unless given. */
  readonly parallelism?: number;
}

type StreamsOf<M> = {
  readonly [N in keyof M]: M[N] extends Schema ? Stream<M[N]> | readonly Stream<M[N]>[] : never;
};

/** An operator as it is applied in a builder: to a stream for each input, or several streams that come in at one. */
export type Operator<M, O extends Schema> = (streams: StreamsOf<M>, options?: OperatorOptions) => Stream<O>;

/**
 * Declares an operator: what it does with each message that comes in at each of its inputs, and what it keeps for each
 * key. Either all of its inputs have keys or none has; without, its state is one and it has one replica.
 *
 * ```ts
 * const counting = operator({
 *   name: "counting",
 *   state: stateSchema({ count: field.uint32() }),
 *   output: counts,
 *   inputs: {
 *     words: {
 *       message: word,
 *       key: ({ text }) => text,
 *       process(context, { text }) {
 *         context.emit({ text, count: ++context.state.count });
 *       },
 *     },
 *   },
 * });
 * ```
 */
export function operator<
  S extends Schema,
  O extends Schema,
  const M extends Readonly<Record<string, Schema>>,
>(declaration: {
  readonly name: string;
  readonly state?: S;
  readonly output?: O;
  readonly inputs: { readonly [N in keyof M]: InputDeclaration<M[N], S, O> };
}): Operator<M, O> {
  const { name, state, output } = declaration;
  checkName("operator", name);
  const inputs = declaration.inputs as unknown as OperatorData["inputs"];
  const keyed = Object.values(inputs).filter(({ key }) => key !== undefined).length;
  if (keyed !== 0 && keyed !== Object.keys(inputs).length) {
    throw new InputError(`inputs of operator ${name}`, keyed, "give each of them a key, or none");
  }
  if (Object.keys(inputs).length === 0) {
    throw new InputError(`inputs of operator ${name}`, undefined, "declare at least one");
  }
  const data: OperatorData = { name, state, output, inputs };
  return (streams, options = {}) => {
    const { name: nodeName = name, parallelism = 1 } = options;
    const origins: Record<string, Origin[]> = {};
    let graph: FlowGraph | undefined;
    for (const [input, { message }] of Object.entries(inputs)) {
      const given = (streams as Readonly<Record<string, Stream | readonly Stream[]>>)[input];
      const list = Array.isArray(given) ? (given as readonly Stream[]) : [given as Stream];
      if (list.length === 0 || list[0] === undefined) {
        throw new InputError(`input ${input} of ${nodeName}`, undefined, "give it a stream");
      }
      graph ??= list[0].graph;
      const owner = graph;
      origins[input] = list.map((stream) =>
        originOf(`input ${input} of ${nodeName}`, message, stream, owner),
      );
    }
    for (const input of Object.keys(streams)) {
      if (!Object.hasOwn(inputs, input)) {
        throw new InputError(
          `input of ${nodeName}`,
          input,
          `its inputs are: ${Object.keys(inputs).join(", ")}`,
        );
      }
    }
    const owner = graph as FlowGraph;
    checkUnused(owner, nodeName);
    checkParallelism(nodeName, parallelism, data);
    owner.nodes.set(nodeName, { name: nodeName, operator: data, inputs: origins, parallelism });
    return { message: output as O, origin: { kind: "operator", name: nodeName }, graph: owner };
  };
}

/** Refuses replicas of which state would have none to be kept in. */
export function checkParallelism(name: string, parallelism: number, data: OperatorData): void {
  const field = `parallelism of ${name}`;
  if (!Number.isInteger(parallelism) || parallelism < 1 || parallelism > 128) {
    throw new InputError(field, parallelism, "give a whole number from 1 to 128");
  }
  const keyed = Object.values(data.inputs).some(({ key }) => key !== undefined);
  if (parallelism > 1 && data.state !== undefined && !keyed) {
    throw new InputError(field, parallelism, "its state has no keys to be divided by: give its inputs keys");
  }
}

function originOf(
  place: string,
  message: Schema | undefined,
  stream: Stream | undefined,
  graph: FlowGraph,
): Origin {
  if (stream?.graph === undefined) throw new InputError(place, stream, "pass a stream of this flow");
  if (stream.graph !== graph) {
    throw new InputError(place, stream.graph.name, `pass a stream of flow ${graph.name}`);
  }
  if (message === undefined || stream.message === undefined) {
    throw new InputError(place, stream.origin.name, "its operator declares no output: add `output`");
  }
  if (stream.message !== message) {
    throw new InputError(place, stream.origin.name, "its messages have another schema: declare both by one");
  }
  return stream.origin;
}

function checkSource(name: string, kind: SourceKind): void {
  if (kind.kind === "live" && !(kind.lateAfter_ms > 0)) {
    throw new InputError(
      `source ${name}, lateAfter_ms`,
      kind.lateAfter_ms,
      "give milliseconds larger than 0",
    );
  }
  const allowed = "give a whole number from 1 to 128";
  if (kind.kind === "replayable" && !(Number.isInteger(kind.partitions) && kind.partitions >= 1)) {
    throw new InputError(`source ${name}, partitions`, kind.partitions, allowed);
  }
}

function checkUnused(graph: FlowGraph, name: string): void {
  checkName(`name in flow ${graph.name}`, name);
  if (graph.sources.has(name) || graph.nodes.has(name) || graph.feedback.has(name)) {
    throw new InputError(
      `name in flow ${graph.name}`,
      name,
      "sources, operators and feedback have names of their own: choose another",
    );
  }
}

/** Names stand in keys of the store. */
function checkName(what: string, name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new InputError(`name of ${what}`, name, "use up to 64 letters, digits, '.', '_' and '-'");
  }
}

export type { Key };
