import type { Context, Process } from "../../functions/index.js";
import { combinationKernel, placementKernel, transpositionKernel } from "./deinterleaving-kernel.js";
import type { deinterleaving } from "./function.js";
import { checkScheme } from "./interleaving-scheme.js";
import { selectionRuns } from "./selection-runs.js";

type DeinterleavingContext = Context<
  typeof deinterleaving.inputs,
  typeof deinterleaving.outputs,
  typeof deinterleaving.parameters
>;

/** How one code block is received; offsets count in bytes of the arena. */
interface BlockPlan {
  readonly received: number;
  readonly columns: number;
  readonly runs: readonly {
    readonly from: number;
    readonly to: number;
    readonly count: number;
    readonly repeated: boolean;
  }[];
}

/**
 * Prepares deinterleaving. Filler bits and the bits that the redundancy version leaves out are written here and never
 * again, since no slot changes them.
 */
export function prepareDeinterleaving(context: DeinterleavingContext): Process {
  const { dimensions, inputs, outputs, parameters, scratch, compile } = context;
  const { interleavingScheme: scheme } = parameters;
  const { circularBufferBit } = dimensions;
  checkScheme(scheme, dimensions);
  const { modulationOrder: order, fillerStart, fillerEnd, outputBits } = scheme;
  const lanes = context.target.vectorBytes;
  const selected = scratch("selected", "int8", Math.max(...outputBits));
  const transpose = order === 1 ? undefined : compile(transpositionKernel(order, lanes));
  const place = compile(placementKernel(lanes));
  const combine = compile(combinationKernel(lanes));
  let received = inputs.llrs.offset;
  const plans = outputBits.map((bits, block): BlockPlan => {
    const start = block * circularBufferBit;
    outputs.codeword.view.fill(127, start + fillerStart, start + fillerEnd);
    // One row is selected as it is received.
    const source = order === 1 ? received : selected.offset;
    const runs = selectionRuns(scheme, bits).map((run) => ({
      ...run,
      from: source + run.from,
      to: outputs.codeword.offset + start + run.to,
    }));
    const plan = { received, columns: bits / order, runs };
    received += bits;
    return plan;
  });
  return () => {
    for (let block = 0; block < plans.length; block++) {
      const { received, columns, runs } = plans[block]!;
      transpose?.(received, selected.offset, columns);
      for (let index = 0; index < runs.length; index++) {
        const run = runs[index]!;
        if (run.repeated) combine(run.from, run.to, run.count);
        else place(run.from, run.to, run.count);
      }
    }
  };
}
