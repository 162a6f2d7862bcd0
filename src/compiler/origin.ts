import { NeuroranError } from "../errors.js";
import type { Kernel, OriginatedKernel } from "./operation.js";

/** Where another thread finds the function that builds a kernel, and what it is called with. */
export interface KernelOrigin {
  /** URL of the module. */
  readonly module: string;
  /** The function's name among the module's exports. */
  readonly builder: string;
  readonly arguments: readonly unknown[];
}

/**
 * A function that builds kernels and that other threads can call: kernels of it are built and compiled on the compiler's
 * thread, and their code is found on disk by their names alone.
 *
 * ```ts
 * export const sumKernel = kernelBuilder(import.meta.url, "sumKernel", (lanes: number) => kernel(`sum_v${lanes}`, …));
 * ```
 *
 * @param module the URL of the module that exports it
 * @param builder the name under which it does
 * @param build takes what can be copied between threads
 */
export function kernelBuilder<A extends readonly unknown[]>(
  module: string,
  builder: string,
  build: (...given: A) => Kernel,
): (...given: A) => OriginatedKernel {
  return (...given) => Object.assign(build(...given), { origin: { module, builder, arguments: given } });
}

/** Builds a kernel from its origin. @throws NeuroranError `KERNEL_ORIGIN` where that gives no kernel of this name. */
export async function buildFromOrigin(origin: KernelOrigin, name: string): Promise<Kernel> {
  const module: Record<string, unknown> = await import(origin.module);
  const builder = module[origin.builder];
  const built = typeof builder === "function" ? (builder(...origin.arguments) as Kernel) : undefined;
  if (built?.name === name) return built;
  const found = built === undefined ? "no such function" : `kernel ${built.name}`;
  throw new NeuroranError(
    "KERNEL_ORIGIN",
    `kernel ${name} is to come from ${origin.builder} of ${origin.module}, which has ${found}: export the builder under that name`,
  );
}
