import { NeuroranError } from "../errors.js";
import { llvmTarget } from "./llvm/target.js";

export type TargetName = "wasm" | "llvm";

/** The targets that this machine can compile for, the fastest first; `wasm` is always among them. */
export function availableTargets(): TargetName[] {
  try {
    llvmTarget();
    return ["llvm", "wasm"];
  } catch (error) {
    if (error instanceof NeuroranError && error.code === "TARGET_UNAVAILABLE") return ["wasm"];
    throw error;
  }
}
