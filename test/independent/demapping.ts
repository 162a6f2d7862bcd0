import type { Complex } from "./complex.js";
import { power, subtract } from "./complex.js";
import type { ModulationOrder } from "./modulation.js";
import { modulate } from "./modulation.js";

/** A point of a constellation and the bits that lead to it. */
export interface LabelledPoint {
  readonly bits: readonly number[];
  readonly point: Complex;
}

/** All 2^Qm points of TS 38.211 5.1; for π/2-BPSK those of the symbol index given. */
export function constellation(modulationOrder: ModulationOrder, index = 0): LabelledPoint[] {
  return Array.from({ length: 2 ** modulationOrder }, (_, label) => {
    const bits = Array.from(
      { length: modulationOrder },
      (_, bit) => (label >> (modulationOrder - 1 - bit)) & 1,
    );
    // The preceding symbol, where there is one, only gives the point its place in the sequence.
    const preceding = Array.from({ length: (index % 2) * modulationOrder }, () => 0);
    return { bits, point: modulate([...preceding, ...bits], modulationOrder).at(-1)! };
  });
}

/** log Σ e^v without overflow. */
function logSum(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/**
 * LLRs log P(bit = 0)/P(bit = 1) of one symbol y = s + n over the whole constellation; `noise` is the variance of the
 * complex noise n, above 0. `exact` sums over all points, `max-log` takes the nearest point of each side.
 */
export function demap(
  y: Complex,
  noise: number,
  modulationOrder: ModulationOrder,
  method: "exact" | "max-log",
  index = 0,
): number[] {
  const combine = method === "exact" ? logSum : (values: readonly number[]) => Math.max(...values);
  const metrics = constellation(modulationOrder, index).map(({ bits, point }) => ({
    bits,
    metric: -power(subtract(y, point)) / noise,
  }));
  return Array.from({ length: modulationOrder }, (_, position) => {
    const side = (bit: number) =>
      combine(metrics.filter(({ bits }) => bits[position] === bit).map(({ metric }) => metric));
    return side(0) - side(1);
  });
}
