import { readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { relaxedSimdAvailable } from "../compiler/index.js";

/** The machine and the engine that a figure was measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Instruction sets that signal processing can use, as the operating system calls them; empty where it is silent. */
  readonly simd: readonly string[];
  readonly architecture: string;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
  readonly wasmSimd: boolean;
  readonly relaxedSimd: boolean;
  readonly sharedMemory: boolean;
  /** Bytes that this process may use: the container's limit where there is one. */
  readonly memory: number;
  /** Bytes. */
  readonly freeMemory: number;
}

const simdFeatures =
  /^(sse2|ssse3|sse4_[12]|avx|avx2|fma|f16c|avx512\w+|avx512_\w+|avx_vnni|amx_\w+|gfni|asimd\w*|neon|sve\w*|i8mm|bf16|fphp|asimdhp)$/;

// A function that returns a splat: valid where the engine has WebAssembly SIMD.
const simdProbe = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 1, 253, 15, 11,
];

export function describeMachine(): Machine {
  const total = totalmem();
  const constrained = process.constrainedMemory();
  return {
    cpu: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    simd: cpuFeatures(),
    architecture: process.arch,
    platform: process.platform,
    node: process.version,
    v8: process.versions.v8,
    wasmSimd: WebAssembly.validate(new Uint8Array(simdProbe)),
    relaxedSimd: relaxedSimdAvailable(),
    sharedMemory: sharedMemoryAvailable(),
    memory: constrained > 0 && constrained < total ? constrained : total,
    freeMemory: freemem(),
  };
}

/** One line for the head of a report. */
export function machineLine({ cpu, cores, node, v8, relaxedSimd }: Machine): string {
  const simd = relaxedSimd ? "relaxed SIMD" : "SIMD without fused multiply-add";
  return `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}; Node ${node}, V8 ${v8}, WebAssembly ${simd}`;
}

function cpuFeatures(): string[] {
  let text: string;
  try {
    text = readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return [];
  }
  const words = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
  return words.filter((word) => simdFeatures.test(word));
}

function sharedMemoryAvailable(): boolean {
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return memory.buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}
