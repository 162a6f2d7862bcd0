import { floatLanes } from "../../../compiler/index.js";
import type { Process } from "../../../functions/index.js";
import { bodyShape } from "../../../neural/engines/jit/body.js";
import { planNetwork } from "../../../neural/engines/jit/rules.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { builtInModel } from "../../../neural/models/built-in.js";
import { memoized } from "../../memoized.js";
import type { SquareOrder } from "../axis-llr.js";
import { type DemappingContext, demappingProcess, prepareDemapping } from "../demapping.js";
import { LLR_SCALE } from "../llr-scale.js";
import { axisNetwork } from "./axis-network.js";
import { llrnetKernel, llrnetScratchLength } from "./llrnet-kernel.js";

/** Names of the networks in `models/`, by modulation order. */
export const LLRNET_NAMES: Readonly<Record<SquareOrder, string>> = {
  2: "llrnet-qpsk",
  4: "llrnet-16qam",
  6: "llrnet-64qam",
  8: "llrnet-256qam",
};

/** The trained network of an order that comes with the package. */
const packagedLlrnet = memoized(
  4,
  (order: SquareOrder) => order,
  (order: SquareOrder): OnnxModel => builtInModel(LLRNET_NAMES[order]).onnx,
);

/**
 * Prepares demapping by LLRnets: one kernel from symbols to descrambled soft bits. π/2-BPSK has none and is demapped exactly.
 * @param modelOf the network of a modulation order
 * @throws InputError where the network is none of the order.
 */
export function prepareLlrnet(
  context: DemappingContext,
  modelOf: (order: SquareOrder) => OnnxModel = packagedLlrnet,
): Process {
  const { dimensions } = context;
  if (dimensions.codewordBit === dimensions.layer * dimensions.re)
    return prepareDemapping("max-log", context);
  return demappingProcess(context, (modulationOrder, layers) => {
    const order = modulationOrder as SquareOrder;
    const { plan, table } = planNetwork(axisNetwork(modelOf(order), order, LLR_SCALE));
    const body = bodyShape(context.target);
    const lanes = floatLanes(context.target);
    const run = context.compile(llrnetKernel({ plan, body, modulationOrder: order, layers, lanes }));
    const tableAt = context.table("network", table).offset;
    const scratchAt = context.scratch(
      "network scratch",
      "float32",
      llrnetScratchLength({ plan, body }),
    ).offset;
    return (symbols, noise, sequence, llrs, workspace, rounds, layerStride) =>
      run(symbols!, noise!, sequence!, llrs!, workspace!, rounds!, layerStride!, tableAt, scratchAt);
  });
}
