import { describe, expect, it } from "vitest";
import { argument, arith, buffer, byteSize, kernel, memref, scf, vector } from "../src/compiler/index.js";
import { withoutLlvm } from "../test/compiler/llvm-target.js";
import { byteLength, kernelCalls, place } from "./kernel-calls.js";
import {
  callLoop,
  countInstructions,
  type Execution,
  instructionLoop,
  memoryOperand,
} from "./machine-code.js";
import { guessPorts, work } from "./machine-limits.js";

const limits = { clock: 3, floatUnits: 2, lineRead: 1.5, lineWritten: 4 };

/** Adds one to `count` vectors of four bytes, 128 bytes apart, and to each word of `table` at `indices`. */
const increments = kernel(
  "increments",
  { bytes: buffer("i32", 4096), start: argument("index"), count: argument("index") },
  ({ bytes, start, count }) => {
    scf.for(0, count, 1, (i) => {
      const at = arith.addi(start, arith.muli(i, 32));
      vector.store(arith.muli(vector.load(bytes, at, 4), 3), bytes, at);
    });
  },
);

function countsOf(execution: Execution, mnemonic: RegExp): number {
  return execution.instructions
    .filter(({ text }) => mnemonic.test(text))
    .reduce((sum, { count }) => sum + count, 0);
}

function memory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
}

describe("an operand in memory", () => {
  it("is known by its size, its address and whether it is written", () => {
    expect(memoryOperand("vmovdqu64 zmmword ptr [rdi + 64], zmm1")).toEqual({
      bytes: 64,
      address: "[rdi + 64]",
      written: true,
    });
    expect(memoryOperand("vpaddb ymm0, ymm1, ymmword ptr [rax]")).toMatchObject({
      bytes: 32,
      written: false,
    });
    expect(memoryOperand("cmp dword ptr [rax], 3")).toMatchObject({ bytes: 4, written: false });
    expect(memoryOperand("lea rax, [rdi + 8]")).toBeUndefined();
  });
});

describe.skipIf(withoutLlvm || process.arch !== "x64")("what a call of a kernel executes", () => {
  const here = memory();

  it("is counted for each instruction, whatever the number of rounds", () => {
    for (const rounds of [0, 1, 7, 100]) {
      const execution = countInstructions(increments, { memory: here, arguments: [0, 0, rounds] });
      expect(countsOf(execution, /^v?pmulld/) + countsOf(execution, /^v?pslld|^v?paddd/) > 0).toBe(
        rounds > 0,
      );
      const stores = execution.instructions.filter(({ text }) => memoryOperand(text)?.written);
      expect(stores.reduce((sum, { count }) => sum + count, 0)).toBe(rounds);
      // Each vector of 16 bytes lies in a line of its own.
      expect([execution.linesRead, execution.linesWritten]).toEqual([0, rounds]);
      expect(execution.instructions.every(({ crossings }) => crossings === 0)).toBe(true);
    }
  });

  it("tells accesses that cross a line", () => {
    // Bytes 56 to 71 of every 128.
    const execution = countInstructions(increments, { memory: here, arguments: [0, 14, 10] });
    const accesses = execution.instructions.filter(({ text }) => memoryOperand(text) !== undefined);
    for (const { text, count, crossings } of accesses) {
      const { address } = memoryOperand(text)!;
      if (!address.includes("rip")) expect([text, crossings]).toEqual([text, count]);
    }
    expect(execution.linesWritten).toBe(20);
  });

  it("leaves what the kernel computes as it is", () => {
    const words = new Int32Array(here.buffer);
    words.fill(5);
    countInstructions(increments, { memory: here, arguments: [0, 0, 3] });
    expect([...words.subarray(0, 5), ...words.subarray(32, 37)]).toEqual([
      15, 15, 15, 15, 5, 15, 15, 15, 15, 5,
    ]);
    expect(words[96]).toBe(5);
  });

  it("counts what is cleared by the C library", () => {
    const clear = kernel(
      "clear",
      { bytes: buffer("i8", 65536), count: argument("index") },
      ({ bytes, count }) => {
        scf.for(0, count, 1, (i) => memref.store(arith.constant({ element: "i8", lanes: 0 }, 0), bytes, i));
      },
    );
    const execution = countInstructions(clear, { memory: here, arguments: [0, 6400] });
    const { storedBytes } = work(execution, limits);
    expect(storedBytes).toBe(6400);
    expect(execution.linesWritten).toBeGreaterThanOrEqual(100);
    expect(execution.linesWritten).toBeLessThanOrEqual(101);
  });

  it("can be repeated from machine code", () => {
    const words = new Int32Array(here.buffer);
    words.fill(1);
    const loop = callLoop(increments, { memory: here, arguments: [0, 0, 2] });
    expect(loop.run(5)).toBeGreaterThan(0);
    loop.release();
    expect([words[0], words[32], words[64]]).toEqual([3 ** 5, 3 ** 5, 1]);
  });

  it("can be single instructions, of which dependent ones take longer", () => {
    const time = (text: (k: number) => string): number => {
      const loop = instructionLoop(Array.from({ length: 64 }, (_, k) => text(k)));
      const times = Array.from({ length: 20 }, () => loop.run(2000));
      loop.release();
      return Math.min(...times);
    };
    const registers = ["rax", "rcx", "rdx", "rdi"];
    expect(time(() => "imul rax, rdx")).toBeGreaterThan(1.8 * time((k) => `imul ${registers[k % 4]}, r8`));
  });
});

