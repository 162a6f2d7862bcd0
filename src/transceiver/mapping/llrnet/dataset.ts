import { float32Tensor } from "../../../neural/graph/tensor.js";
import type { Dataset } from "../../../neural/training/dataset.js";
import { HALF_DISTANCE, type SquareOrder } from "../axis-llr.js";
import { constellation } from "../modulate.js";
import { axisUnit, exactRatios } from "./axis-ratios.js";

/** What symbols are drawn from. */
export interface SymbolsParameters {
  readonly order: SquareOrder;
  /** Es/N0 is drawn evenly between these. */
  readonly lowest_db: number;
  readonly highest_db: number;
}

/**
 * Modulation symbols of random bits under white noise of random variance. The target `ones` is each bit's probability of
 * being 1 given symbol and variance, from log-MAP: the mean of the bits themselves, which would be as good a target with more
 * steps.
 */
export function noisySymbols({ order, lowest_db, highest_db }: SymbolsParameters): Dataset {
  const points = constellation(order);
  const bits = order / 2;
  const ratios = new Float64Array(bits);
  return {
    batch(random, samples) {
      const symbols = new Float32Array(2 * samples);
      const noise = new Float32Array(samples);
      const ones = new Float32Array(order * samples);
      for (let sample = 0; sample < samples; sample++) {
        const variance = 10 ** (-(lowest_db + (highest_db - lowest_db) * random.next()) / 10);
        const pattern = random.integer(2 ** order);
        noise[sample] = variance;
        for (let axis = 0; axis < 2; axis++) {
          const received = points[2 * pattern + axis]! + Math.sqrt(variance / 2) * random.gaussian();
          symbols[2 * sample + axis] = received;
          exactRatios(received / HALF_DISTANCE[order], axisUnit(order, variance), order, ratios);
          for (let bit = 0; bit < bits; bit++)
            ones[order * sample + 2 * bit + axis] = 1 / (1 + Math.exp(ratios[bit]!));
        }
      }
      return {
        symbols: float32Tensor(symbols, [samples, 2]),
        noise: float32Tensor(noise, [samples, 1]),
        ones: float32Tensor(ones, [samples, order]),
      };
    },
  };
}
