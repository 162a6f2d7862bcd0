import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { dmrsSubcarriersPerBlock } from "../pusch/dmrs-ports.js";
import { filterLength, WINDOW_BLOCKS } from "./frequency-filter-kernel.js";
import {
  type FrequencyCorrelation,
  PREFIX_SHARE,
  pilotCorrelation,
  pilotSubcarriers,
  uniformProfile,
} from "./pilot-layout.js";
import { eigenvectors, solvePositive } from "./symmetric-matrix.js";

/** What filters are made for. */
export interface FilterGeometry {
  readonly configType: DmrsConfigType;
  readonly blocks: number;
  /** First subcarrier of the CDM group, Δ. */
  readonly delta: number;
  /** Both ports of the group's frequency CDM pair transmit. */
  readonly bothPorts: boolean;
  /** w_f(1) of the layer's port. */
  readonly weight: 1 | -1;
}

/** One filter, and the variance of its error relative to the channel's power, as designed. */
export interface FrequencyFilter {
  /** `filterLength` numbers. */
  readonly coefficients: Float32Array;
  readonly error: number;
}

/** Widest profile: beyond the prefix there is interference between symbols, which no estimate repairs. */
const WIDEST_SPREAD = 1.25 * PREFIX_SHARE;

/** Widths of the power delay profiles that filters are prepared for, as shares of the OFDM symbol. */
export const SPREADS: readonly number[] = [1 / 16, 1 / 4, 1 / 2, 1.25].map((share) => share * PREFIX_SHARE);

/**
 * Resource blocks below which the delay spread is not measured, too few pilots lying far enough apart, but taken as
 * `SPREADS[UNMEASURED_SPREAD]` around the mean delay.
 */
export const LEAST_MEASURED_BLOCKS = 4;
export const UNMEASURED_SPREAD = 2;

/**
 * Share of the power that a Wiener filter expects spread over the widest profile: delay spread and profile are estimates,
 * and a filter that trusts them fully has an error floor where they are wrong.
 */
const STRAY_SHARE = 0.1;

/** Functions of the least-squares fit beyond those that a window's width and the profile's call for: its edges need them. */
const SPARE_FUNCTIONS = 2;

/** Signal to noise ratios at a pilot, in dB, that Wiener filters are prepared for. */
export const LOWEST_SNR_DB = -10;
export const SNR_STEP_DB = 5;
export const SNR_COUNT = 11;

/**
 * The Wiener filter for a uniform power delay profile: the linear estimate of least mean square error.
 * @param spread width of the profile as a share of the symbol.
 * @param snr at one pilot, of one port.
 */
export function wienerFilter(geometry: FilterGeometry, spread: number, snr: number): FrequencyFilter {
  const pilots = windowPilots(geometry);
  const size = pilots.length;
  const [narrow, wide] = [uniformProfile(spread), uniformProfile(WIDEST_SPREAD)];
  const correlation = tabulated(
    (distance) => (1 - STRAY_SHARE) * narrow(distance) + STRAY_SHARE * wide(distance),
  );
  const covariance = pilotCorrelation(pilots, correlation, geometry.bothPorts);
  for (let k = 0; k < size; k++) covariance[k * size + k]! += 1 / snr;
  return assemble(geometry, pilots, (targets) => {
    const cross = crossCorrelation(pilots, targets, correlation);
    const solved = cross.slice();
    solvePositive(covariance, size, solved, targets.length);
    const errors = targets.map((_, column) => {
      let explained = 0;
      for (let k = column; k < cross.length; k += targets.length) explained += cross[k]! * solved[k]!;
      return 1 - explained;
    });
    return { solved, errors };
  });
}

/**
 * The least-squares fit of channels whose delays lie within a profile of width `spread`: the pilots are projected on the few
 * functions that such channels are made of in the window (the prolate spheroidal ones), which smooths, interpolates
 * and extrapolates at once; the other port of a CDM pair is fitted along and left out.
 */
