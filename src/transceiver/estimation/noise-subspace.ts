import { memoized } from "../memoized.js";
import type { DmrsConfigType, DmrsPort } from "../pusch/dmrs-ports.js";
import { LEAST_MEASURED_BLOCKS, SPREADS, UNMEASURED_SPREAD } from "./frequency-filters.js";
import { PREFIX_SHARE, pilotCorrelation, pilotSubcarriers, uniformProfile } from "./pilot-layout.js";
import { eigenvectors } from "./symmetric-matrix.js";

/** Pilots of a window in which noise is told from the channel. */
const WINDOW_PILOTS = 24;

/** Share of the channel's power that may leak into one vector of the noise subspace. */
const LEAKAGE = 1e-4;

/** Width of the power delay profile, as a share of the symbol, that the subspace keeps clear of. */
const NOISE_SPREAD = 1.4 * PREFIX_SHARE;

/** All of them for one number of lanes: 10 windows over both types, and a port with either weight, or both. */
const KEPT_SUBSPACES = 32;

/** Combinations of a window's pilots in which there is noise and as good as no channel. */
export interface NoiseSubspace {
  readonly windowBlocks: number;
  /** Dimensions. */
  readonly rank: number;
  /** Orthonormal vectors, `[pilot][vector]`, filled with zeros to whole SIMD vectors. */
  readonly basis: Float32Array;
  readonly vectors: number;
  /**
   * Mean share of the channel's power per dimension for delays spread evenly over that profile: where noise falls below this
   * share of the signal, its estimate no longer does.
   */
  readonly leakage: number;
}

/**
 * The eigenvectors of least eigenvalue of the pilots' correlation under the widest power delay profile. Noise is white
 * among them, so its estimate, the mean energy of a dimension, is unbiased whatever the filters do. Where few resource
 * blocks or many ports leave no dimension below the leakage allowed, the best sixth serves.
 * @param ports of the code: one, or both of a frequency CDM pair.
 * @param lanes a power of two from 4
 */
export const noiseSubspace = memoized(
  KEPT_SUBSPACES,
  (configType: DmrsConfigType, blocks: number, ports: readonly DmrsPort[], lanes: number) =>
    `${configType} ${windowOf(configType, blocks)} ${ports.map((port) => port.frequencyWeights[1])} ${lanes}`,
  computeNoiseSubspace,
);

function windowOf(configType: DmrsConfigType, blocks: number): number {
  return Math.min(blocks, WINDOW_PILOTS / (configType === 1 ? 6 : 4));
}

function computeNoiseSubspace(
  configType: DmrsConfigType,
  blocks: number,
  ports: readonly DmrsPort[],
  lanes: number,
): NoiseSubspace {
  const windowBlocks = windowOf(configType, blocks);
  const subcarriers = pilotSubcarriers(configType, windowBlocks);
  const size = subcarriers.length;
  const spread = blocks < LEAST_MEASURED_BLOCKS ? SPREADS[UNMEASURED_SPREAD]! : NOISE_SPREAD;
  const correlation = pilotCorrelation(subcarriers, uniformProfile(spread), ports.length === 2);
  const { values, vectors } = eigenvectors(correlation, size);
  const below = values.filter((value) => value < LEAKAGE * ports.length).length;
  const rank = Math.max(below, Math.ceil(size / 6));
  // Whole vectors; fewer lanes where they hold all.
  const unit = Math.min(lanes, 2 ** Math.max(2, Math.ceil(Math.log2(rank))));
  const padded = unit * Math.ceil(rank / unit);
  const basis = new Float32Array(size * padded);
  let leakage = 0;
  for (let index = 0; index < rank; index++) {
    const row = size - 1 - index;
    leakage += Math.max(0, values[row]!) / ports.length / rank;
    for (let pilot = 0; pilot < size; pilot++) {
      // Of two ports the correlation holds both signs; one alone may have alternating signs.
      const sign = pilot & 1 && ports.length === 1 ? ports[0]!.frequencyWeights[1] : 1;
      basis[pilot * padded + index] = sign * vectors[row * size + pilot]!;
    }
  }
  return { windowBlocks, rank, basis, vectors: padded, leakage };
}
