import type { Kernel } from "./operation.js";

/** A compiled kernel: called with byte offsets for buffers and numbers for scalars, in declared order. */
export type CompiledKernel = (...arguments_: number[]) => number | undefined;

/** What turns kernels into code for one kind of machine, over one shared memory. */
export interface Target {
  readonly name: string;
  /** Compiles for repeated calls; slow (milliseconds). @throws NeuroranError `KERNEL_UNSUPPORTED`. */
  compile(kernel: Kernel, memory: WebAssembly.Memory): CompiledKernel;
}
