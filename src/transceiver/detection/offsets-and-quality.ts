import type { Process } from "../../functions/index.js";
import { prepareEstimation } from "../estimation/estimation.js";
import { estimationParameters } from "../estimation/function.js";
import type { PuschConfiguration } from "../pusch/index.js";
import type { DetectionContext } from "./function.js";

/**
 * Prepares what writes `tracking` and `quality` as the block estimation does, for detectors that take nothing else from it: its
 * channel goes nowhere. That costs a hundredth of a neural receiver.
 */
export function prepareOffsetsAndQuality(
  context: DetectionContext,
  configuration: PuschConfiguration,
): Process {
  const { dimensions, outputs } = context;
  const { antenna, symbol, subcarrier } = dimensions;
  const { layers } = configuration;
  // Names of its memory beside those of the detector's own.
  const scratch: typeof context.scratch = (name, ...rest) => context.scratch(`estimation.${name}`, ...rest);
  const table: typeof context.table = (name, ...rest) => context.table(`estimation.${name}`, ...rest);
  return prepareEstimation("ls", {
    ...context,
    dimensions: { ...dimensions, layer: layers },
    parameters: estimationParameters(configuration),
    outputs: {
      channel: scratch("channel", "complex64", layers, antenna, symbol, subcarrier),
      noise: scratch("noise", "float32", antenna),
      tracking: outputs.tracking,
      quality: outputs.quality,
    },
    state: {},
    scratch,
    table,
    forward: () => {},
  });
}
