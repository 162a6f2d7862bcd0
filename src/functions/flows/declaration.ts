import type { Schema, ValueOf } from "../schema/index.js";
import type { Invocation } from "../turns/declaration.js";

/**
 * `exactly-once`: every message takes effect once, whatever fails, and what leaves the flow leaves when its epoch is
 * committed. `real-time`: what comes late is dropped and counted and nothing is repeated; state stays consistent.
 */
export type Delivery = "exactly-once" | "real-time";

/** What a message is told apart by; texts and numbers that read alike are the same key. */
export type Key = string | number | bigint;

/** What an operator works with while it processes one message. What it emits belongs to the receivers: leave it alone. */
export interface OperatorContext<S extends Schema = Schema, O extends Schema = Schema> {
  /** The key of the message; the empty text where the input has no key. */
  readonly key: string;
  /** The state of this key, to be changed in place; initial values where the key is new. */
  readonly state: ValueOf<S>;
  /** Hands a message to whoever reads the operator's output. */
  emit(message: ValueOf<O>): void;
  /** Sends to a stateful function, once this epoch is committed: once, whatever fails. */
  send(invocation: Invocation): void;
  /** Drops the state of this key when the message is done, as if it had never been. */
  forget(): void;
}

/** One input of an operator. */
export interface InputDeclaration<M extends Schema, S extends Schema, O extends Schema> {
  readonly message: M;
  /** Whose state the message meets; messages with one key meet the same replica in the order they were sent in. */
  readonly key?: (message: ValueOf<M>) => Key;
  /** Synchronous; what it throws ends the flow, which can be started again from its last epoch. */
  process(context: OperatorContext<S, O>, message: ValueOf<M>): void;
}

/** An input of an operator without its types. */
export interface InputData {
  readonly message: Schema;
  readonly key?: (message: never) => Key;
  process(context: never, message: never): void;
}

/** An operator without its types. */
export interface OperatorData {
  readonly name: string;
  readonly state: Schema | undefined;
  readonly output: Schema | undefined;
  readonly inputs: Readonly<Record<string, InputData>>;
}

/** Where the messages of a stream come from. */
export interface Origin {
  readonly kind: "source" | "operator" | "feedback";
  readonly name: string;
}

/** Messages on their way, as one passes them on inside a builder. */
export interface Stream<M extends Schema = Schema> {
  readonly message: M;
  readonly origin: Origin;
  readonly graph: FlowGraph;
  /** What those who subscribe to it, as an output, can choose messages by. Made by `keyed`. */
  readonly key?: (message: never) => Key;
}

/** Reads a source from a position on. */
export interface SourceReader<T> {
  /** The next message; `none` when there is none yet, `end` when there will be none. */
  read(): T | "none" | "end";
  /** Where to open the source again so that it goes on behind the last message read. */
  position(): number;
}

/** Where a source's messages come from. Without types. */
export type SourceKind =
  /** Gives the same messages again when it is opened at the same position again. */
  | {
      readonly kind: "replayable";
      readonly partitions: number;
      open(position: number, partition: number): SourceReader<unknown>;
    }
  /** A log in the store, which handlers and programs append to. */
  | { readonly kind: "logged" }
  /** Messages that programs push and nobody keeps; those that wait longer than this are dropped. */
  | { readonly kind: "live"; readonly lateAfter_ms: number };

export type SourceData = SourceKind & { readonly name: string; readonly message: Schema };

/** A call of an operator in a flow. */
export interface OperatorNode {
  readonly name: string;
  readonly operator: OperatorData;
  /** The streams that come in at each input. */
  readonly inputs: Readonly<Record<string, readonly Origin[]>>;
  readonly parallelism: number;
}

/** An edge against the order of the calls. */
export interface FeedbackData {
  readonly name: string;
  readonly message: Schema;
  /** Whether messages under way on it are part of every epoch. */
  readonly logged: boolean;
  origin: Origin | undefined;
}

/** What is in a flow. */
export interface FlowGraph {
  readonly name: string;
  readonly sources: Map<string, SourceData>;
  readonly nodes: Map<string, OperatorNode>;
  readonly feedback: Map<string, FeedbackData>;
}

/** A flow as it is declared: a graph, and functions. */
export interface Flow {
  readonly kind: "flow";
  readonly name: string;
  readonly delivery: Delivery;
  readonly graph: FlowGraph;
  /** Outputs by name. */
  readonly outputs: Readonly<Record<string, Stream>>;
}
