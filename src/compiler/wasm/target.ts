import { setFlagsFromString } from "node:v8";
import type { Kernel, OriginatedKernel } from "../operation.js";
import type { KernelOrigin } from "../origin.js";
import type { CompiledKernel, PendingKernel, Target } from "../target.js";
import { answerCount, awaitCode, reachesCompiler } from "../thread/connection.js";
import { compilationCounts, noCodeYet, orderKernel } from "../thread/pending-kernel.js";
import type { Code, CodeOrder, ModuleCode } from "../thread/protocol.js";
import { encodeModule } from "./encoder.js";
import { lowerKernel } from "./lower.js";

// A module of one relaxed instruction, i8x16.relaxed_swizzle: engines have all of them or none.
const relaxedProbe = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 17, 65, 1,
  253, 17, 253, 128, 2, 11,
];

/** Whether this engine has WebAssembly's relaxed SIMD (Node 22 and later do). */
export function relaxedSimdAvailable(): boolean {
  return WebAssembly.validate(new Uint8Array(relaxedProbe));
}

/**
 * The kernel as the bytes of a WebAssembly module that imports `env.memory`, which is shared, and exports `run`.
 * @param options.relaxed whether vectors' `math.fma` is relaxed SIMD's: the engine must have it
 * @throws NeuroranError `KERNEL_UNSUPPORTED` for more than 50,000 locals and for masks counted beyond 128 lanes.
 */
export function encodeWasm(kernel: Kernel, options: { relaxed: boolean }): Uint8Array<ArrayBuffer> {
  const { parameters, result, locals, code } = lowerKernel(kernel, options.relaxed);
  return encodeModule(parameters, result, locals, code, { initial: 1, maximum: 65536 });
}

function moduleOf(code: Code): ModuleCode {
  if (code.target !== "wasm") throw new TypeError(`code for ${code.target} where it was for wasm`);
  return code;
}

/**
 * The portable target: WebAssembly SIMD, with relaxed SIMD's fused multiply-add where the engine has it. Turns off V8's
 * baseline compiler for the process. `compile` wants a shared memory (WebAssembly.LinkError otherwise); a compiled
 * kernel traps (WebAssembly.RuntimeError) outside of it and at a division by 0.
 * @param options.relaxed false keeps to what every engine computes bit for bit alike; by default what the engine has
 */
export function wasmTarget(options: { relaxed?: boolean } = {}): Target {
  const relaxed = options.relaxed ?? relaxedSimdAvailable();
  // Kernels are compiled before they are needed and then run for long, so the optimizing tier comes at once: the
  // baseline tier would serve the first slots many times slower.
  setFlagsFromString("--no-liftoff");
  setFlagsFromString("--no-wasm-lazy-compilation");
  const counts = noCodeYet();
  const reaches = reachesCompiler();
  const orderOf = (name: string, origin: KernelOrigin): CodeOrder => ({
    target: "wasm",
    name,
    relaxed,
    from: { origin },
  });
  const callable = ({ module, source }: ModuleCode, memory: WebAssembly.Memory): CompiledKernel => {
    counts[source]++;
    return new WebAssembly.Instance(module, { env: { memory } }).exports.run as CompiledKernel;
  };
  const encoded = (kernel: Kernel): ModuleCode => {
    const module = new WebAssembly.Module(encodeWasm(kernel, { relaxed }));
    return { target: "wasm", module, source: "compiled" };
  };
  const compile = (kernel: Kernel, memory: WebAssembly.Memory): CompiledKernel => {
    const begin = performance.now();
    const { name, origin } = kernel;
    const compiled = callable(
      origin && reaches ? moduleOf(awaitCode(orderOf(name, origin))) : encoded(kernel),
      memory,
    );
    counts.milliseconds += performance.now() - begin;
    return compiled;
  };
  const compileInBackground = (
    { name, origin }: OriginatedKernel,
    memory: WebAssembly.Memory,
  ): PendingKernel => orderKernel(orderOf(name, origin), counts, (code) => callable(moduleOf(code), memory));
  return {
    name: "wasm",
    vectorBytes: 16,
    compile,
    ...(reaches ? { compileInBackground, arrivals: answerCount } : {}),
    counts: () => compilationCounts(counts),
  };
}
