import type { Dataset } from "../../src/neural/training/dataset.js";
import { noisyCircle } from "./noisy-circle.js";

/** A circle dataset with something wrong, or something to see. */
export function awkwardDataset({ kind }: { kind: "sizes" | "fails" | "nan" | "late" | "shape" }): Dataset {
  const circle = noisyCircle({ noise: 0.05 });
  let calls = 0;
  return {
    batch(random, samples) {
      calls++;
      // Sizes that follow from the generator, as a dataset of varying bandwidths has them.
      if (kind === "sizes") return circle.batch(random, samples * (1 + random.integer(3)));
      const batch = circle.batch(random, kind === "shape" ? samples + 1 : samples);
      if (kind === "fails" && calls > 3) throw new Error("the fourth batch cannot be made");
      if (kind === "shape") return { ...batch, inside: circle.batch(random, samples).inside! };
      if (kind === "nan" && calls > 3) (batch.inside!.data as Float32Array)[0] = Number.NaN;
      return batch;
    },
  };
}

export const noFunction = 3;
