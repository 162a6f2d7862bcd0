import type { Context, Process } from "../../functions/index.js";
import { checkSize } from "../extraction/sizes.js";
import type { fixedToFloat, floatToFixed } from "./function.js";
import { fixedToFloatKernel, floatToFixedKernel } from "./quantization-kernel.js";

const LANES = 8;

/** @throws NeuroranError DIMENSION_MISMATCH unless a sample has two parts. */
export function prepareFixedToFloat({
  dimensions,
  inputs,
  outputs,
  compile,
}: Context<typeof fixedToFloat.inputs, typeof fixedToFloat.outputs>): Process {
  const { antenna, converterSample, part } = dimensions;
  checkSize("part", part, 2);
  const run = compile(fixedToFloatKernel(2 * antenna * converterSample, LANES));
  return () => {
    run(inputs.fixed.offset, outputs.analog.offset);
  };
}

/** @throws NeuroranError DIMENSION_MISMATCH unless a sample has two parts. */
export function prepareFloatToFixed({
  dimensions,
  inputs,
  outputs,
  compile,
}: Context<typeof floatToFixed.inputs, typeof floatToFixed.outputs>): Process {
  const { antenna, converterSample, part } = dimensions;
  checkSize("part", part, 2);
  const run = compile(floatToFixedKernel(2 * antenna * converterSample, LANES));
  return () => {
    run(inputs.analog.offset, outputs.fixed.offset);
  };
}
