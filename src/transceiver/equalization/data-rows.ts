import type { CompiledKernel, Kernel } from "../../compiler/index.js";
import { NeuroranError } from "../../errors.js";
import type { Context } from "../../functions/index.js";
import { compactionKernel } from "./compaction-kernel.js";
import { dataRuns } from "./data-runs.js";
import type { EqualizationSignalType } from "./function.js";

/**
 * What is done with data resource elements in a row: byte offsets of grid and channel at the first, its index in the order
 * of TS 38.211 6.3.1.6, how many they are, and how many resource elements apart rows of grid and channel are. `run` is the
 * kernel for as many.
 */
export type RowProcess = (
  run: CompiledKernel,
  grid: number,
  channel: number,
  output: number,
  count: number,
  stride: number,
) => void;

/** What of a context is needed: that of any function which reads a grid and its channel. */
type RowContext = Pick<Context, "compile" | "scratch"> & {
  readonly dimensions: Readonly<Record<"antenna" | "layer" | "symbol" | "subcarrier" | "re", number>>;
  readonly parameters: { readonly signalType: EqualizationSignalType };
  readonly inputs: Readonly<Record<"grid" | "channel", { readonly offset: number }>>;
};

/**
 * Prepares a walk over a slot's data: whole symbols between DM-RS symbols are one row; what a DM-RS symbol carries of
 * data is gathered first.
 * @param kernelOf the kernel for rows of which each has a multiple of `granularity` resource elements.
 * @throws NeuroranError DIMENSION_MISMATCH where `re` is not what the signal type makes of the grid.
 */
export function prepareDataRows(
  { dimensions, parameters, inputs, compile, scratch }: RowContext,
  kernelOf: (granularity: number) => Kernel,
): (process: RowProcess) => void {
  const { antenna: antennas, layer: layers, symbol: symbols, subcarrier: subcarriers, re } = dimensions;
  const { kept, runs } = dataRuns(parameters.signalType, symbols, subcarriers);
  const total = runs.reduce((sum, run) => sum + run.count, 0);
  if (re !== total)
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `equalization: re is ${re} and must be ${total}: the data resource elements of a layer`,
    );
  const size = symbols * subcarriers;
  const blocks = subcarriers / 12;
  const width = kept.length * blocks;
  const whole = compile(kernelOf(12));
  const mixed = width > 0 && runs.some((run) => run.besideDmrs);
  const compact = mixed ? compile(compactionKernel(kept)) : undefined;
  const compacted = mixed ? compile(kernelOf(kept.length)) : undefined;
  const compactGrid = scratch("compactGrid", "complex64", antennas, Math.max(1, width)).offset;
  const compactChannel = scratch("compactChannel", "complex64", layers, antennas, Math.max(1, width)).offset;
  const grid = inputs.grid.offset;
  const channel = inputs.channel.offset;
  return (process) => {
    for (let index = 0; index < runs.length; index++) {
      const { first, output, count, besideDmrs } = runs[index]!;
      const at = 8 * first;
      if (!besideDmrs) {
        process(whole, grid + at, channel + at, output, count, size);
        continue;
      }
      for (let row = 0; row < antennas; row++)
        compact!(grid + 8 * row * size + at, compactGrid + 8 * row * width, blocks);
      for (let row = 0; row < layers * antennas; row++)
        compact!(channel + 8 * row * size + at, compactChannel + 8 * row * width, blocks);
      process(compacted!, compactGrid, compactChannel, output, count, width);
    }
  };
}
