import { type CompiledKernel, floatLanes } from "../../compiler/index.js";
import type { Context } from "../../functions/index.js";
import { goldSequence } from "../pusch/gold-sequence.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import { prepareLowPaprSequence } from "../pusch/low-papr-sequence.js";
import { lowPaprPilotsKernel } from "./low-papr-pilots-kernel.js";
import { pilotsKernel } from "./pilots-kernel.js";
import type { PilotPlan } from "./plan.js";

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
  const { antennas, groups, pilots, pilotStride, symbols, subcarriers } = plan;
  const { dmrsSymbPos, sequenceType } = plan.pilotPosition;
  const count = dmrsSymbPos.length;
  const rows = context.scratch("pilots", "float32", antennas, groups.length, count, 2, pilotStride).offset;
  const prepare = sequenceType === "low-PAPR" ? prepareLowPapr : preparePseudoRandom;
  const { run, scale, offset, generate } = prepare(context, plan);
  const grid = context.inputs.grid.offset;
  const row = (antenna: number, group: number, ordinal: number) =>
    rows + 8 * pilotStride * ((antenna * groups.length + group) * count + ordinal);
  return {
    row,
    extract(grant) {
      for (let ordinal = 0; ordinal < count; ordinal++) {
        generate(grant[grantFieldIndex.dmrsInits + ordinal]!);
        const symbol = dmrsSymbPos[ordinal]! - plan.signalType.startSymbolIndex;
        for (let antenna = 0; antenna < antennas; antenna++)
          for (let group = 0; group < groups.length; group++) {
            const first = (antenna * symbols + symbol) * subcarriers + groups[group]!;
            run(grid + 8 * first, offset, row(antenna, group, ordinal), pilots, pilotStride, scale);
          }
      }
    },
  };
}

/** The sequence of a DM-RS symbol in the arena, and the kernel that divides by it. */
interface Sequence {
  readonly run: CompiledKernel;
  /** The kernel's last argument. */
  readonly scale: number;
  readonly offset: number;
  /** Makes it that of an entry of `dmrsInits`. */
  readonly generate: (init: number) => void;
}

/** The sequence as bits. */
function preparePseudoRandom(context: PilotsContext, plan: PilotPlan): Sequence {
  const { pilots, amplitude } = plan;
  const { dmrsConfigType, firstCommonBlock } = plan.pilotPosition;
  const firstBit = 2 * plan.pilotsPerBlock * firstCommonBlock;
  const words = Math.ceil(pilots / 16);
  const sequence = context.scratch("sequence", "int32", words);
  // One word more than needed, so that every word has a next one to be shifted in.
  const gold = new Uint32Array((firstBit >> 5) + words + 1);
  return {
    run: context.compile(pilotsKernel(dmrsConfigType, floatLanes(context.target))),
    scale: Math.SQRT1_2 / amplitude,
    offset: sequence.offset,
    generate(init) {
      goldSequence(init, gold);
      align(gold, firstBit, sequence.view);
    },
  };
}

/** The sequence as complex numbers. */
function prepareLowPapr(context: PilotsContext, { pilots, amplitude }: PilotPlan): Sequence {
  const sequence = context.scratch("sequence", "complex64", pilots);
  const write = prepareLowPaprSequence(pilots);
  return {
    run: context.compile(lowPaprPilotsKernel(floatLanes(context.target))),
    scale: 1 / amplitude,
    offset: sequence.offset,
    generate(init) {
      write(init, sequence.view);
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
