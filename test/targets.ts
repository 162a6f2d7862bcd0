import { availableTargets, llvmTarget, type Target, wasmTarget } from "../src/compiler/index.js";

/** What every kernel must be right on: each target of this machine, and `llvm` in any case where CI is set. */
export const testTargets: readonly Target[] =
  availableTargets().includes("llvm") || process.env.CI !== undefined
    ? [wasmTarget(), llvmTarget()]
    : [wasmTarget()];
if (testTargets.length === 1) console.warn("not on this machine: libLLVM (Debian: libllvm19)");
