import { setFlagsFromString } from "node:v8";
import type { Kernel } from "../operation.js";
import type { CompiledKernel, Target } from "../target.js";
import { encodeModule } from "./encoder.js";
import { lowerKernel } from "./lower.js";

// Modules that multiply and add f32 vectors: fused only under relaxed SIMD, and with WebAssembly SIMD at all.
const relaxedProbe = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 17, 65, 1,
  253, 17, 253, 128, 2, 11,
];

/** Whether this engine has WebAssembly's relaxed SIMD (Node 22 and later do). */
export function relaxedSimdAvailable(): boolean {
  return WebAssembly.validate(new Uint8Array(relaxedProbe));
}

/** The kernel as the bytes of a WebAssembly module that imports `env.memory` and exports `run`. */
export function encodeWasm(kernel: Kernel, options: { relaxed: boolean }): Uint8Array<ArrayBuffer> {
  const { parameters, result, locals, code } = lowerKernel(kernel, options.relaxed);
  return encodeModule(parameters, result, locals, code, { initial: 1, maximum: 65536 });
}

/**
 * The portable target: WebAssembly SIMD, with relaxed SIMD's fused multiply-add where the engine has it.
 * @param options.relaxed false keeps to what every engine computes bit for bit alike
 */
export function wasmTarget(options: { relaxed?: boolean } = {}): Target {
  const relaxed = options.relaxed ?? relaxedSimdAvailable();
  // Kernels are compiled before they are needed and then run for long, so the optimizing tier comes at once: the
  // baseline tier would serve the first slots many times slower.
  setFlagsFromString("--no-liftoff");
  setFlagsFromString("--no-wasm-lazy-compilation");
  return {
    name: "wasm",
    compile(kernel: Kernel, memory: WebAssembly.Memory): CompiledKernel {
      const module = new WebAssembly.Module(encodeWasm(kernel, { relaxed }));
      const instance = new WebAssembly.Instance(module, { env: { memory } });
      return instance.exports.run as CompiledKernel;
    },
  };
}
