import { expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../../test/neural/circle-training.js";
import { checkManifest } from "../models/manifest.js";
import { portsOf } from "../models/model.js";
import { provenanceOf } from "./provenance.js";
import { train } from "./trainer.js";

it("says in a manifest what decided about a training, and how it went", async () => {
  const seed = 3;
  const specification = circleTraining({
    steps: 6,
    clipNorm: 2,
    shards: 2,
    validation: { samples: 64, everySteps: 3 },
  });
  const result = await train(circleNetwork(4, seed), specification, { seed });
  const training = provenanceOf("circle", specification, { seed }, result);
  expect(training).toMatchObject({
    system: "circle",
    seed,
    dataset: { module: "noisy-circle.js", factory: "noisyCircle", parameters: { noise: 0.05 } },
    specification: { optimizer: { kind: "adam" }, clipNorm: 2, batch: 128, shards: 2, steps: 6 },
    steps: 6,
  });
  expect(training.metrics!.validationLoss).toBe(result.best!.loss);
  expect(training.metrics!.errors).toBe(result.curve.points.at(-1)!.metrics.errors);
  // The same training says the same, however long it takes.
  const again = await train(circleNetwork(4, seed), specification, { seed, threads: 1 });
  expect(provenanceOf("circle", specification, { seed }, again)).toEqual(training);
  expect(training.processor).toMatch(/./);
  const manifest = { format: 1, name: "circle", ...portsOf(result.model), training };
  expect(checkManifest(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest);
});
