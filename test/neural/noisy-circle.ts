import { tensor } from "../../src/neural/graph/tensor.js";
import type { Dataset } from "../../src/neural/training/dataset.js";

/** Points of the plane, and whether they lie in the unit circle after noise of this standard deviation. */
export function noisyCircle({ noise }: { noise: number }): Dataset {
  return {
    batch(random, samples) {
      const points = new Float32Array(2 * samples);
      const inside = new Float32Array(samples);
      for (let i = 0; i < samples; i++) {
        const [x, y] = [1.5 * random.gaussian(), 1.5 * random.gaussian()];
        points.set([x, y], 2 * i);
        inside[i] = Math.hypot(x + noise * random.gaussian(), y + noise * random.gaussian()) < 1 ? 1 : 0;
      }
      return {
        points: tensor("float32", [samples, 2], points),
        inside: tensor("float32", [samples, 1], inside),
      };
    },
  };
}
