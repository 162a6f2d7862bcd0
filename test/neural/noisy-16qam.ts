import { tensor } from "../../src/neural/graph/tensor.js";
import type { Dataset } from "../../src/neural/training/dataset.js";

/** 16-QAM symbols (TS 38.211, 5.1.4) after noise of this variance, scaled by `gain`, as the input "y", and their bits. */
export function noisy16Qam({ noiseVariance, gain }: { noiseVariance: number; gain: number }): Dataset {
  const scale = Math.sqrt(noiseVariance / 2);
  return {
    batch(random, samples) {
      const symbols = new Float32Array(2 * samples);
      const bits = new Float32Array(4 * samples);
      const drawn = new Uint8Array(4);
      for (let i = 0; i < samples; i++) {
        random.bits(drawn);
        bits.set(drawn, 4 * i);
        const level = (sign: number, inner: number): number =>
          ((1 - 2 * sign) * (2 - (1 - 2 * inner))) / Math.sqrt(10);
        symbols[2 * i] = gain * (level(drawn[0]!, drawn[2]!) + scale * random.gaussian());
        symbols[2 * i + 1] = gain * (level(drawn[1]!, drawn[3]!) + scale * random.gaussian());
      }
      return {
        y: tensor("float32", [samples, 2], symbols),
        bits: tensor("float32", [samples, 4], bits),
      };
    },
  };
}
