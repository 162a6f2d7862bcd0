/** Lags in resource blocks at which the pilots' correlation is looked at. */
export const STATISTIC_LAGS: readonly number[] = [1, 2, 4, 8];

/** Numbers of a network's input. */
export const STATISTICS = 3 + 2 * STATISTIC_LAGS.length;

/** What is known of the pilots of a code before they are filtered. */
export interface PilotMeasures {
  /** Signal to noise ratio at a pilot, of one port, in dB. */
  snr_db: number;
  /** Index of the delay spread that the profile's centre was chosen by. */
  spread: number;
  /** Resource blocks of the allocation. */
  blocks: number;
  /** Pilots of all antennas and positions. */
  pilots: number;
}

/**
 * The statistics that a learned MMSE estimator sees: the signal to noise ratio; correlations of the pilots at some lags
 * relative to the signal's energy, and which lags the allocation has; how many pilots there are, and how the profile was
 * centred. All about ±1. Allocates nothing.
 * @param correlations real part of the correlation at each lag per pair of pilots, over the signal's energy per pilot.
 */
export function fillStatistics(
  out: Float32Array,
  at: number,
  { snr_db, spread, blocks, pilots }: PilotMeasures,
  correlations: Float64Array,
): void {
  out[at] = Math.max(-20, Math.min(45, snr_db)) / 20;
  out[at + 1] = Math.log2(pilots) / 5 - 1;
  out[at + 2] = spread / 3;
  for (let index = 0; index < STATISTIC_LAGS.length; index++) {
    const isKnown = blocks > STATISTIC_LAGS[index]!;
    const value = correlations[index]!;
    // Not a number where nothing but noise was received.
    out[at + 3 + 2 * index] = isKnown && value > -1.5 ? Math.min(1.5, value) : isKnown ? -1.5 : 0;
    out[at + 4 + 2 * index] = isKnown ? 1 : 0;
  }
}
