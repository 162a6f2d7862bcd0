import { memoized } from "../memoized.js";
import { dmrsSubcarriersPerBlock } from "../pusch/dmrs-ports.js";
import type { EstimationMethod } from "./estimation.js";
import { filterLength, WINDOW_BLOCKS } from "./frequency-filter-kernel.js";
import {
  type FilterGeometry,
  LEAST_MEASURED_BLOCKS,
  LOWEST_SNR_DB,
  leastSquaresFilter,
  SNR_COUNT,
  SNR_STEP_DB,
  SPREADS,
  wienerFilter,
} from "./frequency-filters.js";
import type { EstimationContext } from "./function.js";
import type { PilotCode, PilotPlan } from "./plan.js";

/** One filter in the arena, for each port of a code one after the other. */
export interface PreparedFilter {
  /** Byte offset of the first port's coefficients. */
  readonly offset: number;
  /** Variance of the error relative to the channel's power. */
  readonly error: number;
}

/** The filters that a code's channels may be estimated with. */
export interface FilterBank {
  /** Coefficients of one port. */
  readonly length: number;
  /**
   * @param snr `[0]`: at a despread pilot, of one port, linear; in memory, as a number handed over may be allocated.
   * @param spread index in `SPREADS`.
   */
  choose(snr: Float64Array, spread: number): PreparedFilter;
}

/** Filters of a method for the ports of a code, `[spread][signal to noise ratio][port]`. */
interface FilterTable {
  readonly coefficients: Float32Array;
  /** Of the first port's, `[spread][signal to noise ratio]`. */
  readonly errors: Float64Array;
}

function stepsOf(method: EstimationMethod): number {
  return method === "ls" ? 1 : SNR_COUNT;
}

/**
 * Table for geometries of which all but the weight is common. There are no more keys than are kept: 2 methods, 3 windows,
 * 5 offsets of a CDM group over both types, and a port with either weight, or both.
 */
const filterTable = memoized(
  128,
  (method: EstimationMethod, { configType, blocks, delta }: FilterGeometry, weights: readonly (1 | -1)[]) =>
    `${method} ${configType} ${Math.min(WINDOW_BLOCKS, blocks)} ${delta} ${weights}`,
  (method, geometry, weights): FilterTable => {
    const steps = stepsOf(method);
    const length = filterLength(dmrsSubcarriersPerBlock(geometry.configType), geometry.blocks);
    const coefficients = new Float32Array(SPREADS.length * steps * weights.length * length);
    const errors = new Float64Array(SPREADS.length * steps);
    SPREADS.forEach((spread, profile) => {
      for (let step = 0; step < steps; step++) {
        const snr = 10 ** ((LOWEST_SNR_DB + SNR_STEP_DB * step) / 10);
        const index = profile * steps + step;
        weights.forEach((weight, port) => {
          const own = { ...geometry, weight };
          const filter = method === "ls" ? leastSquaresFilter(own, spread) : wienerFilter(own, spread, snr);
          coefficients.set(filter.coefficients, (index * weights.length + port) * length);
          if (port === 0) errors[index] = filter.error;
        });
      }
    });
    return { coefficients, errors };
  },
);

/** Prepares the filters of a method for a code. */
export function prepareFilterBank(
  method: EstimationMethod,
  context: EstimationContext,
  plan: PilotPlan,
  code: PilotCode,
  codeIndex: number,
): FilterBank {
  const { blocks, pilotsPerBlock, pilotPosition, groups } = plan;
  const length = filterLength(pilotsPerBlock, blocks);
  const weights = code.layers.map((layer) => plan.ports[layer]!.frequencyWeights[1]);
  const geometry = {
    configType: pilotPosition.dmrsConfigType,
    blocks,
    delta: groups[code.group]!,
    bothPorts: weights.length === 2,
    weight: weights[0]!,
  };
  const { coefficients, errors } = filterTable(method, geometry, weights);
  const { offset } = context.table(`filters${codeIndex}`, coefficients);
  const prepared = Array.from(errors, (error, index) => ({
    offset: offset + 4 * index * weights.length * length,
    error,
  }));
  const steps = stepsOf(method);
  const measured = blocks >= LEAST_MEASURED_BLOCKS;
  return {
    length,
    choose(snr, spread) {
      const step = Math.round((10 * Math.log10(Math.max(snr[0]!, 1e-9)) - LOWEST_SNR_DB) / SNR_STEP_DB);
      // A fit drops what lies outside of its profile, where a Wiener filter keeps a share: it takes the next wider one.
      const profile = method === "ls" && measured ? Math.min(spread + 1, SPREADS.length - 1) : spread;
      return prepared[profile * steps + Math.max(0, Math.min(steps - 1, step))]!;
    },
  };
}
