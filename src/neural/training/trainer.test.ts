import { describe, expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../../test/neural/circle-training.js";
import { train } from "./trainer.js";

const seed = 7;

describe("train", () => {
  it("learns what a network can represent", async () => {
    const validation = { samples: 4096, everySteps: 200 };
    const result = await train(circleNetwork(16, seed), circleTraining({ validation }), { seed });
    expect(result.end).toBe("steps");
    expect(result.curve.points[0]!.metrics.errors).toBeGreaterThan(0.2);
    // Deciding right but for the noise at the circle's edge.
    expect(result.curve.validations.map(({ step }) => step)).toEqual([200, 400, 600]);
    expect(result.curve.validations.at(-1)!.metrics.errors).toBeLessThan(0.06);
  });

  it("gives the same bits with any number of threads", async () => {
    const specification = circleTraining({
      shards: 4,
      steps: 50,
      validation: { samples: 200, everySteps: 7 },
    });
    const [one, two, three] = [
      await train(circleNetwork(16, seed), specification, { seed, threads: 1 }),
      await train(circleNetwork(16, seed), specification, { seed, threads: 2 }),
      await train(circleNetwork(16, seed), specification, { seed, threads: 3 }),
    ];
    expect([two.threads, three.threads]).toEqual([2, 3]);
    for (const other of [two, three]) {
      expect(other.last).toEqual(one.last);
      expect(other.curve).toEqual(one.curve);
      expect(other.model).toEqual(one.model);
    }
  });
});
