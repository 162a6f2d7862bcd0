import { describe, expect, it } from "vitest";
import { relaxedSimdAvailable, wasmTarget } from "../../src/compiler/index.js";
import { sampleKernels } from "../../src/transceiver/kernels.js";
import { difference, drawerOf, operands } from "./difference.js";
import { compileNative, withoutMlir } from "./mlir-tools.js";
import { operationKernels } from "./operation-kernels.js";

/**
 * Kernels through MLIR and LLVM to native code, against WebAssembly on the same bytes: all memory equal afterwards, bit
 * for bit. Those with math.exp or math.log are compared within a bound: LLVM takes these from the C library.
 */

describe.skipIf(withoutMlir)("native code equals WebAssembly bit for bit", () => {
  it("in every operation of the language", () => {
    const kernels = operationKernels();
    const native = compileNative(kernels);
    for (const seed of [1, 2, 3, 4]) {
      const differences = kernels.map((k) => difference(k, native.get(k.name)!, seed, operands(true)));
      expect(
        differences.filter((d) => d !== undefined),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });

  it.skipIf(!relaxedSimdAvailable())("in fused multiply-add under relaxed SIMD", () => {
    const kernels = operationKernels().filter((k) => /^fused_[1-9]/.test(k.name));
    const native = compileNative(kernels, true);
    const differences = kernels.map((k) =>
      difference(k, native.get(k.name)!, 5, operands(false), { target: wasmTarget() }),
    );
    expect(differences.filter((d) => d !== undefined)).toEqual([]);
  });

  it("would show a difference: one rounding for two", () => {
    const kernels = operationKernels().filter((k) => k.name.startsWith("fused_"));
    const native = compileNative(kernels, true);
    for (const k of kernels) expect(difference(k, native.get(k.name)!, 6, operands(false))).toMatch(/wanted/);
  });

  const all = sampleKernels();
  const runnable = all.filter((k) => k.arguments.every((a) => drawerOf(a) !== undefined));
  const left = all.filter((k) => !runnable.includes(k));
  if (left.length > 0) console.warn(`arguments of no known range: ${left.map((k) => k.name).join(", ")}`);

  it("in the transceiver's kernels", () => {
    const native = compileNative(runnable);
    expect(runnable.length).toBeGreaterThan(30);
    for (const seed of [1, 2, 3]) {
      const differences = runnable.map((k) =>
        difference(k, native.get(k.name)!, seed, (a, next) => drawerOf(a)!(next)),
      );
      expect(
        differences.filter((d) => d !== undefined),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });
});
