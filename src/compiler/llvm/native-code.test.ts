import { describe, expect, it } from "vitest";
import { withoutLlvm } from "../../../test/compiler/llvm-target.js";
import { arith, buffer, kernel, scf, vector } from "../index.js";
import { compileForInspection } from "./native-code.js";

const scale = kernel("scale", { a: buffer("f32", 4096) }, ({ a }) => {
  scf.for(0, 4096, 8, (i) => {
    vector.store(arith.mulf(vector.load(a, i, 8), 0.3), a, i);
  });
});

describe.skipIf(withoutLlvm)("a kernel on its way to the processor", () => {
  const code = compileForInspection(scale);

  it("is LLVM's intermediate representation, given and optimized", () => {
    expect(code.llvm).toMatch(/^define void @scale\(ptr %\.memory, i32 %a\.offset\)/);
    expect(code.optimized).toMatch(/^target triple = /m);
    expect(code.optimized).toMatch(/fmul contract <8 x float>/);
  });

  it("is assembly language of instructions, labels and data alone", () => {
    const lines = code.assembly.trimEnd().split("\n");
    const isInstruction = (line: string): boolean => /^ {2}[a-z]/.test(line);
    expect(lines).toContain("scale:");
    for (const line of lines) expect(line).toMatch(/^( {2}[a-z]| {2}\.(intel_syntax|\w+ [\w.-]+)|[\w.]+:)/);
    expect(code.assembly).not.toMatch(/\.(cfi|globl|section|type|size|p2align|file|text)|\t/);
    expect(code.instructions).toBe(lines.filter(isInstruction).length);
    expect(lines.at(-1)).toMatch(/^ {2}ret/);
  });

  it.skipIf(process.arch !== "x64")("is in Intel's syntax on x86", () => {
    expect(code.assembly).toMatch(/^ {2}\.intel_syntax noprefix$/m);
    expect(code.assembly).toMatch(/v?mulps .*ptr \[/);
    expect(code.assembly).not.toContain("%");
  });

  it("is an object file, whose making was timed", () => {
    expect(code.object.length).toBeGreaterThan(100);
    if (process.platform === "linux")
      expect([...code.object.subarray(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
    expect(code.compileMilliseconds).toBeGreaterThan(0);
  });

  it("is made anew each time, of the same kernel the same", () => {
    const again = compileForInspection(scale);
    expect(again.assembly).toBe(code.assembly);
    expect(Buffer.compare(again.object, code.object)).toBe(0);
  });
});
