import type { Kernel } from "../src/compiler/index.js";
import { loadLlvm } from "../src/compiler/llvm/llvm-library.js";
import { createMachineCodeCompiler, type MachineCodeCompiler } from "../src/compiler/llvm/machine-code.js";
import { compileForInspection } from "../src/compiler/llvm/native-code.js";

/** Bytes of a line of the caches. */
export const LINE = 64;

/** An instruction of a kernel's machine code, and what a call did with it. */
export interface ExecutedInstruction {
  /** In Intel's syntax. */
  readonly text: string;
  /** How often it was executed. */
  readonly count: number;
  /** How often its access to memory, if it has one, crossed a line. */
  readonly crossings: number;
}

/** What a call of a kernel did. */
export interface Execution {
  readonly instructions: readonly ExecutedInstruction[];
  /** Lines of the memory that it read only. */
  readonly linesRead: number;
  readonly linesWritten: number;
}

/** A kernel's arguments, buffers as offsets into the memory. */
export interface Call {
  readonly memory: WebAssembly.Memory;
  readonly arguments: readonly number[];
}

interface MemoryOperand {
  readonly bytes: number;
  readonly address: string;
  readonly written: boolean;
}

/** What an instruction accesses in memory. `lea` names an address without a size. */
export function memoryOperand(text: string): MemoryOperand | undefined {
  const found = /\b(byte|word|dword|qword|xmmword|ymmword|zmmword) ptr (\[[^\]]*\])/.exec(text);
  if (found === null) return undefined;
  const sizes: Record<string, number> = { byte: 1, word: 2, dword: 4, qword: 8, xmmword: 16, ymmword: 32 };
  const written = /^\s*\S+\s+\w+ ptr/.test(text) && !/^\s*(cmp|test)\b/.test(text);
  return { bytes: sizes[found[1]!] ?? 64, address: found[2]!, written };
}

let compiler: MachineCodeCompiler | undefined;

/** Assembles text in Intel's syntax, links it into this process and tells where a symbol of it stands. */
function linkAssembly(text: readonly string[], symbol: string) {
  // The compiler of kernels reads no assembly language and does without the parser.
  if (compiler === undefined) {
    const library = loadLlvm();
    library.koffi.load(library.file).func("void LLVMInitializeX86AsmParser()")();
    compiler = createMachineCodeCompiler(library);
  }
  const lines = [".intel_syntax noprefix", ".text", `.globl ${symbol}`, ...text, ".att_syntax"];
  const quoted = lines.map((line) => `module asm "${line.replaceAll("\\", "\\5C").replaceAll('"', "\\22")}"`);
  return compiler.link(compiler.assemble(quoted.join("\n")), symbol);
}

/** Leaves the bytes below the stack pointer alone, which a function may use, and keeps the flags and two registers. */
const keeping = (instructions: readonly string[]): string[] => [
  "lea rsp, [rsp - 128]",
  ...["pushfq", "push rax", "push rcx"],
  ...instructions,
  ...["pop rcx", "pop rax", "popfq"],
  "lea rsp, [rsp + 128]",
];

const [READ, WRITTEN] = [1, 2];

/** Counts an access that crosses lines, and notes in `.Lmap` which lines of the memory it touches. */
function noteAccess({ bytes, address, written }: MemoryOperand, counter: string, label: string): string[] {
  const note = ["shr rax, 6", `or byte ptr [rcx + rax], ${written ? WRITTEN : READ}`];
  return keeping([
    `lea rax, ${address}`,
    "sub rax, qword ptr [rip + .Lmemory]",
    "mov ecx, eax",
    `and ecx, ${LINE - 1}`,
    `cmp ecx, ${LINE - bytes}`,
    `jbe ${label}`,
    `inc ${counter}`,
    `${label}:`,
    // Constants lie elsewhere.
    "cmp rax, qword ptr [rip + .Lmemory + 8]",
    `jae ${label}_end`,
    "lea rcx, [rip + .Lmap]",
    ...["push rax", ...note, "pop rax"],
    ...[`add rax, ${bytes - 1}`, ...note],
    `${label}_end:`,
  ]);
}

