import { type CompiledKernel, floatLanes, type Kernel, type Target } from "../../compiler/index.js";
import type { Tensor } from "../../functions/index.js";
import {
  fillPhasors,
  ROTATION_BLOCK,
  ROTATION_TABLE_LENGTH,
  ROTATION_TURN_LENGTH,
  rotationKernel,
} from "./rotation-kernel.js";

/** What preparing a rotation needs of a function's context. */
export interface RotationContext {
  scratch<D extends "float32" | "float64">(name: string, dtype: D, ...shape: number[]): Tensor<D>;
  compile(kernel: Kernel): CompiledKernel;
  readonly target: Target;
}

/** Turns samples by a phase that grows evenly. Allocates nothing. */
export interface Rotation {
  /** How far the phase turns from one sample to the next, `[0]`, written by the caller: a number handed over may be allocated. */
  readonly turns: Float64Array;
  /**
   * Turns `count` samples from byte offset `from` to byte offset `to` by exp(j·2π·turns·(n + first)) for the n-th of them.
   */
  run(first: number, from: number, to: number, count: number): void;
}

/** Prepares a {@link Rotation} of at most `samples` samples a call. */
export function prepareRotation(context: RotationContext, samples: number): Rotation {
  const rotate = context.compile(rotationKernel(samples, floatLanes(context.target)));
  const phasors = context.scratch("phasors", "float32", ROTATION_TABLE_LENGTH);
  const turn = context.scratch("turn", "float64", ROTATION_TURN_LENGTH);
  const turns = new Float64Array(1);
  const prepared = Float64Array.of(Number.NaN);
  return {
    turns,
    run(first, from, to, count) {
      if (turns[0] !== prepared[0]) {
        fillPhasors(turns, phasors.view);
        prepared[0] = turns[0]!;
      }
      const angle = 2 * Math.PI * ((turns[0]! * first) % 1);
      const step = 2 * Math.PI * ((turns[0]! * ROTATION_BLOCK) % 1);
      turn.view[0] = Math.cos(angle);
      turn.view[1] = Math.sin(angle);
      turn.view[2] = Math.cos(step);
      turn.view[3] = Math.sin(step);
      rotate(from, phasors.offset, turn.offset, to, count);
    },
  };
}
