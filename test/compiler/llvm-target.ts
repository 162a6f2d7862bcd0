import { availableTargets, llvmTarget, type Target } from "../../src/compiler/index.js";

/** Whether to skip tests of the native target: never where CI is set, so that they fail there instead. */
const absent = !availableTargets().includes("llvm");
export const withoutLlvm = absent && process.env.CI === undefined;
if (absent) console.warn("not on this machine: libLLVM (Debian: libllvm19)");

/** The native target with one rounding an operation, opened when it compiles first: a file of tests can be read without it. */
export const llvm: Target = {
  name: "llvm",
  get vectorBytes() {
    return llvmTarget().vectorBytes;
  },
  counts: () => llvmTarget().counts(),
  compile: (kernel, memory) => llvmTarget({ contract: false }).compile(kernel, memory),
};
