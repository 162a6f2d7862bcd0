import type { Context } from "../../functions/index.js";
import type { BaseGraph } from "./base-graph.js";
import { checkKernel, decideKernel, initializeKernel, iterateKernel } from "./decoder-kernels.js";
import { CORE_ROWS, codeTable, decoderLayout } from "./decoder-layout.js";
import { genericCheckKernel, genericIterateKernel } from "./generic-decoder-kernels.js";

/**
 * Decodes one code block.
 * @param codeword byte offset of the N soft bits d_0…d_N-1 (int8, positive is 0, filler bits +127)
 * @param block byte offset of the packed decisions of the information bits
 * @param rows of the base graph to use, from `decoderRows`
 * @returns iterations run; negative where some parity check does not hold after the last
 */
export type Decode = (codeword: number, block: number, rows: number) => number;

/** How often a decoder iterates. */
export interface DecoderIterations {
  /** At most this often, at least once. */
  readonly maximum: number;
  /** Stop after the first iteration whose decisions fulfil every check. */
  readonly earlyStop: boolean;
}

/**
 * Prepares the layered min-sum decoder: int8 a-posteriori values and messages, minima corrected by the next greater
 * magnitude, the rows of the base graph in order. The corrections suit soft bits of LLR_SCALE: ratios that are 2 dB
 * too small or too great cost 0.2 to 0.7 dB of SNR, 3 dB more than 0.4 dB at every rate.
 * @param context of the function that decodes: where its tensors go and what compiles its kernels
 * @param informationBits K': what is packed into the block
 */
export function prepareDecoder(
  context: Pick<Context, "scratch" | "table" | "target" | "compile" | "specialize">,
  graph: BaseGraph,
  informationBits: number,
  iterations: DecoderIterations,
  lanes = context.target.vectorBytes,
): Decode {
  const layout = decoderLayout(graph, lanes);
  const { messageBytes } = layout;
  const { informationColumns, liftingSize } = graph;
  const initialize = context.compile(initializeKernel(lanes));
  const iterate = context.specialize(iterateKernel(layout), genericIterateKernel(lanes));
  const check = context.specialize(checkKernel(layout), genericCheckKernel(lanes));
  const decide = context.compile(decideKernel(lanes));
  const posterior = context.scratch("posterior", "int8", layout.posteriorBytes).offset;
  const messages = context.scratch("messages", "int8", messageBytes.at(-1)!).offset;
  const joinedBytes = informationColumns * liftingSize + 2 * lanes;
  const joined = context.scratch("joined", "int8", joinedBytes).offset;
  const code = context.table("code", codeTable(layout)).offset;
  const { maximum, earlyStop } = iterations;
  return (codeword, block, rows) => {
    initialize(codeword, posterior, messages, rows, messageBytes[rows]!, informationColumns, liftingSize);
    let holds = 0;
    let count = 0;
    while (count < maximum) {
      iterate.run(posterior, messages, code, rows, count);
      count++;
      if (earlyStop || count === maximum) holds = check.run(posterior, code, rows)!;
      if (earlyStop && holds === 1) break;
    }
    decide(posterior, joined, block, informationBits, liftingSize);
    return holds === 1 ? count : -count;
  };
}

/**
 * Rows of the base graph that decoding needs: those whose extension column was received in part, and the four of the
 * core. The others would add checks of one unknown bit each, which tell nothing.
 * @param lastPosition highest position in the circular buffer that was received
 */
export function decoderRows(graph: BaseGraph, lastPosition: number): number {
  const columns = Math.floor(lastPosition / graph.liftingSize) + 1 + 2;
  return Math.min(graph.rows.length, Math.max(CORE_ROWS, columns - graph.informationColumns));
}
