import type { LearnedSystem } from "../../../neural/learned-system.js";
import { type DetectionSystem, detectionSystem } from "../real-valued/detection-system.js";
import { bpsk10x20, type DetectionProblem, qpsk4x8 } from "../real-valued/problems.js";
import { createDetnet, type DetnetShape } from "./network.js";

/** Symbol error rates that DetNet's authors published for 10×20 BPSK with soft output, by SNR in dB. */
const PUBLISHED: readonly (readonly [snr_db: number, rate: number])[] = [
  [8, 1.61e-2],
  [9, 8.52e-3],
  [10, 4.06e-3],
  [11, 1.42e-3],
  [12, 5.8e-4],
];

function detnet(
  name: string,
  channels: string,
  of: DetectionProblem,
  shape: Omit<DetnetShape, "streams">,
  training: Pick<DetectionSystem, "steps" | "requirements">,
): LearnedSystem {
  return detectionSystem({
    name,
    summary: `DetNet (Samuel, Diskin, Wiesel 2019) for ${channels}`,
    label: "DetNet",
    ...of,
    ...training,
    inputs: ["gram", "matchedFilter", "noise"],
    layers: shape.layers,
    create: (random) => createDetnet({ streams: of.problem.streams, ...shape }, random),
    learningRate: 1e-3,
    minutes: 40,
  });
}

export const detnetBpsk = detnet(
  "detnet-bpsk-10x20",
  "BPSK over 10×20 real channels",
  bpsk10x20,
  { layers: 20, memory: 20, hidden: 40 },
  {
    steps: 60_000,
    requirements: PUBLISHED.map(([snr_db, rate]) => ({
      snr_db,
      belowMmseSic: true,
      published: { rate, factor: 1.25 },
    })),
  },
);

export const detnetQpsk = detnet(
  "detnet-qpsk-4x8",
  "four layers of QPSK over eight antennas",
  qpsk4x8,
  { layers: 16, memory: 16, hidden: 40 },
  { steps: 80_000, requirements: [8, 10, 12].map((snr_db) => ({ snr_db, belowMmseSic: true })) },
);
