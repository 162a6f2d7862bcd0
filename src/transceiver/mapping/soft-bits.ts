import type { Context, Tensor } from "../../functions/index.js";
import { prepareScramblingSequence } from "./scrambling-sequence.js";
import { SOFT_BIT_STEP, softBitsKernel } from "./soft-bits-kernel.js";

/** Soft bits of a codeword as real numbers, on their way to the port of demapping. */
export interface SoftBits {
  /** In the scale of demapping's port, before descrambling. */
  readonly soft: Tensor<"float32">;
  /** Descrambles, limits and rounds them into the port. Allocates nothing. */
  write(scramblingInit: number): void;
}

/**
 * Prepares what turns the soft bits of `bits` bits into those of the port `llrs`.
 * @param room numbers behind them that `soft` has, too
 */
export function prepareSoftBits(
  context: Pick<Context, "table" | "scratch" | "compile">,
  llrs: Tensor<"int8">,
  bits: number,
  room = 0,
): SoftBits {
  const quantize = context.compile(softBitsKernel());
  const sequence = prepareScramblingSequence(context, SOFT_BIT_STEP * Math.ceil(bits / SOFT_BIT_STEP));
  const soft = context.scratch("softBits", "float32", bits + Math.max(room, SOFT_BIT_STEP));
  // Of the last, incomplete step: a kernel must not write past the codeword.
  const last = context.scratch("lastStep", "int8", SOFT_BIT_STEP);
  const whole = bits - (bits % SOFT_BIT_STEP);
  const [restSoft, restSequence] = [soft.offset + 4 * whole, sequence.offset + whole / 8];
  return {
    soft,
    write(scramblingInit) {
      sequence.generate(scramblingInit);
      quantize(soft.offset, sequence.offset, llrs.offset, whole);
      if (whole === bits) return;
      quantize(restSoft, restSequence, last.offset, SOFT_BIT_STEP);
      for (let bit = whole; bit < bits; bit++) llrs.view[bit] = last.view[bit - whole]!;
    },
  };
}
