import { NeuroranError } from "../../errors.js";
import type { Argument, Kernel } from "../operation.js";
import type { CompiledKernel, PendingKernel, Target } from "../target.js";
import { answerCount, awaitCode, reachesCompiler, releaseCode, UNREACHABLE } from "../thread/connection.js";
import { type CodeCounts, compilationCounts, noCodeYet, orderKernel } from "../thread/pending-kernel.js";
import type { Code, CodeOrder } from "../thread/protocol.js";
import { printLlvm, resultType, scalarType } from "./ir-text.js";
import { type LlvmLibrary, loadLlvm, takeMessage } from "./llvm-library.js";
import { CONTRACT } from "./machine-code.js";

type FunctionType = ReturnType<LlvmLibrary["koffi"]["proto"]>;

/** What a thread keeps to call native code. */
interface Native {
  readonly library: LlvmLibrary;
  readonly vectorBytes: number;
  readonly counts: CodeCounts;
  /** Types of functions by signature: koffi keeps each that is declared. */
  readonly types: Map<string, FunctionType>;
  readonly symbols: WeakMap<CompiledKernel, string>;
}

let native: Native | undefined;

function openNative(): Native {
  if (!native) {
    const library = loadLlvm();
    const features = takeMessage(library, library.functions.LLVMGetHostCPUFeatures() as bigint);
    native = {
      library,
      vectorBytes: vectorBytes(features),
      counts: noCodeYet(),
      types: new Map(),
      symbols: new WeakMap(),
    };
  }
  return native;
}

/** C's type of an argument of the function that {@link printLlvm} writes. */
function argumentType(a: Argument): string {
  if (a.kind === "buffer") return "uint32_t";
  return scalarType(a.value.type.element);
}

/** Widest vectors of bytes by the features that LLVM names. */
function vectorBytes(features: string): number {
  const has = new Set(features.split(","));
  if (has.has("+avx512bw")) return 64;
  return has.has("+avx2") ? 32 : 16;
}

/** The address of a memory. It stays: memory grows in place. */
function baseAddress({ library }: Native, memory: WebAssembly.Memory): number {
  return Number(library.koffi.address(new Uint8Array(memory.buffer)));
}

/** The order for a kernel's code: one that others can build is built where it is compiled. */
function orderOf(kernel: Kernel, contract: boolean): CodeOrder {
  const { name, origin } = kernel;
  const from = origin
    ? { origin }
    : { text: printLlvm(kernel, "kernel", { contract }), result: resultType(kernel) };
  return { target: "llvm", name, contract, from };
}

/** A function of this thread for code, over a memory. */
function callable(opened: Native, kernel: Kernel, code: Code, memory: WebAssembly.Memory): CompiledKernel {
  if (code.target !== "llvm") throw new TypeError(`code for ${code.target} where it was for llvm`);
  const { koffi } = opened.library;
  const parameters = ["int64_t", ...kernel.arguments.map(argumentType)];
  const signature = `${code.result} (${parameters.join(", ")})`;
  let type = opened.types.get(signature);
  if (!type) {
    type = koffi.proto(code.result, parameters);
    opened.types.set(signature, type);
  }
  opened.counts[code.source]++;
  const call = koffi.decode(code.address, type) as CompiledKernel;
  // Bound, not wrapped: a function of rest parameters would allocate at each call. The memory is bound as well, so
  // that it lives as long as what writes into it.
  const compiled = call.bind(memory, baseAddress(opened, memory)) as CompiledKernel;
  opened.symbols.set(compiled, code.symbol);
  return compiled;
}

/**
 * The native target: machine code for the processor at hand by an installed libLLVM, in this process, compiled on a
 * thread of its own and shared by all threads. Undefined results are some number and never end the process; memory
 * outside the arena is not protected.
 * @param options.contract false keeps products and sums apart, as WebAssembly without relaxed SIMD computes them: by
 * default they are fused, with one rounding for two
 * @throws NeuroranError `TARGET_UNAVAILABLE` without koffi or libLLVM, and in a thread with no way to the compiler's.
 */
export function llvmTarget(options: { contract?: boolean } = {}): Target {
  const { contract = CONTRACT } = options;
  if (!reachesCompiler()) throw new NeuroranError("TARGET_UNAVAILABLE", `target llvm: ${UNREACHABLE}`);
  const opened = openNative();
  return {
    name: "llvm",
    vectorBytes: opened.vectorBytes,
    compile(kernel, memory) {
      const begin = performance.now();
      const compiled = callable(opened, kernel, awaitCode(orderOf(kernel, contract)), memory);
      opened.counts.milliseconds += performance.now() - begin;
      return compiled;
    },
    arrivals: answerCount,
    compileInBackground(kernel, memory): PendingKernel {
      const take = (code: Code) => callable(opened, kernel, code, memory);
      return orderKernel(orderOf(kernel, contract), opened.counts, take);
    },
    release(compiled) {
      const symbol = opened.symbols.get(compiled);
      if (symbol !== undefined && opened.symbols.delete(compiled)) releaseCode(symbol);
    },
    counts: () => compilationCounts(opened.counts),
  };
}
