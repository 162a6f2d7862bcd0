import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { WIDEST_SPREAD } from "./frequency-filters.js";
import { pilotCorrelation, pilotSubcarriers, uniformProfile } from "./pilot-layout.js";
import { eigenvectors } from "./symmetric-matrix.js";

/** Pilots of a window in which noise is told from the channel. */
const WINDOW_PILOTS = 24;

/** Share of the channel's power that may leak into one vector of the noise subspace. */
const LEAKAGE = 1e-4;

/** Combinations of a window's pilots in which there is noise and as good as no channel. */
export interface NoiseSubspace {
  readonly windowBlocks: number;
  /** Dimensions. */
  readonly rank: number;
  /** Orthonormal vectors, `[pilot][vector]`, filled with zeros to a multiple of four vectors. */
  readonly basis: Float32Array;
  readonly vectors: number;
  /**
   * Mean share of the channel's power per dimension for delays spread over 1.25 prefixes: where noise falls below this
   * share of the signal, its estimate no longer does.
   */
  readonly leakage: number;
}

/**
 * The eigenvectors of least eigenvalue of the pilots' correlation under the widest power delay profile. Noise is white
 * among them, so its estimate, the mean energy of a dimension, is unbiased whatever the filters do. Where few resource
 * blocks or many ports leave no dimension below the leakage allowed, the best sixth serves.
 */
export function noiseSubspace(configType: DmrsConfigType, blocks: number, bothPorts: boolean): NoiseSubspace {
  const windowBlocks = Math.min(blocks, WINDOW_PILOTS / (configType === 1 ? 6 : 4));
  const subcarriers = pilotSubcarriers(configType, windowBlocks);
  const size = subcarriers.length;
  const correlation = pilotCorrelation(subcarriers, uniformProfile(WIDEST_SPREAD), bothPorts);
  const { values, vectors } = eigenvectors(correlation, size);
  const ports = bothPorts ? 2 : 1;
  const below = values.filter((value) => value < LEAKAGE * ports).length;
  const rank = Math.max(below, Math.ceil(size / 6));
  const padded = 4 * Math.ceil(rank / 4);
  const basis = new Float32Array(size * padded);
  let leakage = 0;
  for (let index = 0; index < rank; index++) {
    const row = size - 1 - index;
    leakage += Math.max(0, values[row]!) / ports / rank;
    for (let pilot = 0; pilot < size; pilot++) basis[pilot * padded + index] = vectors[row * size + pilot]!;
  }
  return { windowBlocks, rank, basis, vectors: padded, leakage };
}