describe("the work of instructions", () => {
  const executed = (texts: readonly string[], count: number): Execution => ({
    instructions: texts.map((text) => ({ text, count, crossings: 0 })),
    linesRead: 0,
    linesWritten: 0,
  });

  it("is guessed from their text where nothing better is known", () => {
    const sets = (text: string): string[] =>
      [...guessPorts(text)].map(([set, count]) => `${set.toString(2)}:${count}`);
    expect(sets("vmovdqu64 zmm1, zmmword ptr [rdi]")).toEqual(["100000001100:1"]);
    expect(sets("vpaddb zmm1, zmm2, zmmword ptr [rdi]")).toEqual(["100000001100:1", "100001:1"]);
    expect(sets("mov dword ptr [rdi], eax")).toEqual(["1000010000:1", "110000000:1"]);
  });

  it("takes as long as its busiest ports", () => {
    // Ten loads, ten additions and ten stores of 64 bytes: two, two and one in a cycle.
    const texts = [
      "vmovdqu64 zmm1, zmmword ptr [rdi]",
      "vpaddb zmm1, zmm1, zmm2",
      "vmovdqu64 zmmword ptr [rdi], zmm1",
    ];
    const { bounds, instructions, loadedBytes, storedBytes, microOperations } = work(
      executed(texts, 10),
      limits,
    );
    expect(bounds[0]).toEqual({ resource: "port 4+9", cycles: 10 });
    expect([instructions, loadedBytes, storedBytes]).toEqual([30, 640, 640]);
    expect(microOperations).toMatchObject({ "2+3": 10, "0+5": 10, "4+9": 20 });
  });

  it("takes longer where lines have no room in the first cache", () => {
    const execution = { ...executed(["nop"], 6), linesRead: 1000, linesWritten: 868 };
    const { bounds } = work(execution, limits);
    expect(bounds[0]).toEqual({ resource: "L2", cycles: 100 * 4 + 1000 * 1.5 });
  });
});

describe("calls of kernels", () => {
  it("give every argument, and nothing else", () => {
    for (const { name, kernel, given } of [...kernelCalls(16), ...kernelCalls(64)]) {
      const taken = kernel.arguments.map((a) => (a.kind === "buffer" ? a.buffer.name : a.name));
      expect([name, ...Object.keys(given).sort()]).toEqual([name, ...taken.sort()]);
    }
  });

  it("keep buffers apart and within what kernels declare", () => {
    for (const call of kernelCalls(64)) {
      const { memory, arguments: placed } = place(call);
      const buffers = call.kernel.arguments.flatMap((a, k) => {
        if (a.kind !== "buffer") return [];
        const contents = call.given[a.buffer.name]!;
        const bytes = typeof contents === "number" ? 0 : byteLength(contents);
        expect([call.name, a.buffer.name, bytes <= a.buffer.length * byteSize(a.buffer.element)]).toEqual([
          call.name,
          a.buffer.name,
          true,
        ]);
        return [{ begin: placed[k]!, end: placed[k]! + bytes }];
      });
      buffers.forEach(({ begin }, k) => {
        expect(begin % 64).toBe(0);
        expect(begin).toBeGreaterThanOrEqual(buffers[k - 1]?.end ?? 0);
      });
      expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(buffers.at(-1)!.end);
    }
  });
});
