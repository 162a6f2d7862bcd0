import type { Context, Process } from "../../functions/index.js";
import type { interleaving } from "./function.js";
import { checkScheme } from "./interleaving-scheme.js";
import { prepareRateMatch } from "./rate-match.js";

type InterleavingContext = Context<
  typeof interleaving.inputs,
  typeof interleaving.outputs,
  typeof interleaving.parameters
>;

/** Prepares plain interleaving: each bit by its position. */
export function prepareInterleaving({
  dimensions,
  inputs,
  outputs,
  parameters,
}: InterleavingContext): Process {
  const { interleavingScheme: scheme } = parameters;
  checkScheme(scheme, dimensions);
  const rateMatch = prepareRateMatch({
    modulationOrder: scheme.modulationOrder,
    rateMatching: scheme,
    codeBlocks: { encodedBits: dimensions.circularBufferBit },
  });
  const [codeword, bits] = [inputs.codeword.view, outputs.bits.view];
  return () => rateMatch(codeword, bits);
}
