import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { dmrsSubcarrier, dmrsSubcarriersPerBlock } from "../pusch/dmrs-ports.js";

/** The longest normal cyclic prefix but the first of a half-frame, as a share of the symbol: 144 / 2048. */
export const PREFIX_SHARE = 144 / 2048;

/** Subcarriers of the first `blocks` resource blocks that hold the pilots of a CDM group, relative to its first. */
export function pilotSubcarriers(configType: DmrsConfigType, blocks: number): number[] {
  return Array.from({ length: dmrsSubcarriersPerBlock(configType) * blocks }, (_, index) =>
    dmrsSubcarrier(configType, 0, index),
  );
}

/** Correlation of the channel over a number of subcarriers: real, so that filters are. */
export type FrequencyCorrelation = (distance: number) => number;

/**
 * The correlation for a power delay profile that is uniform and centred on 0.
 * @param spread width of the profile as a share of the OFDM symbol.
 */
export function uniformProfile(spread: number): FrequencyCorrelation {
  return (distance) => {
    const x = Math.PI * distance * spread;
    return x === 0 ? 1 : Math.sin(x) / x;
  };
}

/**
 * Correlation matrix `[pilot][pilot]` of what is received at a group's pilots: one port, or both of a frequency
 * CDM pair, whose second port has alternating signs.
 */
export function pilotCorrelation(
  subcarriers: readonly number[],
  correlation: FrequencyCorrelation,
  bothPorts: boolean,
): Float64Array {
  const size = subcarriers.length;
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const same = correlation(subcarriers[row]! - subcarriers[column]!);
      const other = bothPorts ? ((row + column) & 1 ? -same : same) : 0;
      matrix[row * size + column] = same + other;
    }
  return matrix;
}
