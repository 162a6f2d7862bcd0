import type { LearnedSystem } from "../../../neural/learned-system.js";
import type { SquareOrder } from "../axis-llr.js";
import { evaluateLlrnet } from "./evaluation.js";
import { LLRNET_NAMES } from "./implementation.js";
import { llrnet, llrnetPorts } from "./network.js";
import { llrnetTraining } from "./training.js";

/** LLRnet for a modulation order. */
function llrnetSystem(order: SquareOrder): LearnedSystem {
  return {
    name: LLRNET_NAMES[order],
    implements: "demapping",
    summary: `Soft bits of ${2 ** order} points from symbol and noise variance by one small hidden layer (Shental and Hoydis, "Machine LLRning", 2019).`,
    ports: llrnetPorts(order),
    create: (random) => llrnet(order, random),
    training: llrnetTraining(order),
    minutes: 3,
    evaluate: (model, options) => evaluateLlrnet(order, model, options),
  };
}

/** LLRnet, one system for each of QPSK, 16QAM, 64QAM and 256QAM. */
export const llrnetSystems: readonly LearnedSystem[] = ([2, 4, 6, 8] as const).map(llrnetSystem);
