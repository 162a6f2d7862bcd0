import { type Target, wasmTarget } from "../compiler/index.js";

/** What kernels can be compiled for on this machine, by name. */
export const targets: Readonly<Record<string, () => Target>> = {
  wasm: () => wasmTarget(),
};

export const targetNames = Object.keys(targets);
