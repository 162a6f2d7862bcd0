import { detectionSystem } from "../real-valued/detection-system.js";
import type { RealValuedModel } from "../real-valued/real-valued-model.js";
import { createMmnet } from "./network.js";

const bpsk: RealValuedModel = { streams: 10, observations: 20, field: "real" };

export const mmnetBpsk = detectionSystem({
  name: "mmnet-bpsk-10x20",
  summary:
    "MMNet (Khani, Alizadeh, Hoydis, Fleming 2020) for BPSK over 10×20 real channels of independent entries",
  label: "MMNet",
  problem: bpsk,
  inputs: ["gram", "matchedFilter", "energy", "noise"],
  layers: 10,
  create: () => createMmnet({ ...bpsk, layers: 10 }),
  snr_db: [7, 14],
  learningRate: 1e-2,
  steps: 3000,
  minutes: 40,
  points: [
    { snr_db: 8, draws: 20_000 },
    { snr_db: 9, draws: 40_000 },
    { snr_db: 10, draws: 80_000 },
    { snr_db: 11, draws: 200_000 },
    { snr_db: 12, draws: 400_000 },
  ],
  requirements: [],
});

const qpsk: RealValuedModel = { streams: 8, observations: 16, field: "complex" };

export const mmnetQpsk = detectionSystem({
  name: "mmnet-qpsk-4x8",
  summary: "MMNet (Khani, Alizadeh, Hoydis, Fleming 2020) for four layers of QPSK over eight antennas",
  label: "MMNet",
  problem: qpsk,
  inputs: ["gram", "matchedFilter", "energy", "noise"],
  layers: 10,
  create: () => createMmnet({ ...qpsk, layers: 10 }),
  snr_db: [3, 14],
  learningRate: 1e-2,
  steps: 3000,
  minutes: 40,
  points: [
    { snr_db: 6, draws: 20_000 },
    { snr_db: 8, draws: 40_000 },
    { snr_db: 10, draws: 200_000 },
    { snr_db: 12, draws: 400_000 },
  ],
  requirements: [],
});
