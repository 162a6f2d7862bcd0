import type { CompilationCounts, CompiledKernel, PendingKernel } from "../target.js";
import { orderCode } from "./connection.js";
import type { Code, CodeOrder, CodeSource } from "./protocol.js";

/** Kernels that a thread was given, by where their code came from, and what that took. */
export type CodeCounts = Record<CodeSource | "milliseconds", number>;

export function noCodeYet(): CodeCounts {
  return { compiled: 0, disk: 0, process: 0, milliseconds: 0 };
}

/** The counts as a target gives them. */
export function compilationCounts({ compiled, disk, milliseconds }: CodeCounts): CompilationCounts {
  return { compiled, loaded: disk, milliseconds };
}

/** Orders code that nobody waits for; `callable` makes it a kernel of this thread when it has come. */
export function orderKernel(
  order: CodeOrder,
  counts: CodeCounts,
  callable: (code: Code) => CompiledKernel,
): PendingKernel {
  const pending = orderCode(order);
  return {
    cancel: pending.cancel,
    take() {
      const code = pending.take();
      if (code === undefined) return undefined;
      counts.milliseconds += code.milliseconds;
      return callable(code);
    },
  };
}
