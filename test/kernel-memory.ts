import { type CompiledKernel, type Kernel, wasmTarget } from "../src/compiler/index.js";

/** Memory of some pages of 64 KiB in which a test puts a kernel's buffers where it likes. */
export function kernelMemory(pages: number) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const target = wasmTarget();
  return {
    memory,
    /** Numbers at a byte offset, set to `values`. */
    floats(offset: number, values: ArrayLike<number>): Float32Array {
      const view = new Float32Array(memory.buffer, offset, values.length);
      view.set(values);
      return view;
    },
    compile: (kernel: Kernel): CompiledKernel => target.compile(kernel, memory),
  };
}
