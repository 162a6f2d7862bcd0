import { InputError, NeuroranError } from "../../errors.js";
import type { Context, Process } from "../../functions/index.js";
import type { SquareOrder } from "../mapping/axis-llr.js";
import { compactionKernel } from "./compaction-kernel.js";
import { dataRuns } from "./data-runs.js";
import { type EqualizationMethod, equalizationKernel } from "./equalization-kernel.js";
import type { equalization } from "./function.js";

/** Noise variance, as a share of the channel's mean power, that stands for anything smaller: reciprocals stay numbers. */
export const SMALLEST_NOISE = 1e-12;

/** Smallest positive number whose reciprocal is a float32 with room above it. */
const LEAST_POSITIVE = 1e-34;

/** Responses that the channel's mean power is taken from. */
const POWER_SAMPLES = 1024;

type EqualizationContext = Context<
  typeof equalization.inputs,
  typeof equalization.outputs,
  typeof equalization.parameters
>;

/**
 * Prepares equalization by one of the methods: whole symbols between DM-RS symbols are one run of resource elements
 * of a kernel call; what a DM-RS symbol carries of data is gathered first.
 * @throws NeuroranError DIMENSION_MISMATCH where `re` is not what the signal type makes of the grid.
 */
export function prepareEqualization(method: EqualizationMethod, context: EqualizationContext): Process {
  const { dimensions, inputs, outputs, parameters, compile, scratch } = context;
  const { antenna: antennas, layer: layers, symbol: symbols, subcarrier: subcarriers, re } = dimensions;
  const { kept, runs } = dataRuns(parameters.signalType, symbols, subcarriers);
  const total = runs.reduce((sum, run) => sum + run.count, 0);
  if (re !== total)
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `equalization: re is ${re} and must be ${total}: the data resource elements of a layer`,
    );
  const gridStride = symbols * subcarriers;
  const shape = { method, layers, antennas, outputStride: re, ...decisions(method, context) };
  const equalizeRows = compile(
    equalizationKernel({ ...shape, gridStride, channelStride: gridStride, granularity: 12 }),
  );
  const blocks = subcarriers / 12;
  const width = kept.length * blocks;
  const mixed = width > 0 && runs.some((run) => run.besideDmrs);
  const compact = mixed ? compile(compactionKernel(kept, blocks)) : undefined;
  const equalizeCompacted = mixed
    ? compile(
        equalizationKernel({ ...shape, gridStride: width, channelStride: width, granularity: kept.length }),
      )
    : undefined;
  const compactGrid = scratch("compactGrid", "complex64", antennas, Math.max(1, width)).offset;
  const compactChannel = scratch("compactChannel", "complex64", layers, antennas, Math.max(1, width)).offset;
  const weights = scratch("weights", "float32", antennas);

  const grid = inputs.grid.offset;
  const channel = inputs.channel.offset;
  const symbolsAt = outputs.symbols.offset;
  const noiseAt = outputs.noise.offset;
  return () => {
    setWeights(inputs.noise.view, smallestNoise(inputs.channel.view), weights.view);
    for (const { first, output, count, besideDmrs } of runs) {
      const at = 8 * first;
      if (!besideDmrs) {
        equalizeRows(
          grid + at,
          channel + at,
          weights.offset,
          symbolsAt + 8 * output,
          noiseAt + 4 * output,
          count,
        );
        continue;
      }
      for (let row = 0; row < antennas; row++)
        compact!(grid + 8 * row * gridStride + at, compactGrid + 8 * row * width, blocks);
      for (let row = 0; row < layers * antennas; row++)
        compact!(channel + 8 * row * gridStride + at, compactChannel + 8 * row * width, blocks);
      equalizeCompacted!(
        compactGrid,
        compactChannel,
        weights.offset,
        symbolsAt + 8 * output,
        noiseAt + 4 * output,
        count,
      );
    }
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
function setWeights(noise: Float32Array, smallest: number, weights: Float32Array): void {
  for (let antenna = 0; antenna < noise.length; antenna++) {
    const variance = noise[antenna]!;
    weights[antenna] = Number.isFinite(variance) ? 1 / Math.max(variance, smallest) : 0;
  }
}

/** The least noise for a channel, from some of its responses; positive whatever they are. */
export function smallestNoise(channel: Float32Array): number {
  const step = 2 * Math.ceil(channel.length / 2 / POWER_SAMPLES);
  let sum = 0;
  let count = 0;
  for (let at = 0; at < channel.length; at += step) {
    const power = channel[at]! ** 2 + channel[at + 1]! ** 2;
    if (!Number.isFinite(power)) continue;
    sum += power;
    count++;
  }
  return sum > 0 ? Math.max(LEAST_POSITIVE, (SMALLEST_NOISE * sum) / count) : LEAST_POSITIVE;
}
