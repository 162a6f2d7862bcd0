import { describe, expect, it } from "vitest";
import { encodeWasm } from "../../src/compiler/index.js";
import { compileForInspection } from "../../src/compiler/llvm/native-code.js";
import { disassembleWasm } from "../../src/compiler/wasm/disassembler.js";
import { sampleKernels } from "../../src/transceiver/kernels.js";
import { withoutLlvm } from "./llvm-target.js";
import { disassemble, withoutObjdump } from "./object-tools.js";
import { operationKernels } from "./operation-kernels.js";

/** An instruction of ours as LLVM writes it, as far as both write the same. */
function asLlvm(line: string): string[] {
  // LLVM does not know this instruction, and reads on behind its first byte.
  if (line === "select (result v128)") return ["nop", "i64.popcnt"];
  if (line === "select") return ["f32.select"];
  if (/^f\d\d\.const/.test(line)) return [line.split(" ")[0]!];
  const memory = /^(\S+)(?: offset=(\d+))? align=1(?: (\d+))?$/.exec(line);
  if (memory) return [`${memory[1]} ${memory[2] ?? 0}${memory[3] === undefined ? "" : `, ${memory[3]}`}`];
  const vector = /^(v128\.const) i32x4 (.*)$/.exec(line) ?? /^(i8x16\.shuffle) (.*)$/.exec(line);
  return [vector ? `${vector[1]} ${vector[2]!.split(" ").map(Number).join(", ")}` : line];
}

/** The same of LLVM's line. */
function common(line: string): string {
  return /^f\d\d\.const/.test(line) ? line.split(" ")[0]! : line.replace(":p2align=0", "");
}

// Without relaxed SIMD, whose instructions LLVM 19 writes and does not read.
describe.skipIf(withoutObjdump)("WebAssembly as text", () => {
  it("is what LLVM reads in the same bytes", () => {
    const kernels = [...operationKernels(), ...sampleKernels()];
    const modules = kernels.map((kernel) => encodeWasm(kernel, { relaxed: false }));
    const wanted = disassemble(modules);
    expect(wanted).toHaveLength(kernels.length);
    for (const [k, module] of modules.entries()) {
      const { text, instructions } = disassembleWasm(module);
      const lines = text.split("\n").map((line) => line.trim());
      const body = lines.filter((line) => line !== "" && !/^[()]/.test(line));
      expect(instructions).toBe(body.filter((line) => line !== "end").length);
      expect([...body, "end"].flatMap(asLlvm), kernels[k]!.name).toEqual(wanted[k]!.map(common));
    }
  });
});

describe.skipIf(withoutLlvm || withoutObjdump)("assembly language", () => {
  it("counts the instructions that are in the object file", () => {
    const kernels = operationKernels().filter(({ name }) => /_(4|8)$/.test(name));
    expect(kernels.length).toBeGreaterThan(10);
    const native = kernels.map((kernel) => compileForInspection(kernel));
    const inObjects = disassemble(native.map(({ object }) => object));
    for (const [k, { instructions }] of native.entries()) {
      // What aligns loops is a directive in the one and instructions in the other.
      const counted = inObjects[k]!.filter((line) => !/^nop|^xchg %ax, %ax$|nopw/.test(line));
      expect(instructions, kernels[k]!.name).toBe(counted.length);
    }
  });
});
