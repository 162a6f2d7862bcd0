/**
 * What the threads of a flow share, and say to each other.
 *
 * Invariants:
 * 1. Who changes what a thread waits for (a ring, its requests) does so before it looks whether the thread sleeps; the
 *    thread says that it sleeps before it looks a last time. So it cannot sleep through a change.
 * 2. A worker hands over what a task gave out in an epoch before it says that the task has acknowledged the epoch.
 */
import type { ErrorDescription } from "../../errors.js";
import type { AdmittedMessage } from "../turns/index.js";
import type { FlowPlan } from "./plan.js";

/** Words of a worker, each on a cache line of its own. */
export const workerWord = { signal: 0, sleeping: 16, requests: 32 } as const;

export function workerWords(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * 48));
}

/** Wakes a worker, if it sleeps, after something that it waits for has changed. */
export function wake(words: Int32Array<SharedArrayBuffer>): void {
  if (Atomics.load(words, workerWord.sleeping) === 0) return;
  Atomics.add(words, workerWord.signal, 1);
  Atomics.notify(words, workerWord.signal);
}

/** A time that all threads of the process share and that does not jump, in milliseconds. */
export function monotonic_ms(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Counts of each task, which its worker alone writes; float64. */
export const counter = { received: 0, sent: 1, dropped: 2, counters: 4 } as const;

/**
 * Outputs that are held until their epoch is committed, in units of 1024 bytes: such as workers have handed over and the
 * main thread has not received, and such as it has. Sources rest while both make more than the limit.
 */
export const heldWord = { underWay: 0, received: 16 } as const;
export const heldLimit = 65536;

export function heldUnits(bytes: number): number {
  return Math.ceil(bytes / 1024);
}

/** The layouts of a schema by the versions that have written in them. */
export type Layouts = ReadonlyMap<number, string>;

/** State of one operator in the order in which its parts were written, and messages that were under way. */
export interface RestoredOperator {
  readonly parts: readonly Uint8Array[];
  /** By feedback edge. */
  readonly feedback: Readonly<Record<string, readonly Uint8Array[]>>;
  /** Of its state. */
  readonly layouts: Layouts;
}

export interface FlowWorkerStart {
  readonly module: string;
  readonly name: string;
  readonly plan: FlowPlan;
  readonly worker: number;
  /** By channel; undefined where it does not leave its worker. */
  readonly rings: readonly (SharedArrayBuffer | undefined)[];
  /** By worker. */
  readonly words: readonly SharedArrayBuffer[];
  readonly counts: SharedArrayBuffer;
  /** Words of `heldWord`. */
  readonly held: SharedArrayBuffer;
  readonly lastEpoch: number;
  /** Positions of replayable sources, by name and partition. */
  readonly positions: Readonly<Record<string, readonly number[]>>;
  readonly operators: Readonly<Record<string, RestoredOperator>>;
  /** Of logged sources and feedback edges. */
  readonly messageLayouts: Readonly<Record<string, Layouts>>;
}

/** One message for a source that the main thread feeds. */
export interface FedMessage {
  readonly bytes: Uint8Array;
  /** Of a log: that of the message. */
  readonly position: number;
  /** Of a live source: when it came, by `monotonic_ms`. */
  readonly came_ms: number;
}

export type FlowRequest =
  | { readonly kind: "begin"; readonly epoch: number; readonly full: boolean }
  | { readonly kind: "abort"; readonly epoch: number }
  | { readonly kind: "feed"; readonly source: string; readonly messages: readonly FedMessage[] }
  /** Read no replayable source any more; what is fed is taken still. */
  | { readonly kind: "stop reading" }
  | { readonly kind: "describe" }
  | { readonly kind: "close" };

export interface CopiedPart {
  readonly group: number;
  readonly bytes: Uint8Array;
}

export interface SentMessage {
  readonly epoch: number;
  readonly message: AdmittedMessage;
}

/** What a task waits for, for those who look why a flow is stuck. */
export interface TaskDescription {
  readonly task: number;
  readonly epoch: number;
  /** The epoch being aligned, and the names of those whose barrier it waits for. */
  readonly aligning: { readonly epoch: number; readonly waitsFor: readonly string[] } | undefined;
  /** Messages that wait at its inputs, and that the rings behind it have no room for. */
  readonly waiting: number;
  readonly overflowing: number;
  readonly ended: boolean;
}

export type FlowReply =
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly task: string | undefined; readonly error: ErrorDescription }
  /** A state was copied: the keys that changed since the copy before, or all. */
  | {
      readonly kind: "copied";
      readonly task: number;
      readonly epoch: number;
      readonly full: boolean;
      readonly parts: readonly CopiedPart[];
    }
  | {
      readonly kind: "acknowledged";
      readonly task: number;
      readonly epoch: number;
      /** Of a source. */
      readonly position: number;
      readonly ended: boolean;
      /** Messages that were under way, by feedback edge. */
      readonly feedback: Readonly<Record<string, readonly Uint8Array[]>>;
    }
  /** Outputs: for each three numbers, the output, the epoch and the length; and the bytes in a row. */
  | { readonly kind: "outputs"; readonly heads: readonly number[]; readonly bytes: Uint8Array }
  | { readonly kind: "sends"; readonly sends: readonly SentMessage[] }
  /** A fed source has taken so many messages. */
  | { readonly kind: "taken"; readonly source: string; readonly count: number }
  /** A source has given its last message. */
  | { readonly kind: "ended"; readonly task: number }
  | { readonly kind: "description"; readonly worker: number; readonly tasks: readonly TaskDescription[] };
