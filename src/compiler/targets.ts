import { NeuroranError } from "../errors.js";
import { llvmTarget } from "./llvm/target.js";
import type { Target } from "./target.js";
import { wasmTarget } from "./wasm/target.js";

export type TargetName = "wasm" | "llvm";

/** The targets by name, the fastest first. */
const targets: Readonly<Record<TargetName, () => Target>> = {
  llvm: () => llvmTarget(),
  wasm: () => wasmTarget(),
};

/** All targets there are, the fastest first, whether or not this machine has what they need. */
export const targetNames = Object.keys(targets) as readonly TargetName[];

/** The targets that this machine can compile for, the fastest first; `wasm` is always among them. */
export function availableTargets(): TargetName[] {
  return targetNames.filter((name) => targetProblem(name) === undefined);
}

/** Why this machine cannot compile for a target, and what to do about it; nothing where it can. */
export function targetProblem(name: TargetName): string | undefined {
  try {
    targets[name]();
    return undefined;
  } catch (error) {
    if (error instanceof NeuroranError && error.code === "TARGET_UNAVAILABLE") return error.message;
    throw error;
  }
}

/**
 * A target by name; the fastest that this machine has unless one is named.
 * @throws NeuroranError `TARGET_UNAVAILABLE` where the machine lacks what the named one needs.
 */
export function openTarget(name?: TargetName): Target {
  return targets[name ?? availableTargets()[0]!]();
}
