import { detectionSystem } from "../real-valued/detection-system.js";
import type { RealValuedModel } from "../real-valued/real-valued-model.js";
import { createDetnet } from "./network.js";

/** Symbol error rates that DetNet's authors published for 10×20 BPSK with soft output, by SNR in dB. */
const PUBLISHED: readonly (readonly [snr_db: number, rate: number])[] = [
  [8, 1.61e-2],
  [9, 8.52e-3],
  [10, 4.06e-3],
  [11, 1.42e-3],
  [12, 5.8e-4],
];

const bpsk: RealValuedModel = { streams: 10, observations: 20, field: "real" };
const qpsk: RealValuedModel = { streams: 8, observations: 16, field: "complex" };

export const detnetBpsk = detectionSystem({
  name: "detnet-bpsk-10x20",
  summary: "DetNet (Samuel, Diskin, Wiesel 2019) for BPSK over 10×20 real channels",
  label: "DetNet",
  problem: bpsk,
  inputs: ["gram", "matchedFilter", "noise"],
  layers: 20,
  create: (random) => createDetnet({ ...bpsk, layers: 20, memory: 20, hidden: 40 }, random),
  snr_db: [7, 14],
  learningRate: 1e-3,
  steps: 50_000,
  minutes: 40,
  points: [
    { snr_db: 8, draws: 20_000 },
    { snr_db: 9, draws: 40_000 },
    { snr_db: 10, draws: 80_000 },
    { snr_db: 11, draws: 200_000 },
    { snr_db: 12, draws: 400_000 },
  ],
  requirements: PUBLISHED.map(([snr_db, rate]) => ({
    snr_db,
    belowMmseSic: true,
    published: { rate, factor: 1.25 },
  })),
});

export const detnetQpsk = detectionSystem({
  name: "detnet-qpsk-4x8",
  summary: "DetNet (Samuel, Diskin, Wiesel 2019) for four layers of QPSK over eight antennas",
  label: "DetNet",
  problem: qpsk,
  inputs: ["gram", "matchedFilter", "noise"],
  layers: 12,
  create: (random) => createDetnet({ ...qpsk, layers: 12, memory: 16, hidden: 32 }, random),
  snr_db: [3, 14],
  learningRate: 1e-3,
  steps: 30_000,
  minutes: 40,
  points: [
    { snr_db: 6, draws: 20_000 },
    { snr_db: 8, draws: 40_000 },
    { snr_db: 10, draws: 200_000 },
    { snr_db: 12, draws: 400_000 },
  ],
  requirements: [8, 10, 12].map((snr_db) => ({ snr_db, belowMmseSic: true })),
});
