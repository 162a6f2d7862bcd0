import { createHash } from "node:crypto";
import { writeOnnx } from "../../src/neural/onnx/index.js";
import type { TrainingResult } from "../../src/neural/training/trainer.js";
import { circleTraining } from "./circle-training.js";

/** A training with all that a checkpoint must keep. */
export const resumedTraining = circleTraining({
  steps: 800,
  batch: 64,
  shards: 2,
  schedule: { learningRate: 0.01, warmupSteps: 20, decay: { kind: "cosine", from: 0.1, to: 0.1 } },
  clipNorm: 0.5,
  validation: { samples: 256, everySteps: 25, patience: 60 },
});

/** Bits of everything that a training gives. */
export function fingerprint({ model, last, best, curve, end }: TrainingResult): string {
  const hash = createHash("sha256").update(writeOnnx(model));
  for (const { data } of Object.values(last))
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return `${hash.update(JSON.stringify([best, curve, end])).digest("hex")} after ${curve.points.at(-1)!.step}`;
}
