import type { EstimationContext, EstimationMethod } from "./estimation.js";
import { filterLength } from "./frequency-filter-kernel.js";
import {
  type FrequencyFilter,
  LEAST_MEASURED_BLOCKS,
  LOWEST_SNR_DB,
  leastSquaresFilter,
  SNR_COUNT,
  SNR_STEP_DB,
  SPREADS,
  wienerFilter,
} from "./frequency-filters.js";
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
   * @param snr at a despread pilot, of one port, linear.
   * @param spread index in `SPREADS`.
   */
  choose(snr: number, spread: number): PreparedFilter;
}

/** Prepares the filters of a method for a code. */
export function prepareFilterBank(
  method: EstimationMethod,
  context: EstimationContext,
  plan: PilotPlan,
  code: PilotCode,
  codeIndex: number,
): FilterBank {
  const length = filterLength(plan.pilotsPerBlock, plan.blocks);
  const geometry = (layer: number) => ({
    configType: plan.pilotPosition.dmrsConfigType,
    blocks: plan.blocks,
    delta: plan.groups[code.group]!,
    bothPorts: code.layers.length === 2,
    weight: plan.ports[layer]!.frequencyWeights[1],
  });
  const steps = method === "ls" ? 1 : SNR_COUNT;
  const filters: FrequencyFilter[][] = SPREADS.flatMap((spread) =>
    Array.from({ length: steps }, (_, step) => {
      const snr = 10 ** ((LOWEST_SNR_DB + SNR_STEP_DB * step) / 10);
      return code.layers.map((layer) =>
        method === "ls"
          ? leastSquaresFilter(geometry(layer), spread)
          : wienerFilter(geometry(layer), spread, snr),
      );
    }),
  );
  const ports = code.layers.length;
  const all = new Float32Array(filters.length * ports * length);
  filters.flat().forEach(({ coefficients }, index) => {
    all.set(coefficients, index * length);
  });
  const { offset } = context.table(`filters${codeIndex}`, all);
  const prepared = filters.map(([first], index) => ({
    offset: offset + 4 * index * ports * length,
    error: first!.error,
  }));
  const measured = plan.blocks >= LEAST_MEASURED_BLOCKS;
  return {
    length,
    choose(snr, spread) {
      const step = Math.round((10 * Math.log10(Math.max(snr, 1e-9)) - LOWEST_SNR_DB) / SNR_STEP_DB);
      // A fit drops what lies outside of its profile, where a Wiener filter keeps a share: it takes the next wider one.
      const profile = method === "ls" && measured ? Math.min(spread + 1, SPREADS.length - 1) : spread;
      return prepared[profile * steps + Math.max(0, Math.min(steps - 1, step))]!;
    },
  };
}
