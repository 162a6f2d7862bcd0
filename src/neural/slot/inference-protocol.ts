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
import type { ErrorDescription } from "../../errors.js";
import { HELPER_WORDS } from "../../system/index.js";
import type { TensorType } from "../graph/graph.js";

/** Words that the threads share beside a helper's, each on a cache line of its own; counters wrap around at 32 bits. */
export const word = {
  asked: HELPER_WORDS,
  answered: HELPER_WORDS + 16,
  /** The mailbox that the open question is for. */
  mailbox: HELPER_WORDS + 32,
  /** How the last question was answered. */
  outcome: HELPER_WORDS + 48,
  /** Requests sent, and those served. */
  requests: HELPER_WORDS + 64,
  served: HELPER_WORDS + 80,
  /** Raised when the asking thread runs elsewhere or goes before others as it did not before; what the two following say. */
  placements: HELPER_WORDS + 96,
  /** The processor that it is pinned to, or -1. */
  processor: HELPER_WORDS + 112,
  /** 1 where it has real-time priority. */
  realTime: HELPER_WORDS + 128,
} as const;

export const WORDS = HELPER_WORDS + 144;

export const outcome = { done: 1, notFinite: 2, failed: 3 } as const;

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
