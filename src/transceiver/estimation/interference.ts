import {
  type Context,
  complex64,
  defineFunction,
  float32,
  int32,
  type Process,
} from "../../functions/index.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import { pilotPosition, signalType } from "./function.js";
import { preparePilots } from "./pilots.js";
import { pilotPlan } from "./plan.js";
import { residualCovarianceKernel, residualKernel } from "./residual-kernel.js";
import { prepareShrinkage } from "./shrinkage.js";

/** Resource blocks that share a covariance matrix; the last ones of an allocation may be fewer. */
export const INTERFERENCE_BLOCKS = 4;

/** Number of covariance matrices of an allocation. */
export function interferenceGroups(subcarriers: number): number {
  return Math.ceil(subcarriers / 12 / INTERFERENCE_BLOCKS);
}

/**
 * Estimates how noise and interference go together at the antennas: their covariance matrix in each group of
 * `INTERFERENCE_BLOCKS` resource blocks, over the slot, from what the estimated channel leaves of the DM-RS.
 *
 * `channel` and `noise` are estimation's. There are few residuals in a group, 24 a DM-RS symbol of configuration type 1,
 * so a group's matrix is drawn towards that of the whole allocation, and that towards a diagonal one, each by the
 * share of the difference that chance would make: without interference next to nothing but the diagonal is left. The
 * diagonal's mean over the groups is `noise`, since residuals are smaller than that by what the channel estimate took
 * in. `covariance` is per resource element; the other cell's DM-RS, which meets ours, stands for its data.
 *
 * Degenerate inputs: an antenna whose noise is not a number, or infinite, has a row and column of 0 with infinity on
 * the diagonal; without a valid grant all have. Residuals that are not finite leave the diagonal of `noise`.
 */
export const interference = defineFunction({
  name: "interference",
  clause: "TS 38.211 6.4.1.1",
  inputs: {
    grid: complex64("antenna", "symbol", "subcarrier"),
    channel: complex64("layer", "antenna", "symbol", "subcarrier"),
    noise: float32("antenna"),
    grant: int32("grantField"),
  },
  outputs: { covariance: complex64("interferenceGroup", "antenna", "antenna") },
  parameters: { signalType, pilotPosition },
});

interference.implement("dmrs-residuals", { kind: "model", prepare: prepareInterference });

type InterferenceContext = Context<
  typeof interference.inputs,
  typeof interference.outputs,
  typeof interference.parameters
>;

function prepareInterference(context: InterferenceContext): Process {
  const { dimensions, parameters, inputs, outputs, compile, scratch } = context;
  const plan = pilotPlan(parameters, dimensions);
  const { antennas, symbols, subcarriers, groups, ports } = plan;
  const { dmrsSymbPos, dmrsConfigType, dmrsLength } = plan.pilotPosition;
  const pilots = preparePilots(context, plan);
  const antennaStride = (pilots.row(1, 0, 0) - pilots.row(0, 0, 0)) / 4;
  const subtract = compile(residualKernel(dmrsConfigType));
  const accumulate = compile(residualCovarianceKernel(antennas));
  const size = 2 * antennas * antennas;
  const sums = scratch("sums", "float32", dimensions.interferenceGroup, size);
  const perGroup = INTERFERENCE_BLOCKS * plan.pilotsPerBlock;
  const residuals = groups.length * dmrsSymbPos.length;
  const counts = Float64Array.from(
    { length: dimensions.interferenceGroup },
    (_, group) => residuals * Math.min(perGroup, plan.pilots - group * perGroup),
  );
  const shrink = prepareShrinkage(antennas, counts, sums.view, inputs.noise.view, outputs.covariance.view);

  const takeChannelOut = (ordinal: number): void => {
    const symbol = dmrsSymbPos[ordinal]! - plan.signalType.startSymbolIndex;
    for (let layer = 0; layer < ports.length; layer++) {
      const { delta, frequencyWeights, timeWeights } = ports[layer]!;
      const time = dmrsLength === 2 ? timeWeights[(ordinal % 2) as 0 | 1] : 1;
      const even = time * frequencyWeights[0];
      const odd = time * frequencyWeights[1];
      for (let antenna = 0; antenna < antennas; antenna++) {
        const row = pilots.row(antenna, groups.indexOf(delta), ordinal);
        const first = ((layer * antennas + antenna) * symbols + symbol) * subcarriers + delta;
        subtract(row, inputs.channel.offset + 8 * first, even, odd, plan.pilots, plan.pilotStride);
      }
    }
  };
  const grant = inputs.grant.view;
  return () => {
    sums.view.fill(0);
    if (grant[grantFieldIndex.valid] === 1) {
      pilots.extract(grant);
      for (let ordinal = 0; ordinal < dmrsSymbPos.length; ordinal++) {
        takeChannelOut(ordinal);
        for (let cdmGroup = 0; cdmGroup < groups.length; cdmGroup++)
          for (let group = 0; group < counts.length; group++) {
            const first = group * perGroup;
            const row = pilots.row(0, cdmGroup, ordinal) + 4 * first;
            const count = Math.min(perGroup, plan.pilots - first);
            accumulate(row, sums.offset + 4 * group * size, count, plan.pilotStride, antennaStride);
          }
      }
    }
    shrink();
  };
}
