import { NeuroranError } from "../../errors.js";
import { type Koffi, loadKoffi } from "../../system/index.js";

/** The functions of LLVM's C API that compile text to machine code, of an installed libLLVM. */

type CFunction = ReturnType<ReturnType<Koffi["load"]>["func"]>;

/** An address in this process; 0 is none. */
type Pointer = bigint;

/** A libLLVM that is loaded and made ready for this machine. */
export interface LlvmLibrary {
  readonly koffi: Koffi;
  /** What it was loaded by: a file name that the system's linker found. */
  readonly file: string;
  readonly functions: Readonly<Record<FunctionName, CFunction>>;
}

const signatures = {
  LLVMGetDefaultTargetTriple: "void *()",
  LLVMGetHostCPUName: "void *()",
  LLVMGetHostCPUFeatures: "void *()",
  LLVMDisposeMessage: "void (void *)",
  LLVMGetTargetFromTriple: "int (void *, _Out_ void **, _Out_ void **)",
  LLVMCreateTargetMachine: "void *(void *, void *, void *, void *, int, int, int)",
  LLVMCreateTargetDataLayout: "void *(void *)",
  LLVMDisposeTargetData: "void (void *)",
  LLVMContextCreate: "void *()",
  LLVMContextDispose: "void (void *)",
  LLVMCreateMemoryBufferWithMemoryRangeCopy: "void *(void *, size_t, const char *)",
  LLVMDisposeMemoryBuffer: "void (void *)",
  LLVMGetBufferStart: "void *(void *)",
  LLVMGetBufferSize: "size_t (void *)",
  LLVMParseIRInContext: "int (void *, void *, _Out_ void **, _Out_ void **)",
  LLVMSetTarget: "void (void *, void *)",
  LLVMSetModuleDataLayout: "void (void *, void *)",
  LLVMDisposeModule: "void (void *)",
  LLVMCreatePassBuilderOptions: "void *()",
  LLVMDisposePassBuilderOptions: "void (void *)",
  LLVMRunPasses: "void *(void *, const char *, void *, void *)",
  LLVMTargetMachineEmitToMemoryBuffer: "int (void *, void *, int, _Out_ void **, _Out_ void **)",
  LLVMPrintModuleToString: "void *(void *)",
  LLVMParseCommandLineOptions: "void (int, const char **, const char *)",
  LLVMGetErrorMessage: "void *(void *)",
  LLVMDisposeErrorMessage: "void (void *)",
  LLVMOrcCreateLLJIT: "void *(_Out_ void **, void *)",
  LLVMOrcLLJITGetMainJITDylib: "void *(void *)",
  LLVMOrcLLJITGetGlobalPrefix: "int8_t (void *)",
  LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess: "void *(_Out_ void **, int8_t, void *, void *)",
  LLVMOrcJITDylibAddGenerator: "void (void *, void *)",
  LLVMOrcJITDylibCreateResourceTracker: "void *(void *)",
  LLVMOrcLLJITAddObjectFileWithRT: "void *(void *, void *, void *)",
  LLVMOrcResourceTrackerRemove: "void *(void *)",
  LLVMOrcReleaseResourceTracker: "void (void *)",
  LLVMOrcLLJITLookup: "void *(void *, _Out_ uint64_t *, const char *)",
} as const;
type FunctionName = keyof typeof signatures;

/** LLVM's own names of the machines that Node runs on. */
const machines: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "X86",
  arm64: "AArch64",
  riscv64: "RISCV",
  ppc64: "PowerPC",
  loong64: "LoongArch",
  s390x: "SystemZ",
};

/** Versions that have opaque pointers and the pass builder, newest first; later ones are tried as they appear. */
const versions = Array.from({ length: 16 }, (_, k) => 30 - k);

/** The file names under which systems install libLLVM, in order of preference. */
export const libraryNames: readonly string[] = versions.flatMap((v) => {
  if (process.platform === "darwin") return [`/opt/homebrew/opt/llvm@${v}/lib/libLLVM.dylib`];
  if (process.platform === "win32") return [];
  const sonames =
    v >= 18 ? [`libLLVM.so.${v}.1`, `libLLVM-${v}.so.1`] : [`libLLVM-${v}.so.1`, `libLLVM-${v}.so`];
  return [...sonames, `/usr/lib/llvm-${v}/lib/libLLVM.so.1`];
});

function unavailable(reason: string, cause?: unknown): NeuroranError {
  const remedy = "install libLLVM 15 or newer (Debian: libllvm19) and the npm package koffi";
  return new NeuroranError("TARGET_UNAVAILABLE", `target llvm: ${reason}; ${remedy}`, { cause });
}

/**
 * Loads koffi and the first libLLVM that is there and has what is needed.
 * @throws NeuroranError `TARGET_UNAVAILABLE` where koffi or every such library is absent.
 */
export function loadLlvm(names: readonly string[] = libraryNames): LlvmLibrary {
  const machine = machines[process.arch];
  if (!machine) throw unavailable(`no machine code for ${process.arch}`);
  let koffi: Koffi;
  try {
    koffi = loadKoffi();
  } catch (cause) {
    throw unavailable("koffi is not installed", cause);
  }
  // A library that lacks a function, as a version to come may, is passed over for an older one.
  let lacking: NeuroranError | undefined;
  for (const file of names) {
    let library: ReturnType<Koffi["load"]>;
    try {
      library = koffi.load(file);
    } catch {
      continue;
    }
    try {
      const functions = Object.fromEntries(
        Object.entries(signatures).map(([name, type]) => [name, library.func(type.replace("(", `${name}(`))]),
      ) as Record<FunctionName, CFunction>;
      for (const part of ["TargetInfo", "Target", "TargetMC", "AsmPrinter"]) {
        library.func(`void LLVMInitialize${machine}${part}()`)();
      }
      return { koffi, file, functions };
    } catch (cause) {
      lacking ??= unavailable(`${file} lacks a function`, cause);
    }
  }
  throw lacking ?? unavailable("no libLLVM was found");
}

/** The text at an address; "" at 0. */
function textAt({ koffi }: LlvmLibrary, at: Pointer | null): string {
  return at ? koffi.decode.string(at) : "";
}

/** Copies and frees a text that LLVM allocated. */
export function takeMessage(library: LlvmLibrary, at: Pointer | null): string {
  const text = textAt(library, at);
  if (at) library.functions.LLVMDisposeMessage(at);
  return text;
}

/** @throws NeuroranError `TARGET_FAILED` with what LLVM says if the error is one. */
export function expectSuccess(library: LlvmLibrary, error: Pointer | null, what: string): void {
  if (!error) return;
  const at = library.functions.LLVMGetErrorMessage(error) as Pointer;
  const text = textAt(library, at);
  library.functions.LLVMDisposeErrorMessage(at);
  throw failure(what, text);
}

/** An error of LLVM itself: a defect of this program, not of its input. */
export function failure(what: string, text: string): NeuroranError {
  return new NeuroranError("TARGET_FAILED", `target llvm: ${what}: ${text}`);
}
