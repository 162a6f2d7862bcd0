/**
 * What a thread that waits for answers and the thread that infers share: words and, for each network, a mailbox.
 *
 * Invariants:
 * 1. The asking thread alone writes `asked`, the inference thread alone `answered`; both count questions. A question is open
 *    while they differ, and there is one at a time.
 * 2. A mailbox's inputs are read and its outputs written by the inference thread only while its question is open: an answer
 *    that comes late overwrites nothing that anybody reads.
 * 3. Every question and every request is followed by raising the signal, which the inference thread has read before it
 *    looked: it cannot sleep through one.
 * 4. The inference thread runs where the asking one does, and goes behind it: they take turns, nothing of theirs moves from one
 *    processor's cache to another's, and a question that takes too long does not keep the asking thread from going on.
 */
import type { MessagePort } from "node:worker_threads";
import type { ErrorDescription } from "../../errors.js";
import type { TensorType } from "../graph/graph.js";

/** Words that the threads share, each on a cache line of its own; counters wrap around at 32 bits. */
export const word = {
  signal: 0,
  asked: 16,
  answered: 32,
  /** The mailbox that the open question is for. */
  mailbox: 48,
  /** How the last question was answered. */
  outcome: 64,
  /** Requests sent, and those served. */
  requests: 80,
  served: 96,
  /** 1 when the thread is gone, as far as the asking thread has heard. */
  ended: 112,
  /** The system's number of the thread; 0 where the system does not tell. */
  thread: 128,
  /** Raised when the asking thread runs elsewhere or goes before others as it did not before; what the two following say. */
  placements: 144,
  /** The processor that it is pinned to, or -1. */
  processor: 160,
  /** 1 where it has real-time priority. */
  realTime: 176,
} as const;

export const WORDS = 192;

export const outcome = { done: 1, notFinite: 2, failed: 3 } as const;

export type SharedWords = Int32Array<SharedArrayBuffer>;

/** A tensor in memory that both threads see. */
export interface SharedTensor extends TensorType {
  readonly buffer: SharedArrayBuffer;
}

export type SharedTensors = Readonly<Record<string, SharedTensor>>;

/** What the inference thread is asked to do beside answering. */
export type InferenceRequest =
  | {
      readonly kind: "open";
      readonly mailbox: number;
      /** An ONNX file all of whose inputs have sizes. */
      readonly bytes: Uint8Array;
      readonly inputs: SharedTensors;
    }
  | { readonly kind: "release"; readonly mailbox: number };

/** What it says to that; nothing to a release. */
export type InferenceReply =
  | { readonly kind: "opened"; readonly outputs: SharedTensors }
  | { readonly kind: "refused"; readonly error: ErrorDescription };

/** What the thread is started with. */
export interface InferenceStart {
  readonly words: SharedWords;
  readonly port: MessagePort;
}
