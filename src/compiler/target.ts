import type { Kernel, OriginatedKernel } from "./operation.js";

/**
 * A compiled kernel: called with byte offsets for buffers and numbers for scalars, in declared order. Returns what the
 * kernel's body returned, if anything. Nothing is checked: offsets are to leave room for the buffers' lengths.
 */
export type CompiledKernel = (...arguments_: number[]) => number | undefined;

/** A kernel that is being compiled on another thread. */
export interface PendingKernel {
  /** The kernel, once, when it is there. @throws what compiling it throws. */
  take(): CompiledKernel | undefined;
  /** It is not wanted any more; nobody takes it afterwards. */
  cancel(): void;
}

/** Kernels that a thread was given so far. */
export interface CompilationCounts {
  /** Compiled for it. */
  readonly compiled: number;
  /** Loaded from what a process before left on disk. */
  readonly loaded: number;
  /** What both took: building, compiling and linking. */
  readonly milliseconds: number;
}

/** What turns kernels into code for one kind of machine, over one shared memory. */
export interface Target {
  readonly name: string;
  /** Bytes of the vectors that this machine computes with at once: kernels are best built for as many lanes. */
  readonly vectorBytes: number;
  /**
   * Compiles for repeated calls; slow (milliseconds to a few hundred).
   * @throws NeuroranError `KERNEL_UNSUPPORTED` for what the target cannot hold.
   */
  compile(kernel: Kernel, memory: WebAssembly.Memory): CompiledKernel;
  /** Has a kernel built and compiled on the compiler's thread. Absent where there is no way to it. */
  compileInBackground?(kernel: OriginatedKernel, memory: WebAssembly.Memory): PendingKernel;
  /** As long as it returns the same, nothing that is pending has come. Allocates nothing. */
  arrivals?(): number;
  /** Gives a compiled kernel back, whose code may go: it must not be called any more. */
  release?(compiled: CompiledKernel): void;
  counts(): CompilationCounts;
  /** Where operations are counted: adds those that are carried out elsewhere than in kernels. */
  countOperations?(operations: number): void;
}

/** f32 numbers in a vector of the target. */
export function floatLanes(target: Pick<Target, "vectorBytes">): number {
  return target.vectorBytes / 4;
}
