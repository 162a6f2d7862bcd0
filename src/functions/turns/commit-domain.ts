import type { Address } from "./address.js";
import type { Invocation, Outcome, Serialisable, StatefulFunctionData } from "./declaration.js";

/** A client's numbered requests: one with a number that was seen before gets the recorded reply and runs nothing. */
export interface SessionRequest {
  /** As `openSession` gave it. */
  readonly session: string;
  /** From 1, counting the session's requests; they may overtake each other. */
  readonly sequence: number;
  /** All replies up to this number have arrived, and need not be kept. */
  readonly acknowledged: number;
}

/** How a request from outside is told apart from its repetitions; without either of these it is not. */
export type Identification =
  | { readonly session: SessionRequest }
  | {
      /** Any text: a request with the same key to the same function, key and handler runs once within ten minutes. */
      readonly idempotencyKey: string;
    };

/** A message of a flow. */
export interface AdmittedMessage {
  /** `<flow>#<position>.<sender>.<ordinal>`. */
  readonly id: string;
  /** The flow, and what in it sends. */
  readonly sender: Address;
  readonly invocation: Invocation;
}

/** One event of a key's log. */
export interface LoggedEvent {
  /** From 1, without gaps. */
  readonly position: number;
  readonly event: Serialisable;
}

/** Takes an event, and returns false when it wants no more: its subscription has ended then. */
export type Deliver = (event: LoggedEvent) => unknown;

/** What a function does, for those who look. */
export interface FunctionStatistics {
  readonly name: string;
  /** Keys in memory. */
  readonly activeKeys: number;
  readonly turns: number;
  /** Turns whose handler threw, and requests that were refused. */
  readonly failedTurns: number;
  /** Messages that wait until the function is in service. */
  readonly waiting: number;
}

/** What a domain does, for those who look. */
export interface DomainStatistics {
  readonly functions: readonly FunctionStatistics[];
  /** About what the keys in memory take. */
  readonly cache_bytes: number;
  /** Messages that were accepted and not yet handled, and such as other domains have not acknowledged. */
  readonly inbox: number;
  readonly outbox: number;
  readonly timers: number;
  readonly sessions: number;
  /** Clients that wait for replies outside sessions. */
  readonly clients: number;
  readonly subscribers: number;
  /** Messages that damaged entries keep from being handled. */
  readonly quarantined: number;
  readonly commits: number;
  readonly writes: number;
}

/**
 * The stateful functions of one process over one store: turns run one after the other, what they send each other runs at
 * once, and what leaves the domain leaves when the commit behind it is durable.
 */
export interface CommitDomain {
  /**
   * Puts functions into service, or new versions of such as are: between two turns, state kept.
   * @throws InputError where the state that is there has a version that the schema cannot read.
   */
  deploy(functions: readonly StatefulFunctionData[]): void;
  /**
   * Takes a function out of service, or says that one will not come into it; its state stays. Requests for it fail with
   * FUNCTION_UNKNOWN until it is back, those that wait for it as well, and what nobody waits for stays until then.
   */
  undeploy(name: string): void;
  /**
   * Resolves with the outcome when it is durable. The body must have been checked.
   * @throws (rejections) NeuroranError COMMIT_FAILED: nothing happened; SESSION_UNKNOWN; REQUEST_CONFLICT: the identification was
   * used for another request; OVERLOADED; DOMAIN_CLOSED.
   */
  invoke(invocation: Invocation, identification?: Identification): Promise<Outcome>;
  /** Resolves when the message is accepted for good; it runs later, after the delay. Rejects as `invoke` does. */
  send(
    invocation: Invocation,
    options?: { readonly delay_ms?: number; readonly identification?: Identification },
  ): Promise<void>;
  /**
   * Takes over messages that a flow has committed: they are accepted in the change that removes the entries in which they
   * lay, one for each message, so that each is accepted once, whatever fails. Those whose entry is gone were accepted before.
   * Rejects as `invoke` does.
   */
  admit(messages: readonly AdmittedMessage[], consumed: readonly string[]): Promise<void>;
  /** A new session; it is forgotten when nothing came in it for so long. */
  openSession(timeToLive_ms: number): Promise<string>;
  /**
   * Delivers the events of a key from `position` on (those still kept; undefined: only coming ones), each once and in order, as
   * soon as it is durable. Returns what ends it.
   */
  subscribe(address: Address, position: number | undefined, deliver: Deliver): () => void;
  /** The JSON form of a key's state as of its last turn, when that is durable; undefined where it has none. */
  stateOf(address: Address): Promise<unknown>;
  /** Replaces the state of a key by that of a JSON form; refuses what does not fit the schema. */
  setState(address: Address, json: unknown): Promise<void>;
  /** The keys of a function that have state, those behind `after` in the order of the store, at most `limit` (1000). */
  keys(name: string, after?: string, limit?: number): string[];
  statistics(): DomainStatistics;
  /** Runs what has come, commits, and refuses what comes later. */
  close(): Promise<void>;
}
