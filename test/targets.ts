import { llvmTarget, type Target, wasmTarget } from "../src/compiler/index.js";
import { withoutLlvm } from "./compiler/llvm-target.js";

/**
 * What every kernel must be right on: each target of this machine, and `llvm` in any case where CI is set. Bounds of
 * rounding errors are those of separate operations: a fused multiply-add leaves one of their roundings out, so that
 * they hold for it as well.
 */
export const testTargets: readonly Target[] = withoutLlvm ? [wasmTarget()] : [wasmTarget(), llvmTarget()];