/** Adds the bytes that a call of `memset` fills to a counter, and notes their lines. */
function noteFill(counter: string, label: string): string[] {
  return keeping([
    `add ${counter}, rdx`,
    "push rdx",
    "lea rcx, [rip + .Lmap]",
    "mov rax, rdi",
    "sub rax, qword ptr [rip + .Lmemory]",
    ...["shr rax, 6", "add rcx, rax", "shr rdx, 6"],
    ...[`${label}:`, `or byte ptr [rcx + rdx], ${WRITTEN}`, "dec rdx", `jns ${label}`],
    "pop rdx",
  ]);
}

/** What stands for every 64 bytes that `memset` fills. */
const FILL = "vmovdqu64 zmmword ptr [memset], zmm0";

/** Assembly language as `compileForInspection` gives it: without comments, and with constants where they are aligned. */
function assemblyLines(kernel: Kernel): string[] {
  return compileForInspection(kernel)
    .assembly.split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""))
    .filter((line) => !line.includes(".intel_syntax"))
    .flatMap((line) => (/^\.L(CPI|JTI)/.test(line) ? [`.p2align ${Math.log2(LINE)}`, line] : [line]));
}

const isInstruction = (line: string): boolean => /^\s+[a-z]/.test(line);

/**
 * What a call of a kernel executes: exact, by a copy of its machine code that counts where a basic block begins and at
 * each access to memory. Of functions of the C library `memset` counts, as stores of 64 bytes. For x86-64.
 * @throws NeuroranError `TARGET_UNAVAILABLE` without libLLVM.
 */
export function countInstructions(kernel: Kernel, { memory, arguments: given }: Call): Execution {
  const symbol = `${kernel.name}_counts`;
  let counters = 0;
  const at = (counter: number): string => `qword ptr [rip + .Lcounters + ${8 * counter}]`;
  const text: string[] = [];
  const found: { text: string; block: number; crossings: number | undefined }[] = [];
  const fills: number[] = [];
  let block: number | undefined;
  for (const line of assemblyLines(kernel)) {
    if (!isInstruction(line)) {
      block = undefined;
      text.push(line);
      continue;
    }
    if (block === undefined) {
      block = counters++;
      text.push(...keeping([`inc ${at(block)}`]));
    }
    const operand = memoryOperand(line);
    // What lies on the stack is aligned, and the stack pointer is not where it was.
    const noted = operand !== undefined && !operand.address.includes("rsp");
    const crossings = noted ? counters++ : undefined;
    if (noted) text.push(...noteAccess(operand, at(crossings!), `.Laccess${crossings}`));
    found.push({ text: line.trim(), block, crossings });
    if (/\b(call|jmp)\s+memset\b/.test(line)) {
      fills.push(counters++);
      text.push(...noteFill(at(fills.at(-1)!), `.Lfill${fills.length}`));
    }
    text.push(line);
    if (/^\s+(j\w+|ret\w*)\b/.test(line)) block = undefined;
  }
  const { koffi } = loadLlvm();
  const bytes = new Uint8Array(memory.buffer);
  const base = Number(koffi.address(bytes));
  const lines = bytes.length / LINE;
  text.push(".data", ".p2align 3", `${symbol}:`, `.quad ${kernel.name}`);
  text.push(".Lmemory:", `.quad ${base}`, `.quad ${bytes.length}`);
  text.push(".Lcounters:", `.zero ${8 * counters}`, ".Lmap:", `.zero ${lines + 1}`);

  const linked = linkAssembly(text, symbol);
  const words = new BigInt64Array(koffi.view(linked.address, 8 * (3 + counters)));
  const types = kernel.arguments.map((a) => (isFloat(a) ? "float" : "int32_t"));
  const call = koffi.decode(words[0]!, koffi.proto("void", ["int64_t", ...types])) as (
    ...values: number[]
  ) => void;
  call(base, ...given);
  const countOf = (counter: number): number => Number(words[3 + counter]!);
  const instructions = found
    .map(({ text, block, crossings }) => ({
      text,
      count: countOf(block),
      crossings: crossings === undefined ? 0 : countOf(crossings),
    }))
    .concat(fills.map((fill) => ({ text: FILL, count: countOf(fill) / LINE, crossings: 0 })))
    .filter(({ count }) => count > 0);
  const map = new Uint8Array(koffi.view(linked.address + BigInt(8 * (3 + counters)), lines));
  const linesWritten = map.reduce((sum, bits) => sum + (bits >= WRITTEN ? 1 : 0), 0);
  const linesRead = map.reduce((sum, bits) => sum + (bits === READ ? 1 : 0), 0);
  linked.unlink();
  return { instructions, linesRead, linesWritten };
}

