import type { CompiledKernel, Kernel, Target } from "../src/compiler/index.js";

/** Memory of some pages of 64 KiB in which a test puts a kernel's buffers where it likes. */
export function kernelMemory(pages: number) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return {
    memory,
    /** Numbers at a byte offset, set to `values`. */
    floats(offset: number, values: ArrayLike<number>): Float32Array {
      const view = new Float32Array(memory.buffer, offset, values.length);
      view.set(values);
      return view;
    },
    compile: (target: Target, kernel: Kernel): CompiledKernel => target.compile(kernel, memory),
  };
}
