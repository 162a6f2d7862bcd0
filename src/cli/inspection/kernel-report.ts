import {
  type CompiledKernel,
  encodeWasm,
  type Kernel,
  llvmTarget,
  printMlir,
  relaxedSimdAvailable,
  type Target,
  wasmTarget,
} from "../../compiler/index.js";
import { compileForInspection, type NativeCode } from "../../compiler/llvm/native-code.js";
import { argumentText, countOperations, printKernel } from "../../compiler/text.js";
import { disassembleWasm } from "../../compiler/wasm/disassembler.js";
import { NeuroranError } from "../../errors.js";
import { createRandom } from "../../radio/index.js";
import { type SampleCall, sampleCall } from "../../transceiver/sample-arguments.js";
import { timeKernel } from "./call-time.js";

/** How a kernel can be looked at, and how the file of it ends. */
export const views = {
  ir: { title: "IR", extension: "ir" },
  mlir: { title: "MLIR", extension: "mlir" },
  wasm: { title: "WebAssembly", extension: "wat" },
  "llvm-ir": { title: "LLVM IR", extension: "ll" },
  "llvm-ir-optimized": { title: "LLVM IR, optimized", extension: "optimized.ll" },
  assembly: { title: "Assembly", extension: "s" },
} as const;

export type View = keyof typeof views;

export const viewNames = Object.keys(views) as View[];

/** What a target makes of a kernel. */
export interface TargetReport {
  readonly name: "wasm" | "llvm";
  /** Why there is nothing to tell; null where there is. */
  readonly reason: string | null;
  /** Of the module or of the object file. */
  readonly bytes: number | null;
  readonly instructions: number | null;
  readonly compile_ms: number | null;
  /** Nanoseconds of a call from JavaScript, median, and the same of a kernel that does nothing. */
  readonly call_ns: number | null;
  readonly idle_ns: number | null;
}

export interface KernelReport {
  readonly kernel: string;
  readonly arguments: readonly { readonly text: string; readonly value: number | null }[];
  readonly operations: number;
  readonly targets: readonly TargetReport[];
  /** Absent where a target is. */
  readonly views: Readonly<Partial<Record<View, string>>>;
  /** What the targets' tools read: a WebAssembly module and an object file of this machine. */
  readonly binaries: Readonly<Partial<Record<"wasm" | "o", Uint8Array>>>;
}

/**
 * Compiles a kernel for every target, calls it with sample arguments for about `seconds` on each, and tells what came
 * of it. Where libLLVM is missing, its views are.
 * @param compileNative what compiles for the processor at hand
 */
export function inspectKernel(
  kernel: Kernel,
  seconds: number,
  compileNative: (kernel: Kernel) => NativeCode = compileForInspection,
): KernelReport {
  const operations = countOperations(kernel);
  const call = sampleCall(kernel, createRandom(1));
  const module = encodeWasm(kernel, { relaxed: relaxedSimdAvailable() });
  const names = kernel.arguments.map((a) => (a.kind === "buffer" ? a.buffer.name : a.name));
  const wasm = disassembleWasm(module, names);
  const native = nativeOrReason(kernel, compileNative);
  const sizes = { bytes: module.length, instructions: wasm.instructions };
  return {
    kernel: kernel.name,
    arguments: kernel.arguments.map((a, k) => ({
      text: argumentText(a),
      value: a.kind === "scalar" ? call.arguments[k]! : null,
    })),
    operations,
    targets: [
      { name: "wasm", reason: null, ...sizes, ...measured(wasmTarget(), kernel, call, seconds) },
      nativeReport(native, kernel, call, seconds),
    ],
    views: {
      ir: printKernel(kernel),
      mlir: printMlir(kernel),
      wasm: wasm.text,
      ...(typeof native === "string"
        ? {}
        : { "llvm-ir": native.llvm, "llvm-ir-optimized": native.optimized, assembly: native.assembly }),
    },
    binaries: { wasm: module, ...(typeof native === "string" ? {} : { o: native.object }) },
  };
}

/** What the native compiler makes of the kernel, or why there is none. */
function nativeOrReason(kernel: Kernel, compile: (kernel: Kernel) => NativeCode): NativeCode | string {
  try {
    return compile(kernel);
  } catch (error) {
    if (error instanceof NeuroranError && error.code === "TARGET_UNAVAILABLE") return error.message;
    throw error;
  }
}

function nativeReport(
  native: NativeCode | string,
  kernel: Kernel,
  call: SampleCall,
  seconds: number,
): TargetReport {
  if (typeof native === "string") {
    const nothing = { bytes: null, instructions: null, compile_ms: null, call_ns: null, idle_ns: null };
    return { name: "llvm", reason: native, ...nothing };
  }
  return {
    name: "llvm",
    reason: null,
    bytes: native.object.length,
    instructions: native.instructions,
    ...measured(llvmTarget(), kernel, call, seconds),
    // The target may have found the kernel in a cache.
    compile_ms: native.compileMilliseconds,
  };
}

function measured(target: Target, kernel: Kernel, call: SampleCall, seconds: number) {
  const begin = performance.now();
  const compiled: CompiledKernel = target.compile(kernel, call.memory);
  const compile_ms = performance.now() - begin;
  const { median, idle } = timeKernel(target, compiled, kernel, call, seconds);
  return { compile_ms, call_ns: median, idle_ns: idle };
}
