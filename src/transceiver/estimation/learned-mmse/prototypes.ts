import { memoized } from "../../memoized.js";
import { dmrsSubcarriersPerBlock } from "../../pusch/dmrs-ports.js";
import type { FilterGeometry } from "../frequency-filters.js";
import { PREFIX_SHARE, pilotCorrelation, pilotSubcarriers, uniformProfile } from "../pilot-layout.js";
import { solvePositive } from "../symmetric-matrix.js";

/** Resource blocks whose pilots may go into the estimate of one: itself and up to three on each side. */
export const WIDE_WINDOW_BLOCKS = 7;

/** A prior power delay profile: uniform with some power beyond. */
interface PriorProfile {
  /** Width as a share of the OFDM symbol. */
  readonly width: number;
  /** Share of the power spread over the widest profile. */
  readonly stray: number;
  /** Resource blocks whose pilots are used: over a wide window an error of the profile costs more. */
  readonly windowBlocks: number;
}

const prior = (widthInPrefixes: number, stray: number, windowBlocks: number): PriorProfile => ({
  width: widthInPrefixes * PREFIX_SHARE,
  stray,
  windowBlocks,
});

/** The prior that estimators are mixed of: profiles whose MMSE filters the network weights. */
export const PRIOR_PROFILES: readonly PriorProfile[] = [
  prior(1 / 64, 0.003, 7),
  prior(1 / 32, 0.01, 7),
  prior(1 / 16, 0.01, 7),
  prior(1 / 8, 0.01, 7),
  prior(1 / 4, 0.01, 7),
  prior(1 / 2, 0.01, 7),
  prior(1 / 32, 0.1, 7),
  prior(1 / 8, 0.1, 7),
  prior(1 / 16, 0.1, 3),
  prior(1 / 4, 0.1, 3),
  prior(1 / 2, 0.1, 3),
  prior(1.25, 0.1, 3),
  prior(3, 0, 3),
];

const WIDEST = 1.25 * PREFIX_SHARE;

/** Signal to noise ratios at a pilot, in dB, that filters are made for; between two of them filters are interpolated. */
export const LOWEST_PROTOTYPE_DB = -15;
export const PROTOTYPE_STEP_DB = 10;
export const PROTOTYPE_STEPS = 7;

/** Filters are of so many numbers or a multiple: whole vectors, and room behind the last for one that runs past it. */
const UNIT = 16;

/** Coefficients of a filter: `[place of the block in its window][pilot of the window][subcarrier of the block]`. */
export function wideFilterLength(pilotsPerBlock: number, blocks: number): number {
  const windowBlocks = Math.min(WIDE_WINDOW_BLOCKS, blocks);
  return UNIT * Math.ceil((12 * windowBlocks * windowBlocks * pilotsPerBlock + 4) / UNIT);
}

/** MMSE filters of the prior for a geometry. */
export interface Prototypes {
  /** `[signal to noise ratio][profile][coefficient]`. */
  readonly coefficients: Float32Array;
  /** Variance of the error in the middle of the window relative to the channel's power, as designed; likewise. */
  readonly errors: Float64Array;
}

/** The filters are the same for every allocation that is as wide as the window or wider. */
export const prototypes = memoized(
  64,
  ({ configType, blocks, delta, bothPorts, weight }: FilterGeometry) =>
    `${configType} ${Math.min(WIDE_WINDOW_BLOCKS, blocks)} ${delta} ${bothPorts} ${weight}`,
  computePrototypes,
);

function computePrototypes(geometry: FilterGeometry): Prototypes {
  const perBlock = dmrsSubcarriersPerBlock(geometry.configType);
  const length = wideFilterLength(perBlock, geometry.blocks);
  const count = PROTOTYPE_STEPS * PRIOR_PROFILES.length;
  const coefficients = new Float32Array(count * length);
  const errors = new Float64Array(count);
  for (let step = 0; step < PROTOTYPE_STEPS; step++)
    PRIOR_PROFILES.forEach((profile, index) => {
      const at = step * PRIOR_PROFILES.length + index;
      const snr = 10 ** ((LOWEST_PROTOTYPE_DB + PROTOTYPE_STEP_DB * step) / 10);
      errors[at] = fillFilter(geometry, profile, snr, coefficients.subarray(at * length, (at + 1) * length));
    });
  return { coefficients, errors };
}

/** Fills one filter and returns its error. */
function fillFilter(geometry: FilterGeometry, profile: PriorProfile, snr: number, out: Float32Array): number {
  const { configType, blocks, delta, bothPorts, weight } = geometry;
  const perBlock = dmrsSubcarriersPerBlock(configType);
  const wide = Math.min(WIDE_WINDOW_BLOCKS, blocks);
  const narrow = Math.min(profile.windowBlocks, wide);
  const [own, widest] = [uniformProfile(profile.width), uniformProfile(WIDEST)];
  const correlation = (distance: number): number =>
    (1 - profile.stray) * own(distance) + profile.stray * widest(distance);
  const pilots = pilotSubcarriers(configType, narrow).map((subcarrier) => subcarrier + delta);
  const size = pilots.length;
  const columns = 12 * narrow;
  const covariance = pilotCorrelation(pilots, correlation, bothPorts);
  for (let k = 0; k < size; k++) covariance[k * size + k]! += 1 / snr;
  const cross = Float64Array.from({ length: size * columns }, (_, at) =>
    correlation(pilots[Math.floor(at / columns)]! - (at % columns)),
  );
  const solved = cross.slice();
  solvePositive(covariance, size, solved, columns);
  for (let place = 0; place < wide; place++) {
    // Where the narrow window begins within the wide one, and the block's place in it.
    const first = Math.max(0, Math.min(place - (narrow >> 1), wide - narrow));
    for (let pilot = 0; pilot < size; pilot++) {
      const tap = first * perBlock + pilot;
      const sign = tap & 1 ? weight : 1;
      for (let k = 0; k < 12; k++)
        out[12 * (place * wide * perBlock + tap) + k] =
          sign * solved[pilot * columns + 12 * (place - first) + k]!;
    }
  }
  let explained = 0;
  for (let k = 0; k < 12; k++) {
    const column = 12 * (narrow >> 1) + k;
    for (let pilot = 0; pilot < size; pilot++)
      explained += cross[pilot * columns + column]! * solved[pilot * columns + column]!;
  }
  return 1 - explained / 12;
}

/** Where a signal to noise ratio lies among those that filters are made for. */
export interface PrototypePlace {
  /** Index of the lower of two. */
  step: number;
  /** Weight of the upper, 0 to 1. */
  share: number;
}

/** @param snr_db at a pilot, of one port. */
export function setPrototypePlace(place: PrototypePlace, snr_db: number): void {
  const scaled = (snr_db - LOWEST_PROTOTYPE_DB) / PROTOTYPE_STEP_DB;
  const limited = Math.max(0, Math.min(PROTOTYPE_STEPS - 1, scaled));
  place.step = Math.min(PROTOTYPE_STEPS - 2, Math.floor(limited));
  place.share = limited - place.step;
}
