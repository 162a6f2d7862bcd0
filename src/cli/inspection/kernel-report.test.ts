import { describe, expect, it } from "vitest";
import { loadLlvm } from "../../compiler/llvm/llvm-library.js";
import { NeuroranError } from "../../errors.js";
import { sampleKernels } from "../../transceiver/kernels.js";
import { inspectKernel } from "./kernel-report.js";

const kernel = sampleKernels().find(({ name }) => name === "crc24a")!;

describe("inspecting where libLLVM is missing", () => {
  const report = inspectKernel(kernel, 0.002, () => {
    loadLlvm(["libLLVM-no-such.so"]);
    throw new Error("there is such a library");
  });

  it("leaves its views out and says why", () => {
    expect(Object.keys(report.views)).toEqual(["ir", "mlir", "wasm"]);
    expect(Object.keys(report.binaries)).toEqual(["wasm"]);
    expect(report.targets[1]).toEqual({
      name: "llvm",
      reason: expect.stringMatching(/no libLLVM was found; install libLLVM 15 or newer/),
      bytes: null,
      instructions: null,
      compile_ms: null,
      call_ns: null,
      idle_ns: null,
    });
  });

  it("measures WebAssembly all the same", () => {
    const [wasm] = report.targets;
    expect(wasm).toMatchObject({ name: "wasm", reason: null, bytes: report.binaries.wasm!.length });
    for (const figure of [wasm!.instructions, wasm!.compile_ms, wasm!.call_ns, wasm!.idle_ns]) {
      expect(figure).toBeGreaterThan(0);
    }
  });

  it("hides no other failure", () => {
    const broken = (): never => {
      throw new NeuroranError("TARGET_FAILED", "broken");
    };
    expect(() => inspectKernel(kernel, 0.002, broken)).toThrow("broken");
  });
});
