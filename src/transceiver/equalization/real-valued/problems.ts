import type { DetectionPoint } from "./evaluation.js";
import type { RealValuedModel } from "./real-valued-model.js";

/** A detection problem as learned detectors are trained for it and judged on it. */
export interface DetectionProblem {
  readonly problem: RealValuedModel;
  /** SNRs between which training draws, dB. */
  readonly snr_db: readonly [number, number];
  /** Where it is judged: the rarer the errors, the more draws. */
  readonly points: readonly DetectionPoint[];
}

/** BPSK over 10×20 real channels, on which DetNet's authors publish. */
export const bpsk10x20: DetectionProblem = {
  problem: { streams: 10, observations: 20, field: "real" },
  snr_db: [7, 14],
  points: [
    { snr_db: 8, draws: 20_000 },
    { snr_db: 9, draws: 40_000 },
    { snr_db: 10, draws: 80_000 },
    { snr_db: 11, draws: 200_000 },
    { snr_db: 12, draws: 400_000 },
  ],
};

/** Four layers of QPSK over eight antennas, as the receiver may have them. */
export const qpsk4x8: DetectionProblem = {
  problem: { streams: 8, observations: 16, field: "complex" },
  snr_db: [3, 14],
  points: [
    { snr_db: 6, draws: 20_000 },
    { snr_db: 8, draws: 40_000 },
    { snr_db: 10, draws: 200_000 },
    { snr_db: 12, draws: 400_000 },
  ],
};
