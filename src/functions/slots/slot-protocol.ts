/**
 * What a slot executor and its worker threads share: one that runs the slots and, while implementations are exchanged, a
 * second one (swap.ts).
 *
 * Invariants:
 * 1. The executor alone writes `submitted` and the ring's variants, the thread that owns the slots alone `completed` and
 *    the outcomes.
 * 2. `submitted` is at most the ring's capacity ahead of `completed`, so no entry is overwritten before it is read.
 * 3. Every change for a thread is followed by raising its signal, which the thread has read before it looked: it cannot
 *    sleep through one. Slots are told to the owner, and an owner that hands over tells the next.
 * 4. The message that tells why a slot failed is posted before the slot counts as completed.
 */
import type { ErrorDescription } from "../../errors.js";
import type { HelperStart } from "../../system/index.js";
import type { CanaryNode } from "../canary.js";
import type { Alternatives, Choices } from "../choice.js";
import type { Configuration } from "../flow-instance.js";
import type { KernelRecord } from "../kernel-store.js";
import { keysPerSlot } from "../keyed-rows.js";
import type { KeyedDescription } from "../keyed-shape.js";
import type { LastingDescription, LastingPart, Part } from "../lasting.js";
import type { AttemptedNode, ChosenImplementation } from "../plan.js";
import type { Ports } from "../port.js";
import type { TensorDescription } from "../tensor.js";
import type { SharedCopies } from "./row-copies.js";

/** Slots that can be handed over without waiting; a power of two. */
export const ringCapacity = 256;

/** Words that the threads share, each on a cache line of its own; counters wrap around at 32 bits. */
export const word = {
  /** Raised for each thread. */
  signals: [0, 16],
  submitted: 32,
  completed: 48,
  /** Requests sent to each thread. */
  requests: [64, 80],
  /** See swap.ts. */
  owner: 96,
  /** The slot from which on the owner has the slots. */
  ownedFrom: 112,
  kept: 128,
  keptSlot: 144,
  /** A barrier that the owner of the slots is to take before slot `barrierSlot`; who took it. */
  barrier: 160,
  barrierSlot: 176,
  barrierBy: 192,
} as const;

export const barrierState = { none: 0, asked: 1, done: 2 } as const;

const ringBegin = 208;

/** Kinds of keys that the states of a flow may have. */
export const mostKinds = 4;

/** For each kind of key of a slot: how many rows it writes, then the rows, those it writes first, -1 behind the last. */
export const rowsStride = 1 + keysPerSlot;

const rowsLength = mostKinds * rowsStride;

export type SharedWords = Int32Array<SharedArrayBuffer>;

/** The shared counters and the ring: variant and outcome of slot n at `n & (ringCapacity - 1)`. */
export interface SharedRing {
  readonly words: SharedWords;
  readonly variants: Int32Array<SharedArrayBuffer>;
  readonly outcomes: Int32Array<SharedArrayBuffer>;
  /** The rows of keyed state that each slot touches: see `rowsBegin`. */
  readonly rows: Int32Array<SharedArrayBuffer>;
}

/** Where in `ring.rows` those of a slot and a kind of key begin. */
export function rowsBegin(slot: number, kind: number): number {
  return (slot & (ringCapacity - 1)) * rowsLength + kind * rowsStride;
}

/** The index of the thread that ran a slot, with this set where it failed. */
export const failedOutcome = 2;

/** The ring in `buffer`, or in a new one. */
export function sharedRing(
  buffer = new SharedArrayBuffer(4 * (ringBegin + (2 + rowsLength) * ringCapacity)),
): SharedRing {
  const words = new Int32Array(buffer, 0, ringBegin);
  const variants = new Int32Array(buffer, 4 * ringBegin, ringCapacity);
  const outcomes = new Int32Array(buffer, 4 * (ringBegin + ringCapacity), ringCapacity);
  const rows = new Int32Array(buffer, 4 * (ringBegin + 2 * ringCapacity), rowsLength * ringCapacity);
  return { words, variants, outcomes, rows };
}

