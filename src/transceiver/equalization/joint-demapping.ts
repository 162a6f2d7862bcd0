import { z } from "zod";
import { floatLanes } from "../../compiler/index.js";
import { InputError } from "../../errors.js";
import {
  type Context,
  complex64,
  defineFunction,
  float32,
  int8,
  int32,
  type Process,
} from "../../functions/index.js";
import {
  keepModulationScheme,
  modulationScheme,
  modulationSchemeIndex,
} from "../mapping/modulation-scheme.js";
import { prepareSoftBits } from "../mapping/soft-bits.js";
import { SOFT_BIT_STEP } from "../mapping/soft-bits-kernel.js";
import { prepareDataRows, type RowProcess } from "./data-rows.js";
import { dataRuns } from "./data-runs.js";
import { findLeastNoise, setWeights } from "./equalization.js";
import { signalType } from "./function.js";
import { type TreeSearchShape, treeSearchKernel, treeSearchWorkspace } from "./tree-search-kernel.js";

/**
 * Equalization and demapping in one: soft bits of a codeword from grid and channel, for detectors that weigh the layers'
 * symbols together. A list of candidates says more than a symbol and its noise per layer could hand over, which is why
 * this is a function of its own and no implementation of equalization.
 *
 * Ports are those of equalization and demapping, and so are the clauses and the meaning of degenerate inputs: an antenna
 * whose noise is not a number, or infinite, is left out; where anything else is not finite, soft bits are 0.
 *
 * "k-best" searches a tree breadth first (see `treeSearchKernel`) and keeps the best `survivors` of each level, a power of
 * two; a soft bit without counter-hypothesis among the survivors is limited. 16 suit 256-QAM. It costs several times as
 * much as MMSE. With π/2-BPSK, which has one layer, there is nothing to be searched: it is refused, and so
 * is transform precoding, whose one layer has its symbols spread over the subcarriers.
 */
export const jointDemapping = defineFunction({
  name: "jointDemapping",
  clause: "TS 38.211 5.1, 6.3.1.1 to 6.3.1.3, 6.3.1.6",
  inputs: {
    grid: complex64("antenna", "symbol", "subcarrier"),
    channel: complex64("layer", "antenna", "symbol", "subcarrier"),
    noise: float32("antenna"),
    grant: int32("grantField"),
  },
  outputs: { llrs: int8("codewordBit") },
  parameters: {
    signalType,
    /** K of "k-best". */
    survivors: z.union([z.literal(4), z.literal(8), z.literal(16), z.literal(32), z.literal(64)]).default(16),
  },
  state: { modulationScheme },
});

jointDemapping.implement("k-best", { kind: "model", prepare: prepareTreeSearch });

type JointDemappingContext = Context<
  typeof jointDemapping.inputs,
  typeof jointDemapping.outputs,
  typeof jointDemapping.parameters,
  typeof jointDemapping.state
>;

/** @throws InputError where the sizes are those of no square constellation; NeuroranError DIMENSION_MISMATCH. */
function prepareTreeSearch(context: JointDemappingContext): Process {
  const { dimensions, parameters, inputs, outputs, state, scratch, target } = context;
  const { antenna: antennas, layer: layers, symbol, subcarrier, codewordBit: bits } = dimensions;
  if (parameters.signalType.transformPrecoding)
    throw new InputError(
      "signalType.transformPrecoding",
      true,
      "a search among the symbols of a resource element finds none; choose detection blocks or irc",
    );
  const re = dataRuns(parameters.signalType, symbol, subcarrier).runs.reduce(
    (sum, run) => sum + run.count,
    0,
  );
  const order = bits / (layers * re);
  if (order !== 2 && order !== 4 && order !== 6 && order !== 8)
    throw new InputError(
      "dimensions.codewordBit",
      bits,
      `give 2, 4, 6 or 8 times the ${layers * re} resource elements of all layers`,
    );
  const lanes = floatLanes(target);
  const shape: TreeSearchShape = {
    modulationOrder: order,
    survivors: parameters.survivors,
    lanes,
    layers,
    antennas,
  };
  const rows = prepareDataRows({ ...context, dimensions: { ...dimensions, re } }, () =>
    treeSearchKernel(shape),
  );
  const perElement = layers * order;
  // The search may write the soft bits of a vector's lanes past the last resource element.
  const softBits = prepareSoftBits(context, outputs.llrs, bits, lanes * perElement + SOFT_BIT_STEP);
  const soft = softBits.soft.offset;
  const workspace = scratch("workspace", "float32", treeSearchWorkspace(shape)).offset;
  const weights = scratch("weights", "float32", antennas);
  const least = new Float64Array(1);
  const [grant, llrs, scheme] = [inputs.grant.view, outputs.llrs.view, state.modulationScheme.view];
  const search: RowProcess = (run, grid, channel, output, count, stride) => {
    run(grid, channel, weights.offset, workspace, soft + 4 * perElement * output, count, stride);
  };
  return () => {
    keepModulationScheme(grant, scheme);
    if (scheme[modulationSchemeIndex.modulationOrder] !== order) {
      llrs.fill(0);
      return;
    }
    findLeastNoise(inputs.channel.view, least);
    setWeights(inputs.noise.view, least, weights.view);
    rows(search);
    softBits.write(scheme[modulationSchemeIndex.scramblingInit]!);
  };
}
