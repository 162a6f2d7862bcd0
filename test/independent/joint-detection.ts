import { equalize, type Matrix } from "./channel-equalization.js";
import { add, type Complex, multiply, power, subtract, zero } from "./complex.js";
import { constellation, type LabelledPoint } from "./demapping.js";
import type { ModulationOrder } from "./modulation.js";

/** One step of successive cancellation. */
export interface CancellationStep {
  readonly layer: number;
  /** Unbiased symbol before its decision, and its noise variance if all decisions before were right. */
  readonly symbol: Complex;
  readonly noise: number;
  readonly decision: Complex;
  /** SINR over that of the next best layer, and how much farther the next point is than the one chosen. */
  readonly lead: number;
  readonly margin: number;
}

/**
 * MMSE with successive cancellation of y = H·x + n, n white of variance 1: of the layers that are left, that of highest
 * SINR is decided to the nearest point and its share taken off y.
 * @param h `[antenna][layer]`
 */
export function cancelSuccessively(
  h: Matrix,
  y: readonly Complex[],
  modulationOrder: ModulationOrder,
): CancellationStep[] {
  const points = constellation(modulationOrder).map(({ point }) => point);
  const steps: CancellationStep[] = [];
  let received = [...y];
  let left = h[0]!.map((_, layer) => layer);
  while (left.length > 0) {
    const { symbols, noise, sinr } = equalize(
      h.map((row) => left.map((layer) => row[layer]!)),
      received,
      1,
      "mmse",
    );
    const order = left.map((_, k) => k).sort((a, b) => sinr[b]! - sinr[a]!);
    const best = order[0]!;
    const symbol = symbols[best]!;
    const distances = points.map((point) => Math.sqrt(power(subtract(symbol, point))));
    const nearest = distances.indexOf(Math.min(...distances));
    const others = distances.filter((_, k) => k !== nearest);
    const decision = points[nearest]!;
    const layer = left[best]!;
    steps.push({
      layer,
      symbol,
      noise: noise[best]!,
      decision,
      lead: order.length > 1 ? sinr[best]! / sinr[order[1]!]! : Number.POSITIVE_INFINITY,
      margin: Math.min(...others) - distances[nearest]!,
    });
    received = received.map((value, antenna) => subtract(value, multiply(h[antenna]![layer]!, decision)));
    left = left.filter((other) => other !== layer);
  }
  return steps;
}

/**
 * Max-log LLRs of all layers' bits, `[layer][bit]`, over all combinations of points, for noise of variance 1.
 * @param h `[antenna][layer]`
 */
export function jointMaxLog(h: Matrix, y: readonly Complex[], modulationOrder: ModulationOrder): number[][] {
  const points = constellation(modulationOrder);
  const layers = h[0]!.length;
  const least = Array.from({ length: layers * modulationOrder }, () => [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ]);
  const visit = (chosen: readonly LabelledPoint[]): void => {
    if (chosen.length < layers) {
      for (const point of points) visit([...chosen, point]);
      return;
    }
    const metric = y.reduce((sum, value, antenna) => {
      const sent = chosen.reduce((s, { point }, layer) => add(s, multiply(h[antenna]![layer]!, point)), zero);
      return sum + power(subtract(value, sent));
    }, 0);
    for (const [layer, { bits }] of chosen.entries())
      for (const [bit, value] of bits.entries()) {
        const both = least[layer * modulationOrder + bit]!;
        both[value] = Math.min(both[value]!, metric);
      }
  };
  visit([]);
  return Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: modulationOrder }, (_, bit) => {
      const [zeroBest, oneBest] = least[layer * modulationOrder + bit]!;
      return oneBest! - zeroBest!;
    }),
  );
}
