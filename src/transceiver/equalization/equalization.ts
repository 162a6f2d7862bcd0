import { floatLanes } from "../../compiler/index.js";
import { InputError } from "../../errors.js";
import type { Process } from "../../functions/index.js";
import type { SquareOrder } from "../mapping/axis-llr.js";
import { prepareDataRows, type RowProcess } from "./data-rows.js";
import { type EqualizationMethod, equalizationKernel } from "./equalization-kernel.js";
import type { EqualizationContext } from "./function.js";
import { prepareTransformDeprecoding } from "./transform-deprecoding.js";

/** Noise variance, as a share of the channel's mean power, that stands for anything smaller: reciprocals stay numbers. */
export const SMALLEST_NOISE = 1e-12;

/** Smallest positive number whose reciprocal is a float32 with room above it. */
const LEAST_POSITIVE = 1e-34;

/** Responses that the channel's mean power is taken from. */
const POWER_SAMPLES = 1024;

/**
 * Prepares equalization by one of the methods.
 * @throws NeuroranError DIMENSION_MISMATCH where `re` is not what the signal type makes of the grid.
 */
export function prepareEqualization(method: EqualizationMethod, context: EqualizationContext): Process {
  const { dimensions, inputs, outputs, scratch, target } = context;
  const { antenna: antennas, layer: layers, re } = dimensions;
  const shape = { method, layers, antennas, lanes: floatLanes(target), ...decisions(method, context) };
  const rows = prepareDataRows(context, (granularity) => equalizationKernel({ ...shape, granularity }));
  const weights = scratch("weights", "float32", antennas);
  const deprecode = prepareTransformDeprecoding(method, context);

  const symbols = outputs.symbols.offset;
  const noise = outputs.noise.offset;
  const equalize: RowProcess = (run, grid, channel, output, count, stride) => {
    run(grid, channel, weights.offset, symbols + 8 * output, noise + 4 * output, count, stride, re);
  };
  const least = new Float64Array(1);
  return () => {
    findLeastNoise(inputs.channel.view, least);
    setWeights(inputs.noise.view, least, weights.view);
    rows(equalize);
    deprecode();
  };
}

/** What the kernel must know to decide symbols: nothing unless a layer is taken out before another. */
function decisions(
  method: EqualizationMethod,
  { dimensions, parameters }: EqualizationContext,
): { modulationOrder?: SquareOrder } {
  if (method !== "mmse-sic" || dimensions.layer === 1) return {};
  const { modulationOrder } = parameters;
  if (modulationOrder === undefined || modulationOrder === 1)
    throw new InputError(
      "equalization.modulationOrder",
      modulationOrder,
      "give 2, 4, 6 or 8: with several layers, mmse-sic decides by it (π/2-BPSK has one layer)",
    );
  return { modulationOrder };
}

/** One over each antenna's noise variance; 0, which leaves the antenna out, where that is no finite number. */
export function setWeights(noise: Float32Array, least: Float64Array, weights: Float32Array): void {
  for (let antenna = 0; antenna < noise.length; antenna++) {
    const variance = noise[antenna]!;
    weights[antenna] = 0;
    // What is not finite less itself is no number. Functions of numbers may be handed allocated ones.
    if (variance - variance !== 0) continue;
    weights[antenna] = variance > least[0]! ? 1 / variance : 1 / least[0]!;
  }
}

/**
 * Writes the least noise for a channel, from some of its responses, into `least[0]`: a number that is returned may be
 * allocated. It is positive whatever they are.
 */
export function findLeastNoise(channel: Float32Array, least: Float64Array): void {
  const step = 2 * Math.ceil(channel.length / 2 / POWER_SAMPLES);
  let sum = 0;
  let count = 0;
  for (let at = 0; at < channel.length; at += step) {
    const power = channel[at]! ** 2 + channel[at + 1]! ** 2;
    if (!Number.isFinite(power)) continue;
    sum += power;
    count++;
  }
  least[0] = sum > 0 ? Math.max(LEAST_POSITIVE, (SMALLEST_NOISE * sum) / count) : LEAST_POSITIVE;
}
