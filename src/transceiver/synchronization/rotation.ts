import type { CompiledKernel, Kernel } from "../../compiler/index.js";
import type { Tensor } from "../../functions/index.js";
import { fillPhasors, ROTATION_BLOCK, ROTATION_TABLE_LENGTH, rotationKernel } from "./rotation-kernel.js";

/** Lanes of the kernels of this block. */
export const SYNCHRONIZATION_LANES = 4;

/** What preparing a rotation needs of a function's context. */
export interface RotationContext {
  scratch(name: string, dtype: "float32", ...shape: number[]): Tensor<"float32">;
  compile(kernel: Kernel): CompiledKernel;
}

/**
 * Turns `count` samples from byte offset `from` to byte offset `to` by exp(j·2π·turns·(n + first)) for the n-th of
 * them. Allocates nothing.
 */
export type Rotate = (turns: number, first: number, from: number, to: number, count: number) => void;

/** Prepares {@link Rotate} for at most `samples` samples a call. */
export function prepareRotation(context: RotationContext, samples: number): Rotate {
  const run = context.compile(rotationKernel(samples, SYNCHRONIZATION_LANES));
  const phasors = context.scratch("phasors", "float32", ROTATION_TABLE_LENGTH);
  let prepared = Number.NaN;
  return (turns, first, from, to, count) => {
    if (turns !== prepared) {
      fillPhasors(turns, phasors.view);
      prepared = turns;
    }
    const angle = 2 * Math.PI * ((turns * first) % 1);
    const step = 2 * Math.PI * ((turns * ROTATION_BLOCK) % 1);
    run(from, phasors.offset, to, count, Math.cos(angle), Math.sin(angle), Math.cos(step), Math.sin(step));
  };
}
