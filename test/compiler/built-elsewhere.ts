/** Kernels that the compiler's thread builds, for tests. */
import { argument, arith, buffer, kernel, kernelBuilder, memref } from "../../src/compiler/index.js";

/** Writes and returns its argument plus a number, after as many additions of 0 as are asked for. */
export const addKernel = kernelBuilder(import.meta.url, "addKernel", (what: number, length: number) =>
  kernel(`add_${what}_${length}`, { to: buffer("i32", 4), n: argument("i32") }, ({ to, n }) => {
    let sum = arith.addi(n, what);
    for (let k = 1; k < length; k++) sum = arith.xori(arith.muli(sum, n), k);
    memref.store(sum, to, 0);
    return sum;
  }),
);

/** A builder that is not exported under the name it gives. */
export const lostKernel = kernelBuilder(import.meta.url, "noSuchKernel", () =>
  kernel("lost", { n: argument("i32") }, ({ n }) => n),
);
