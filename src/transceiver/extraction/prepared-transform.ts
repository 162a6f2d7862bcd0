import { floatLanes } from "../../compiler/index.js";
import type { Context } from "../../functions/index.js";
import { anySizeTransformKernel } from "./any-size-transform-kernel.js";
import {
  type FourierTransform,
  planTable,
  transformTable,
  transformWorkLength,
} from "./fourier-transform.js";
import { fourierTransformKernel } from "./fourier-transform-kernel.js";

/** Transforms numbers at one byte offset to another; what it works in and its tables are its own. */
export type PreparedTransform = (from: number, to: number) => void;

/**
 * Prepares a discrete Fourier transform as {@link fourierTransformKernel} computes it.
 * @param sizes "many" where the size changes from grant to grant: a kernel of any size serves until the size's own is
 * compiled.
 */
export function prepareTransform(
  context: Pick<Context, "scratch" | "table" | "target" | "compile" | "specialize">,
  layout: Omit<FourierTransform, "lanes">,
  sizes: "one" | "many",
): PreparedTransform {
  const transform: FourierTransform = { ...layout, lanes: floatLanes(context.target) };
  const own = fourierTransformKernel(transform);
  const transforming =
    sizes === "one"
      ? { run: context.compile(own) }
      : context.specialize(own, anySizeTransformKernel(transform));
  const work = context.scratch("transformWork", "float32", transformWorkLength(transform.size)).offset;
  const twiddles = context.table("transformTwiddles", transformTable(transform)).offset;
  const plan = context.table("transformPlan", planTable(transform)).offset;
  return (from, to) => {
    transforming.run(from, work, twiddles, to, plan);
  };
}
