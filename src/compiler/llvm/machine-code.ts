import { expectSuccess, failure, type LlvmLibrary, takeMessage } from "./llvm-library.js";

/** What turns text of LLVM's intermediate representation into machine code of this process. */
export interface MachineCodeCompiler {
  /** The processor that code is made for, as LLVM names it, and the features that it has. */
  readonly cpu: string;
  readonly features: string;
  /** Optimizes and assembles a module. @returns an object file of this machine. */
  assemble(text: string): Uint8Array;
  /** Optimizes a module likewise. @returns its intermediate representation then, and its assembly language. */
  explain(text: string): { optimized: string; assembly: string };
  /** Links an object file, with one function, into this process. */
  link(object: Uint8Array, symbol: string): LinkedCode;
}

/** A function of this process. */
export interface LinkedCode {
  readonly address: bigint;
  /** Frees its memory: it must not be called any more. */
  unlink(): void;
}

/**
 * What LLVM does before it chooses instructions. Kernels come as it would leave them, in SSA form with their vectors and
 * unrolled loops: `default<O3>` takes half as long again to compile them and makes no kernel of the tree faster.
 */
export const PASSES = "default<O1>";

/** Whether a product and a sum are fused, with one rounding for two, unless somebody says otherwise. */
export const CONTRACT = true;

/** LLVM's numbers for what is asked of it. */
const [aggressive, positionIndependent, smallCode] = [3, 2, 3];
const [assemblyFile, objectFile] = [0, 1];

/** Prepares a compiler for the processor that this runs on. */
export function createMachineCodeCompiler(library: LlvmLibrary): MachineCodeCompiler {
  const { koffi, functions: f } = library;
  const triple = f.LLVMGetDefaultTargetTriple() as bigint;
  const cpuName = f.LLVMGetHostCPUName() as bigint;
  const featureList = f.LLVMGetHostCPUFeatures() as bigint;
  const [target, message]: (bigint | null)[][] = [[null], [null]];
  if (f.LLVMGetTargetFromTriple(triple, target, message) !== 0) {
    throw failure("no such machine", takeMessage(library, message![0]!));
  }
  const machine = f.LLVMCreateTargetMachine(
    target![0],
    triple,
    cpuName,
    featureList,
    aggressive,
    positionIndependent,
    smallCode,
  ) as bigint;
  const cpu = takeMessage(library, cpuName);
  const features = takeMessage(library, featureList);
  const jit = createLinker(library);

  const copied = (bytes: Uint8Array): bigint =>
    f.LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes, bytes.length, "kernel") as bigint;

  const optimize = (module: bigint): void => {
    const layout = f.LLVMCreateTargetDataLayout(machine) as bigint;
    f.LLVMSetTarget(module, triple);
    f.LLVMSetModuleDataLayout(module, layout);
    f.LLVMDisposeTargetData(layout);
    const options = f.LLVMCreatePassBuilderOptions() as bigint;
    const error = f.LLVMRunPasses(module, PASSES, machine, options) as bigint | null;
    f.LLVMDisposePassBuilderOptions(options);
    expectSuccess(library, error, "optimizing");
  };

  const emit = (module: bigint, file: number): Uint8Array => {
    const [out, text]: (bigint | null)[][] = [[null], [null]];
    if (f.LLVMTargetMachineEmitToMemoryBuffer(machine, module, file, text, out) !== 0) {
      throw failure("assembling", takeMessage(library, text![0]!));
    }
    const buffer = out![0]!;
    const bytes = new Uint8Array(
      koffi.view(f.LLVMGetBufferStart(buffer), Number(f.LLVMGetBufferSize(buffer))),
    ).slice();
    f.LLVMDisposeMemoryBuffer(buffer);
    return bytes;
  };

  /** Optimizes a module of its own and does something with it. */
  const withModule = <T>(text: string, use: (module: bigint) => T): T => {
    const context = f.LLVMContextCreate() as bigint;
    try {
      const [module, complaint]: (bigint | null)[][] = [[null], [null]];
      // The parser frees the buffer.
      if (f.LLVMParseIRInContext(context, copied(Buffer.from(`${text}\0`)), module, complaint) !== 0) {
        throw failure("parsing", takeMessage(library, complaint![0]!));
      }
      try {
        optimize(module![0]!);
        return use(module![0]!);
      } finally {
        f.LLVMDisposeModule(module![0]);
      }
    } finally {
      f.LLVMContextDispose(context);
    }
  };

  return {
    cpu,
    features,
    assemble: (text) => withModule(text, (module) => emit(module, objectFile)),
    explain: (text) =>
      withModule(text, (module) => ({
        optimized: takeMessage(library, f.LLVMPrintModuleToString(module) as bigint),
        assembly: Buffer.from(emit(module, assemblyFile)).toString(),
      })),
    link(object, symbol) {
      const tracker = f.LLVMOrcJITDylibCreateResourceTracker(jit.symbols) as bigint;
      const added = f.LLVMOrcLLJITAddObjectFileWithRT(jit.linker, tracker, copied(object)) as bigint | null;
      const unlink = (): void => {
        const error = f.LLVMOrcResourceTrackerRemove(tracker) as bigint | null;
        f.LLVMOrcReleaseResourceTracker(tracker);
        expectSuccess(library, error, "unlinking");
      };
      try {
        expectSuccess(library, added, "linking");
        const address: (number | bigint)[] = [0];
        expectSuccess(library, f.LLVMOrcLLJITLookup(jit.linker, address, symbol), "looking up");
        return { address: BigInt(address[0]!), unlink };
      } catch (error) {
        // Or the symbol would stay defined, and a second try fail for that.
        unlink();
        throw error;
      }
    },
  };
}

/** A linker whose code may call the C library, of which LLVM takes memory and mathematical functions. */
function createLinker(library: LlvmLibrary): { linker: bigint; symbols: bigint } {
  const { functions: f } = library;
  const out: (bigint | null)[] = [null];
  expectSuccess(library, f.LLVMOrcCreateLLJIT(out, null), "creating a linker");
  const linker = out[0]!;
  const symbols = f.LLVMOrcLLJITGetMainJITDylib(linker) as bigint;
  const generator: (bigint | null)[] = [null];
  const prefix = f.LLVMOrcLLJITGetGlobalPrefix(linker) as number;
  const error = f.LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(generator, prefix, null, null);
  expectSuccess(library, error, "finding the process's functions");
  f.LLVMOrcJITDylibAddGenerator(symbols, generator[0]);
  return { linker, symbols };
}