function isFloat(a: Kernel["arguments"][number]): boolean {
  return a.kind === "scalar" && a.value.type.element === "f32";
}

/** A piece of machine code in a loop. */
export interface TimedLoop {
  /** Runs it `rounds` times. @returns nanoseconds of a round */
  run(rounds: number): number;
  release(): void;
}

let loops = 0;

/** @param body what keeps r12 and rsp */
function timedLoop(prologue: readonly string[], body: readonly string[], data: readonly string[]): TimedLoop {
  const symbol = `timed_loop_${++loops}`;
  const saved = ["rbx", "rbp", "r12", "r13", "r14"];
  const linked = linkAssembly(
    [
      `${symbol}:`,
      ...saved.map((register) => `push ${register}`),
      "mov r12, rdi",
      ...prologue,
      ".p2align 6",
      ".Lround:",
      ...body,
      "dec r12",
      "jne .Lround",
      "vzeroupper",
      ...saved.reverse().map((register) => `pop ${register}`),
      "ret",
      ...data,
    ],
    symbol,
  );
  const { koffi } = loadLlvm();
  const call = koffi.decode(linked.address, koffi.proto("void", ["int64_t"])) as (rounds: number) => void;
  return {
    run(rounds) {
      const begin = process.hrtime.bigint();
      call(rounds);
      return Number(process.hrtime.bigint() - begin) / rounds;
    },
    release: () => linked.unlink(),
  };
}

/** Bytes that `rsi` points to in a loop of instructions. */
export const AREA = 1 << 20;

/** A loop of instructions that keep r12, rsi and rsp; `rsi` points to zeros, zmm17 and zmm18 hold ones as f32. */
export function instructionLoop(instructions: readonly string[]): TimedLoop {
  const ones = ["mov edx, 0x3f800000", "vpbroadcastd zmm17, edx", "vpbroadcastd zmm18, edx"];
  const area = [".bss", ".p2align 12", ".Larea:", `.zero ${AREA + LINE}`];
  return timedLoop(["lea rsi, [rip + .Larea]", ...ones], instructions, area);
}

/** A loop of calls of a kernel's machine code, with nothing of JavaScript in it. For x86-64 as System V calls. */
export function callLoop(kernel: Kernel, { memory, arguments: given }: Call): TimedLoop {
  const { koffi } = loadLlvm();
  const base = String(koffi.address(new Uint8Array(memory.buffer)));
  const integers = [base, ...given.filter((_, k) => !isFloat(kernel.arguments[k]!)).map(String)];
  const floats = given.filter((_, k) => isFloat(kernel.arguments[k]!));
  const registers = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
  const stacked = integers.slice(registers.length).reverse();
  const bits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const body = [
    ...stacked.map((value) => `push ${value}`),
    ...floats.flatMap((value, k) => [`mov eax, ${bits(value)}`, `vmovd xmm${k}, eax`]),
    ...registers.slice(0, integers.length).map((register, k) => `movabs ${register}, ${integers[k]}`),
    `call ${kernel.name}`,
    `add rsp, ${8 * stacked.length}`,
  ];
  // Where a call is made the stack is at a multiple of 16.
  const padding = stacked.length % 2 === 0 ? [] : ["sub rsp, 8"];
  const begin = [...padding, ...body, ...(padding.length > 0 ? ["add rsp, 8"] : [])];
  return timedLoop([], begin, [".p2align 6", ...assemblyLines(kernel)]);
}
