import type { Kernel } from "../operation.js";
import { printLlvm } from "./ir-text.js";
import { type LlvmLibrary, loadLlvm } from "./llvm-library.js";
import { CONTRACT, createMachineCodeCompiler, type MachineCodeCompiler } from "./machine-code.js";

/** What a kernel is on its way to the processor at hand. */
export interface NativeCode {
  /** LLVM's intermediate representation as the kernel is written in it, and when it has been optimized. */
  readonly llvm: string;
  readonly optimized: string;
  /** Assembly language without directives but for data; Intel's syntax on x86. */
  readonly assembly: string;
  readonly instructions: number;
  /** The object file. */
  readonly object: Uint8Array;
  /** Milliseconds from the kernel to the object file. */
  readonly compileMilliseconds: number;
}

let compiler: MachineCodeCompiler | undefined;

/**
 * Compiles a kernel anew, past every cache, to look at what comes of it. For a process's main thread.
 * @throws NeuroranError `TARGET_UNAVAILABLE` without koffi or libLLVM.
 */
export function compileForInspection(kernel: Kernel): NativeCode {
  compiler ??= openCompiler();
  const begin = performance.now();
  const llvm = printLlvm(kernel, kernel.name, { contract: CONTRACT });
  const object = compiler.assemble(llvm);
  const compileMilliseconds = performance.now() - begin;
  const { optimized, assembly } = compiler.explain(llvm);
  return { llvm, optimized, ...withoutDirectives(assembly), object, compileMilliseconds };
}

function openCompiler(): MachineCodeCompiler {
  const library = loadLlvm();
  if (process.arch === "x64") chooseIntelSyntax(library);
  return createMachineCodeCompiler(library);
}

/** Compilers that are created afterwards write Intel's syntax. */
function chooseIntelSyntax({ functions }: LlvmLibrary): void {
  const words = ["neuroran", "-x86-asm-syntax=intel"];
  functions.LLVMParseCommandLineOptions(words.length, words, null);
}

/** Instructions, labels and data without tabs, and how many instructions they are. */
function withoutDirectives(text: string): { assembly: string; instructions: number } {
  const data = /^\s*\.(intel_syntax|byte|short|long|quad|zero|ascii|asciz|hword|word|xword)\b/;
  const isInstruction = (line: string): boolean => /^\s+[a-z]/.test(line);
  const isLabel = (line: string): boolean => /^[^\s#/].*:/.test(line) && !line.startsWith(".Lfunc_end");
  const lines = text.split("\n").filter((line) => isInstruction(line) || isLabel(line) || data.test(line));
  return {
    assembly: lines.map((line) => `${line.replace(/^\t/, "  ").replaceAll("\t", " ").trimEnd()}\n`).join(""),
    instructions: lines.filter(isInstruction).length,
  };
}
