import { describe, expect, it } from "vitest";
import type { Block, Kernel, Operation } from "../../src/compiler/index.js";
import { llvmOperations } from "../../src/compiler/llvm/ir-text.js";
import { loweredOperations } from "../../src/compiler/wasm/lower.js";
import { sampleKernels } from "../../src/transceiver/kernels.js";
import { difference, drawerOf, operands } from "./difference.js";
import { llvm, withoutLlvm } from "./llvm-target.js";
import type { NativeKernel } from "./mlir-tools.js";
import { operationKernels } from "./operation-kernels.js";

/** The native target against WebAssembly on the same bytes: all memory equal afterwards, bit for bit. */

const memory = new WebAssembly.Memory({ initial: 600, maximum: 600, shared: true });

/** Both targets take exp and log apart into the same operations. */
const same = { sameFunctions: true };

/** `math.fma` as a product and a sum, as WebAssembly without relaxed SIMD computes. */
function unfused(kernel: Kernel): Kernel {
  const one = (o: Operation): Operation[] => {
    if (o.name !== "math.fma") return [{ ...o, regions: o.regions.map(inBlock) }];
    const product = { id: -1, type: o.results[0]!.type };
    const [a, b, c] = o.operands;
    return [
      { ...o, name: "arith.mulf", operands: [a!, b!], results: [product] },
      { ...o, name: "arith.addf", operands: [product, c!] },
    ];
  };
  const inBlock = (block: Block): Block => ({ ...block, operations: block.operations.flatMap(one) });
  const { name, arguments: given, result } = kernel;
  return { name, arguments: given, body: inBlock(kernel.body), result };
}

/** Compiles a kernel so that it runs on bytes given, by way of the memory that it is compiled for. */
function onCopies(kernel: Kernel): NativeKernel {
  const run = llvm.compile(kernel, memory);
  return (...arguments_) => {
    const given = arguments_.find((a) => typeof a === "object");
    const bytes = given ? new Uint8Array(given.buffer) : new Uint8Array();
    const copy = new Uint8Array(memory.buffer, 0, bytes.length);
    copy.set(bytes);
    const result = run(...arguments_.map((a) => (typeof a === "object" ? a.byteOffset : a)));
    bytes.set(copy);
    return result;
  };
}

describe("the native target", () => {
  it("lowers the operations that WebAssembly lowers", () => {
    expect([...llvmOperations].sort()).toEqual([...loweredOperations].sort());
  });
});

describe.skipIf(withoutLlvm)("the native target equals WebAssembly bit for bit", () => {
  it("in every operation of the language", () => {
    for (const kernel of operationKernels()) {
      const native = onCopies(unfused(kernel));
      for (const seed of [1, 2]) {
        expect(difference(kernel, native, seed, operands(true), same), `seed ${seed}`).toBeUndefined();
      }
    }
  });

  it("would show a difference: one rounding for two", () => {
    for (const kernel of operationKernels().filter((k) => k.name.startsWith("fused_"))) {
      expect(difference(kernel, onCopies(kernel), 6, operands(false))).toMatch(/wanted/);
    }
  });

  it("in the transceiver's kernels", () => {
    const all = sampleKernels();
    const runnable = all.filter((k) => k.arguments.every((a) => drawerOf(a) !== undefined));
    expect(runnable.length).toBeGreaterThan(30);
    for (const kernel of all) {
      const native = onCopies(unfused(kernel));
      if (!runnable.includes(kernel)) continue;
      expect(difference(kernel, native, 1, (a, next) => drawerOf(a)!(next), same)).toBeUndefined();
    }
  });
});