/** A variant to be prepared on inputs that lie where they are. */
export interface VariantRequest {
  readonly variant: number;
  readonly configuration: Configuration;
  readonly inputs: TensorDescriptions;
  /** State and feedback edges that another thread uses. */
  readonly lasting: readonly LastingDescription[];
}

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly index: 0 | 1;
  readonly module: string;
  readonly factory: string;
  readonly options: unknown;
  /** Names of implementations by function or node, which the factory is to choose. */
  readonly implementations: Choices;
  readonly memory: WebAssembly.Memory;
  /** Of the memory: for all that is this thread's own. */
  readonly part: Part;
  readonly lasting: LastingPart;
  readonly ring: SharedArrayBuffer;
  /** What the thread pins itself to when it owns the slots. */
  readonly processor: number | undefined;
  /** Whether it goes before all threads of ordinary priority while it owns the slots. */
  readonly realTime: boolean;
  /** For a thread that is to take over: what it runs on a state of its own, before it begins. */
  readonly rehearsal: readonly VariantRequest[] | undefined;
}

/** When the candidate of a swap gives the slots back by itself. */
export interface Probation {
  /** Slots after which it is over. */
  readonly slots: number;
  /** A slot that takes longer is late. */
  readonly deadline_ms: number;
  /** Late slots that are too many. */
  readonly misses: number;
}

/** What the executor asks for; it numbers the variants. */
export type Request =
  | ({ readonly kind: "prepare" } & VariantRequest)
  | { readonly kind: "release"; readonly variant: number }
  /** To a candidate: the last before it gets the slots. */
  | { readonly kind: "take over"; readonly probation: Probation }
  /** How it copies keyed state; before slots come. */
  | { readonly kind: "copies"; readonly shared: SharedCopies }
  /** Ends probation: there is nobody to give the slots back to. */
  | { readonly kind: "keep serving" }
  | { readonly kind: "close" };

export type TensorDescriptions = Readonly<Record<string, TensorDescription>>;

/** A tensor, and where what it was before the slot is kept. */
export interface KeptTensor {
  readonly of: TensorDescription;
  readonly kept: TensorDescription;
  /** Of keyed state, the kind of its key: what is kept are rows, in the order in which the slot names them. */
  readonly key: number | undefined;
}

/** What a worker says. */
export type Reply =
  | {
      readonly kind: "started";
      readonly functions: readonly string[];
      readonly implementations: readonly ChosenImplementation[];
      readonly flow: { readonly name: string; readonly inputs: Ports };
      readonly counts: TensorDescription<"float64">;
      readonly durations: TensorDescription<"float64">;
      readonly attempts: readonly AttemptedNode[];
      readonly attemptCounts: TensorDescription<"float64">;
      readonly canaries: readonly CanaryNode[];
      readonly canaryCounts: TensorDescription<"float64">;
      readonly alternatives: Readonly<Record<string, Alternatives>>;
      readonly pace: TensorDescription<"float64">;
      readonly maximumVariants: number;
      readonly lasting: readonly LastingDescription[];
      readonly keyed: readonly KeyedDescription[];
      /** Whether the thread runs on the processor that it was given. */
      readonly pinned: boolean;
      /** Why it cannot have real-time priority; undefined where it can, or was not asked to. */
      readonly realTimeProblem: string | undefined;
    }
  | { readonly kind: "start failed"; readonly error: ErrorDescription }
  /** It needs a thread that may end later than itself. */
  | { readonly kind: "start helper"; readonly module: string; readonly data: HelperStart }
  | {
      readonly kind: "prepared";
      readonly variant: number;
      readonly outputs: TensorDescriptions;
      readonly kernels: readonly KernelRecord[];
      readonly lasting: readonly LastingDescription[];
    }
  | { readonly kind: "kernels"; readonly kernels: readonly KernelRecord[] }
  | { readonly kind: "preparation failed"; readonly variant: number; readonly error: ErrorDescription }
  /** The candidate waits for the slots. */
  | { readonly kind: "ready" }
  /** Where a candidate keeps, before each slot, what state was. */
  | { readonly kind: "kept"; readonly tensors: readonly KeptTensor[] }
  | { readonly kind: "not ready"; readonly error: ErrorDescription }
  /** Where it copies, at a barrier, what is not keyed. */
  | { readonly kind: "copy places"; readonly tensors: readonly KeptTensor[] }
  | { readonly kind: "handed over"; readonly slot: number }
  | {
      readonly kind: "given back";
      readonly slot: number;
      readonly reason: "slot failed" | "deadline missed";
      readonly error: ErrorDescription | undefined;
    }
  | { readonly kind: "passed" }
  | { readonly kind: "slot failed"; readonly slot: number; readonly error: ErrorDescription };
