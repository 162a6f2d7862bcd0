import { createHash } from "node:crypto";
import { type CodeCache, openCodeCache } from "../code-cache.js";
import type { Argument, Kernel } from "../operation.js";
import type { CompiledKernel, Target } from "../target.js";
import { printLlvm } from "./ir-text.js";
import { type LlvmLibrary, loadLlvm } from "./llvm-library.js";
import { createMachineCodeCompiler, type MachineCodeCompiler, PASSES } from "./machine-code.js";

type FunctionType = ReturnType<LlvmLibrary["koffi"]["proto"]>;

/** What is kept for the whole process: the library, its compiler, and the functions compiled so far by symbol. */
interface Native {
  readonly library: LlvmLibrary;
  readonly compiler: MachineCodeCompiler;
  readonly addresses: Map<string, bigint>;
  readonly cache: CodeCache;
  compiled: number;
  loaded: number;
  /** Types of functions by signature: koffi keeps each that is declared. */
  readonly types: Map<string, FunctionType>;
}

let native: Native | undefined;

function openNative(): Native {
  if (!native) {
    const library = loadLlvm();
    const compiler = createMachineCodeCompiler(library);
    native = {
      library,
      compiler,
      addresses: new Map(),
      cache: openCodeCache(),
      compiled: 0,
      loaded: 0,
      types: new Map(),
    };
  }
  return native;
}

/** C's type of an argument of the function that {@link printLlvm} writes. */
function argumentType(a: Argument): string {
  if (a.kind === "buffer") return "uint32_t";
  return scalarType(a.value.type.element);
}

function scalarType(element: string): string {
  return element === "f32" ? "float" : element === "f64" ? "double" : "int32_t";
}

/**
 * The address of a kernel's function; equal text is compiled once, and not at all where a process before has left its
 * object code.
 */
function nativeAddress(opened: Native, kernel: Kernel, contract: boolean): bigint {
  const { compiler, addresses, cache, library } = opened;
  const text = printLlvm(kernel, "kernel", { contract });
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  const symbol = `${kernel.name}.${hash}`;
  const known = addresses.get(symbol);
  if (known !== undefined) return known;
  const versions = [library.file, compiler.cpu, compiler.features, PASSES];
  const key = JSON.stringify(["object code 1", ...versions, kernel.name, text]);
  let object = cache.read(key);
  if (object) opened.loaded++;
  else {
    object = compiler.assemble(printLlvm(kernel, symbol, { contract }));
    cache.write(key, object);
    opened.compiled++;
  }
  const address = compiler.link(object, symbol);
  addresses.set(symbol, address);
  return address;
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

/**
 * The native target: machine code for the processor at hand by an installed libLLVM, in this process. Undefined results
 * are some number and never end the process; memory outside the arena is not protected.
 * @param options.contract false keeps products and sums apart, as WebAssembly without relaxed SIMD computes them: by
 * default they are fused, with one rounding for two
 * @throws NeuroranError `TARGET_UNAVAILABLE` without koffi or libLLVM.
 */
export function llvmTarget(options: { contract?: boolean } = {}): Target {
  const { contract = true } = options;
  const opened = openNative();
  return {
    name: "llvm",
    vectorBytes: vectorBytes(opened.compiler.features),
    compile(kernel: Kernel, memory: WebAssembly.Memory): CompiledKernel {
      const { koffi } = opened.library;
      const result = kernel.result ? scalarType(kernel.result.type.element) : "void";
      const parameters = ["int64_t", ...kernel.arguments.map(argumentType)];
      const signature = `${result} (${parameters.join(", ")})`;
      let type = opened.types.get(signature);
      if (!type) {
        type = koffi.proto(result, parameters);
        opened.types.set(signature, type);
      }
      const call = koffi.decode(nativeAddress(opened, kernel, contract), type) as CompiledKernel;
      // Bound, not wrapped: a function of rest parameters would allocate at each call. The memory is bound as well, so
      // that it lives as long as what writes into it.
      return call.bind(memory, baseAddress(opened, memory));
    },
    counts: () => ({ compiled: opened.compiled, loaded: opened.loaded }),
  };
}
