import type { Target } from "../src/compiler/index.js";
import { bytesPerElement, type Context, dataTypeOf, type Tensor, viewOf } from "../src/functions/index.js";

/**
 * What a part of a function prepares itself with, outside of a function: tensors of zeros one behind the other in
 * `memory` from byte `from` on, each at a multiple of 64 with 64 bytes to spare.
 */
export function functionContext(
  memory: WebAssembly.Memory,
  target: Target,
  from: number,
): Pick<Context, "scratch" | "table" | "target" | "compile" | "specialize"> {
  let next = from;
  const scratch: Context["scratch"] = (name, dtype, ...shape) => {
    const elements = shape.reduce((product, size) => product * size, 1);
    const byteLength = elements * bytesPerElement[dtype];
    const offset = next;
    next += Math.ceil(byteLength / 64) * 64 + 64;
    new Uint8Array(memory.buffer, offset, byteLength).fill(0);
    return { name, dtype, shape, offset, byteLength, view: viewOf(dtype, memory.buffer, offset, elements) };
  };
  return {
    scratch,
    table(name, values) {
      const tensor: Tensor = scratch(name, dataTypeOf(values), values.length);
      tensor.view.set(values);
      return tensor as never;
    },
    target,
    compile: (kernel) => target.compile(kernel, memory),
    specialize: (kernel) => ({ run: target.compile(kernel, memory) }),
  };
}
