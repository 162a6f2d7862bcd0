import type { LearnedSystem } from "../../../neural/learned-system.js";
import type { ModelPorts } from "../../../neural/models/port.js";
import { evaluateDeeprx } from "./evaluation.js";
import { DEEPRX_BITS, DEEPRX_SYMBOLS, ELEMENT_PLANES, GRID_PLANES } from "./features.js";
import { deeprxNetwork } from "./network.js";
import { deeprxTraining } from "./training.js";

const planes = (count: number) =>
  ({ elementType: "float32", shape: ["batch", count, DEEPRX_SYMBOLS, "subcarrier"] }) as const;

const ports: ModelPorts = {
  inputs: [
    {
      name: "grid",
      type: planes(GRID_PLANES),
      meaning:
        "resource elements, DM-RS divided out, over the root mean square of the pilots' estimates: real parts of both antennas, then imaginary parts",
    },
    {
      name: "elements",
      type: planes(ELEMENT_PLANES),
      meaning: "1 at pilots; 1 at data; at data 0 for QPSK, 1 for 16-QAM",
    },
  ],
  outputs: [
    {
      name: "llrs",
      type: planes(DEEPRX_BITS),
      meaning: "log-likelihood ratios of the bits of each resource element, before descrambling",
      llr: { positiveBit: 0, scale: 1 },
    },
  ],
};

/** The compact DeepRx. */
export const deeprxSystem: LearnedSystem = {
  name: "deeprx",
  implements: "detection",
  summary:
    'From resource elements to soft bits by one convolutional network that decides and estimates in turn (after Honkala, Korpi and Huttunen, "DeepRx", 2021).',
  ports,
  create: (random) => deeprxNetwork(random),
  training: deeprxTraining,
  minutes: 120,
  evaluate: evaluateDeeprx,
};
