import { describe, expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../../test/neural/circle-training.js";
import type { TrainingSpecification } from "./specification.js";
import { type TrainingProgress, train } from "./trainer.js";

const seed = 7;

function awkward(kind: string): TrainingSpecification["dataset"] {
  const module = new URL("../../../test/neural/awkward-dataset.js", import.meta.url);
  return { module, factory: "awkwardDataset", parameters: { kind } };
}

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

  it("gives other bits with another seed or number of shards", async () => {
    const specification = circleTraining({ shards: 2, steps: 3 });
    const { last } = await train(circleNetwork(4, seed), specification, { seed });
    expect((await train(circleNetwork(4, seed), specification, { seed: 8 })).last).not.toEqual(last);
    const finer = { ...specification, shards: 4 };
    expect((await train(circleNetwork(4, seed), finer, { seed })).last).not.toEqual(last);
  });

  it("keeps the parameters that validated best, and ends when none is better for long", async () => {
    // A rate at which the loss first falls and then leaps about.
    const course = { schedule: { learningRate: 0.3 }, steps: 400, shards: 2 };
    const validation = { samples: 512, everySteps: 5, patience: 4 };
    const specification = circleTraining({ ...course, validation });
    const result = await train(circleNetwork(16, seed), specification, { seed });
    const { validations } = result.curve;
    expect(result.end).toBe("patience");
    expect(result.steps).toBeLessThan(400);
    const best = Math.min(...validations.map(({ loss }) => loss));
    expect(result.best!.loss).toBe(best);
    const index = validations.findIndex(({ loss }) => loss === best);
    expect(result.best!.step).toBe(validations[index]!.step);
    expect(validations.length - 1 - index).toBe(4);
    // The same training, ended at the best step, has the same parameters.
    const short = circleTraining({ ...course, steps: result.best!.step });
    const ended = await train(circleNetwork(16, seed), short, { seed });
    for (const [name, value] of Object.entries(ended.last))
      expect(result.model.graph.initializers.get(name)).toEqual(value);
  });

  it("validates on a stream of its own, or a dataset of its own", async () => {
    const parameters = { noise: 3 };
    const specification = circleTraining({
      steps: 40,
      shards: 2,
      validation: { samples: 500, everySteps: 20 },
    });
    const own = { ...specification.validation!, dataset: { ...specification.dataset, parameters } };
    const [plain, noisy] = [
      await train(circleNetwork(8, seed), specification, { seed }),
      await train(circleNetwork(8, seed), { ...specification, validation: own }, { seed }),
    ];
    // What is validated on decides about no parameter.
    expect(noisy.last).toEqual(plain.last);
    expect(noisy.curve.validations.at(-1)!.loss).not.toBe(plain.curve.validations.at(-1)!.loss);
    expect(plain.curve.validations).toHaveLength(2);
  });

  it("takes batches whose named sizes vary", async () => {
    const specification = circleTraining({ dataset: awkward("sizes"), steps: 20, shards: 2 });
    const [one, two] = [
      await train(circleNetwork(8, seed), specification, { seed, threads: 1 }),
      await train(circleNetwork(8, seed), specification, { seed, threads: 2 }),
    ];
    expect(two.last).toEqual(one.last);
  });

  it("tells what is wrong with data, and which step diverged", async () => {
    const attempt = (changes: Partial<TrainingSpecification>) =>
      train(circleNetwork(4, seed), circleTraining({ shards: 2, ...changes }), { seed });
    await expect(attempt({ dataset: awkward("fails") })).rejects.toThrow(/the fourth batch cannot be made/);
    await expect(attempt({ dataset: awkward("shape") })).rejects.toThrow(/inside/);
    await expect(attempt({ dataset: awkward("nan") })).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
    await expect(attempt({ dataset: { ...awkward("nan"), factory: "noFunction" } })).rejects.toMatchObject({
      code: "DATASET_INVALID",
    });
    // The loss of the only step is as it should be; what its update leaves is not.
    const leap = { steps: 1, schedule: { learningRate: 1e39 }, optimizer: { kind: "sgd" } } as const;
    await expect(attempt(leap)).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
    const missing = new URL("./missing.js", awkward("nan").module);
    await expect(attempt({ dataset: { ...awkward("nan"), module: missing } })).rejects.toThrow(/missing/);
  });

  it("is refused for numbers that make no sense", async () => {
    const attempt = (changes: Partial<TrainingSpecification>, threads = 1) =>
      train(circleNetwork(4, seed), circleTraining(changes), { seed, threads });
    await expect(attempt({ batch: 10, shards: 3 })).rejects.toThrow(/batch.*multiple of the 3 shards/);
    await expect(attempt({ steps: 0 })).rejects.toThrow(/steps/);
    await expect(attempt({ shards: 0.5 })).rejects.toThrow(/shards/);
    await expect(attempt({ validation: { samples: 0, everySteps: 1 } })).rejects.toThrow(
      /validation.samples/,
    );
    await expect(attempt({ schedule: { learningRate: -1 } })).rejects.toThrow(/learningRate/);
    await expect(attempt({}, 0)).rejects.toThrow(/threads/);
  });

  it("tells how far it is", async () => {
    const seen: TrainingProgress[] = [];
    const specification = circleTraining({ steps: 300, validation: { samples: 128, everySteps: 100 } });
    await train(circleNetwork(16, seed), specification, { seed, observe: (progress) => seen.push(progress) });
    const last = seen.at(-1)!;
    expect(last).toMatchObject({ step: 300, steps: 300, validation: { step: 300 } });
    expect(last.samplesPerSecond).toBeGreaterThan(0);
    expect(last.secondsLeft).toBe(0);
    expect(last.metrics.errors).toBeLessThanOrEqual(1);
  });
});
