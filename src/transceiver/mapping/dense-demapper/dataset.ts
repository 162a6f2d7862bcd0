import type { Dataset } from "../../../neural/training/dataset.js";
import { noisySymbols, type SymbolsParameters } from "../llrnet/dataset.js";

/** {@link noisySymbols} without their noise, which the network does not see: the input `y` [samples, 2] and the target `ones`. */
export function symbolsOnly(parameters: SymbolsParameters): Dataset {
  const dataset = noisySymbols(parameters);
  return {
    batch(random, samples) {
      const { symbols, ones } = dataset.batch(random, samples);
      return { y: symbols!, ones: ones! };
    },
  };
}
