import type { Context } from "../../functions/index.js";
import { goldSequence } from "../pusch/gold-sequence.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import { pilotsKernel } from "./pilots-kernel.js";
import { estimationLanes, type PilotPlan } from "./plan.js";

/** Least-squares estimates at the pilots of a slot, before despreading, in the arena. */
export interface Pilots {
  /** Byte offset of the row of an antenna, CDM group and DM-RS symbol (by its ordinal): planes `pilotStride` apart. */
  row(antenna: number, group: number, ordinal: number): number;
  /** Fills the rows for the sequences of a grant message. Allocates nothing. */
  extract(grant: Int32Array): void;
}

/** What of a context the pilots need: that of any function which reads a grid. */
type PilotsContext = Pick<Context, "compile" | "scratch" | "target"> & {
  readonly inputs: { readonly grid: { readonly offset: number } };
};

export function preparePilots(context: PilotsContext, plan: PilotPlan): Pilots {
  const { antennas, groups, pilots, pilotStride, amplitude, symbols, subcarriers } = plan;
  const { dmrsSymbPos, dmrsConfigType, firstCommonBlock } = plan.pilotPosition;
  const count = dmrsSymbPos.length;
  const run = context.compile(pilotsKernel(dmrsConfigType, estimationLanes(context.target)));
  const scale = Math.SQRT1_2 / amplitude;
  const rows = context.scratch("pilots", "float32", antennas, groups.length, count, 2, pilotStride).offset;
  const firstBit = 2 * plan.pilotsPerBlock * firstCommonBlock;
  const words = Math.ceil(pilots / 16);
  const sequence = context.scratch("sequence", "int32", words);
  // One word more than needed, so that every word has a next one to be shifted in.
  const gold = new Uint32Array((firstBit >> 5) + words + 1);
  const grid = context.inputs.grid.offset;
  const row = (antenna: number, group: number, ordinal: number) =>
    rows + 8 * pilotStride * ((antenna * groups.length + group) * count + ordinal);
  return {
    row,
    extract(grant) {
      for (let ordinal = 0; ordinal < count; ordinal++) {
        goldSequence(grant[grantFieldIndex.dmrsInits + ordinal]!, gold);
        align(gold, firstBit, sequence.view);
        const symbol = dmrsSymbPos[ordinal]! - plan.signalType.startSymbolIndex;
        for (let antenna = 0; antenna < antennas; antenna++)
          for (let group = 0; group < groups.length; group++) {
            const first = (antenna * symbols + symbol) * subcarriers + groups[group]!;
            run(grid + 8 * first, sequence.offset, row(antenna, group, ordinal), pilots, pilotStride, scale);
          }
      }
    },
  };
}

/** Bits from `first` on, moved to the start. */
function align(words: Uint32Array, first: number, out: Int32Array): void {
  const shift = first & 31;
  const start = first >> 5;
  for (let word = 0; word < out.length; word++) {
    const low = words[start + word]! >>> shift;
    out[word] = shift === 0 ? low : low | (words[start + word + 1]! << (32 - shift));
  }
}
