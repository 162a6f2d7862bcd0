import type { Kernel } from "./operation.js";

/**
 * A compiled kernel: called with byte offsets for buffers and numbers for scalars, in declared order. Returns what the
 * kernel's body returned, if anything. Nothing is checked: offsets are to leave room for the buffers' lengths.
 */
export type CompiledKernel = (...arguments_: number[]) => number | undefined;

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
  /** Kernels of this process so far: compiled, and loaded from what a process before left on disk. */
  counts(): { readonly compiled: number; readonly loaded: number };
}

/** f32 numbers in a vector of the target. */
export function floatLanes(target: Pick<Target, "vectorBytes">): number {
  return target.vectorBytes / 4;
}