export function leastSquaresFilter(geometry: FilterGeometry, spread: number): FrequencyFilter {
  const pilots = windowPilots(geometry);
  const size = pilots.length;
  const correlation = tabulated(uniformProfile(spread));
  const { values, vectors } = eigenvectors(pilotCorrelation(pilots, correlation, false), size);
  const ports = geometry.bothPorts ? 2 : 1;
  const wanted = Math.ceil(12 * Math.min(WINDOW_BLOCKS, geometry.blocks) * spread) + SPARE_FUNCTIONS;
  const rank = Math.max(1, Math.min(wanted, Math.floor((2 * size) / 3 / ports)));

  // Normal equations of the fit: the functions are orthonormal, and so are those of the other port among themselves.
  const fitted = ports * rank;
  const gram = new Float64Array(fitted * fitted);
  const projection = new Float64Array(fitted * size);
  for (let row = 0; row < fitted; row++)
    for (let k = 0; k < size; k++) {
      const sign = row >= rank && k & 1 ? -1 : 1;
      projection[row * size + k] = sign * vectors[(row % rank) * size + k]!;
    }
  for (let row = 0; row < fitted; row++)
    for (let column = 0; column < fitted; column++)
      for (let k = 0; k < size; k++)
        gram[row * fitted + column]! += projection[row * size + k]! * projection[column * size + k]!;
  solvePositive(gram, fitted, projection, size);

  return assemble(geometry, pilots, (targets) => {
    const cross = crossCorrelation(pilots, targets, correlation);
    const columns = targets.length;
    const solved = new Float64Array(size * columns);
    const errors = targets.map(() => 0);
    for (let column = 0; column < columns; column++) {
      for (let index = 0; index < rank; index++) {
        // The function beyond the pilots: its eigenvalue equation continues it.
        let value = 0;
        for (let k = 0; k < size; k++) value += cross[k * columns + column]! * vectors[index * size + k]!;
        value /= values[index]!;
        for (let k = 0; k < size; k++) solved[k * columns + column]! += value * projection[index * size + k]!;
      }
      for (let k = 0; k < size; k++) errors[column]! += solved[k * columns + column]! ** 2;
    }
    return { solved, errors };
  });
}

/** Subcarriers of the window's pilots, counted from the window's first subcarrier. */
function windowPilots({ configType, blocks, delta }: FilterGeometry): number[] {
  return pilotSubcarriers(configType, Math.min(WINDOW_BLOCKS, blocks)).map(
    (subcarrier) => subcarrier + delta,
  );
}

/** `[pilot][target]`. */
function crossCorrelation(
  pilots: readonly number[],
  targets: readonly number[],
  correlation: FrequencyCorrelation,
): Float64Array {
  const matrix = new Float64Array(pilots.length * targets.length);
  pilots.forEach((pilot, row) => {
    targets.forEach((target, column) => {
      matrix[row * targets.length + column] = correlation(pilot - target);
    });
  });
  return matrix;
}

/** The correlation at whole distances within a window, computed once. */
function tabulated(correlation: FrequencyCorrelation): FrequencyCorrelation {
  const values = Float64Array.from({ length: 12 * WINDOW_BLOCKS }, (_, distance) => correlation(distance));
  return (distance) => values[Math.abs(distance)]!;
}

/**
 * Solves for the first, an inner and the last resource block and lays the coefficients out for the kernel.
 * @param solve gives coefficients `[pilot][target]` and the variance of each target's error.
 */
function assemble(
  geometry: FilterGeometry,
  pilots: readonly number[],
  solve: (targets: readonly number[]) => { solved: Float64Array; errors: readonly number[] },
): FrequencyFilter {
  const perBlock = dmrsSubcarriersPerBlock(geometry.configType);
  const coefficients = new Float32Array(filterLength(perBlock, geometry.blocks));
  const windowBlocks = Math.min(WINDOW_BLOCKS, geometry.blocks);
  const targets = Array.from({ length: 12 * windowBlocks }, (_, k) => k);
  const { solved, errors } = solve(targets);
  for (let variant = 0; variant < 3; variant++) {
    const first = 12 * Math.min(variant, windowBlocks - 1);
    pilots.forEach((_, pilot) => {
      const sign = pilot & 1 ? geometry.weight : 1;
      for (let k = 0; k < 12; k++)
        coefficients[12 * (variant * pilots.length + pilot) + k] =
          sign * solved[targets.length * pilot + first + k]!;
    });
  }
  const typical = geometry.blocks > 2 ? 12 : 0;
  const error = errors.slice(typical, typical + 12).reduce((sum, own) => sum + own, 0) / 12;
  return { coefficients, error };
}
