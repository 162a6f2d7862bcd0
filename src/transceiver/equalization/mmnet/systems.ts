import type { LearnedSystem } from "../../../neural/learned-system.js";
import { detectionSystem } from "../real-valued/detection-system.js";
import { bpsk10x20, type DetectionProblem, qpsk4x8 } from "../real-valued/problems.js";
import { createMmnet } from "./network.js";

const LAYERS = 10;

function mmnet(name: string, channels: string, of: DetectionProblem): LearnedSystem {
  return detectionSystem({
    name,
    summary: `MMNet (Khani, Alizadeh, Hoydis, Fleming 2020) for ${channels}`,
    label: "MMNet",
    ...of,
    inputs: ["gram", "matchedFilter", "energy", "noise"],
    layers: LAYERS,
    create: () => createMmnet({ ...of.problem, layers: LAYERS }),
    learningRate: 1e-2,
    steps: 3000,
    minutes: 40,
    requirements: [],
  });
}

export const mmnetBpsk = mmnet(
  "mmnet-bpsk-10x20",
  "BPSK over 10×20 real channels of independent entries",
  bpsk10x20,
);

export const mmnetQpsk = mmnet("mmnet-qpsk-4x8", "four layers of QPSK over eight antennas", qpsk4x8);
