/**
 * What the compiler's thread and those that ask it say to each other.
 *
 * Invariants:
 * 1. Every order is answered once, over the port that it came by, unless the thread is stopped or that port is closed.
 * 2. The count of answers is raised after an answer has been posted: who looked at the port after reading it misses none.
 * 3. The thread is not ended while it does an order: native code that returns into an ended thread ends the process. The
 *    main thread alone starts it; when it ends, it raises `stop` and waits until the thread is not busy, which looks at
 *    `stop` after it said that it is.
 * 4. Code is kept as long as a holder has not released it; a connection that closes releases all that it holds.
 */
import type { MessagePort } from "node:worker_threads";
import type { ErrorDescription } from "../../errors.js";
import type { KernelOrigin } from "../origin.js";

/** Words about the thread that all connections share. */
export const stateWord = {
  /** 1 once the thread has ended. */
  ended: 0,
  /** 1 where no order is to be begun any more. */
  stop: 1,
  /** 1 while an order is being done. */
  busy: 2,
} as const;

/** Types, as C has them, of what compiled kernels return. */
export const resultTypes = ["void", "int32_t", "float", "double"] as const;
export type ResultType = (typeof resultTypes)[number];

/** Where a kernel's operations come from: its builder, or its text as LLVM reads it, of a function `kernel`. */
export type KernelText =
  | { readonly origin: KernelOrigin }
  | { readonly text: string; readonly result: ResultType };

/** What is asked for: code of one kernel. */
export type CodeOrder =
  | {
      readonly target: "llvm";
      readonly name: string;
      /** Whether products and sums are fused. */
      readonly contract: boolean;
      readonly from: KernelText;
    }
  | {
      readonly target: "wasm";
      readonly name: string;
      readonly relaxed: boolean;
      readonly from: { readonly origin: KernelOrigin };
    };

/** Where code came from: a compiler just now, the disk, or an order before in this process. */
export type CodeSource = "compiled" | "disk" | "process";

/** Machine code of this process. */
export interface NativeCode {
  readonly target: "llvm";
  readonly symbol: string;
  readonly address: bigint;
  readonly result: ResultType;
  readonly source: CodeSource;
}

/** A module, whose code all threads share. */
export interface ModuleCode {
  readonly target: "wasm";
  readonly module: WebAssembly.Module;
  readonly source: CodeSource;
}

/** Code of a kernel, and what making it took. */
export type Code = (NativeCode | ModuleCode) & { readonly milliseconds: number };

/** One end of a connection, to be handed to a thread with its port transferred. */
export interface ConnectionEnd {
  readonly port: MessagePort;
  /** One word: the answers that were posted over this connection. */
  readonly answers: Int32Array<SharedArrayBuffer>;
  readonly state: Int32Array<SharedArrayBuffer>;
}

export type Request =
  | {
      readonly kind: "compile";
      readonly number: number;
      /** Whether somebody stands still until it is done: it goes before what nobody waits for. */
      readonly awaited: boolean;
      readonly order: CodeOrder;
    }
  /** What was ordered is not wanted any more. */
  | { readonly kind: "cancel"; readonly number: number }
  | { readonly kind: "release"; readonly symbol: string }
  | { readonly kind: "connect"; readonly end: ConnectionEnd };

export type Answer =
  | { readonly number: number; readonly code: Code }
  | { readonly number: number; readonly error: ErrorDescription }
  | { readonly number: number; readonly cancelled: true };
