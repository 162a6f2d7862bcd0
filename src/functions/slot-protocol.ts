/**
 * What a slot executor and its worker thread share.
 *
 * Invariants:
 * 1. The executor alone writes `submitted` and the ring's variants, the worker alone `completed` and its outcomes.
 * 2. `submitted` is at most the ring's capacity ahead of `completed`, so no entry is overwritten before it is read.
 * 3. Every change for the worker is followed by raising `signal`, which the worker has read before it looked: it
 *    cannot sleep through one.
 * 4. The message that tells why a slot failed is posted before the slot counts as completed.
 */
import type { ErrorDescription } from "../errors.js";
import type { Configuration } from "./flow-instance.js";
import type { KernelRecord } from "./kernel-store.js";
import type { TensorDescription } from "./tensor.js";

/** Slots that can be handed over without waiting; a power of two. */
export const ringCapacity = 256;

/** Counters that both threads use, each on a cache line of its own; they wrap around at 32 bits. */
export const word = { signal: 0, submitted: 16, completed: 32, requests: 48 } as const;

const ringBegin = 64;

/** The shared counters and the ring: variant and outcome of slot n at `n & (ringCapacity - 1)`. */
export interface SharedRing {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly variants: Int32Array<SharedArrayBuffer>;
  readonly outcomes: Int32Array<SharedArrayBuffer>;
}

export const outcome = { processed: 0, failed: 1 } as const;

/** The ring in `buffer`, or in a new one. */
export function sharedRing(buffer = new SharedArrayBuffer(4 * (ringBegin + 2 * ringCapacity))): SharedRing {
  const words = new Int32Array(buffer, 0, ringBegin);
  const variants = new Int32Array(buffer, 4 * ringBegin, ringCapacity);
  const outcomes = new Int32Array(buffer, 4 * (ringBegin + ringCapacity), ringCapacity);
  return { words, variants, outcomes };
}

/** What the worker thread is started with. */
export interface WorkerStart {
  readonly module: string;
  readonly factory: string;
  readonly options: unknown;
  readonly memory: WebAssembly.Memory;
  readonly ring: SharedArrayBuffer;
  /** What the thread pins itself to. */
  readonly processor: number | undefined;
}

/** What the executor asks for; it numbers the variants. */
export type Request =
  | { readonly kind: "prepare"; readonly variant: number; readonly configuration: Configuration }
  | { readonly kind: "release"; readonly variant: number }
  | { readonly kind: "close" };

export type TensorDescriptions = Readonly<Record<string, TensorDescription>>;

/** What the worker says. */
export type Reply =
  | {
      readonly kind: "started";
      readonly functions: readonly string[];
      readonly counts: TensorDescription<"float64">;
      readonly durations: TensorDescription<"float64">;
      readonly maximumVariants: number;
      /** Whether the thread runs on the processor that it was given. */
      readonly pinned: boolean;
    }
  | { readonly kind: "start failed"; readonly error: ErrorDescription }
  | {
      readonly kind: "prepared";
      readonly variant: number;
      readonly inputs: TensorDescriptions;
      readonly outputs: TensorDescriptions;
      readonly kernels: readonly KernelRecord[];
    }
  | { readonly kind: "kernels"; readonly kernels: readonly KernelRecord[] }
  | { readonly kind: "preparation failed"; readonly variant: number; readonly error: ErrorDescription }
  | { readonly kind: "slot failed"; readonly slot: number; readonly error: ErrorDescription };
