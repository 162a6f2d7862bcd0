import { describe, expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../../test/neural/circle-training.js";
import { noisyCircle } from "../../../test/neural/noisy-circle.js";
import { createRandom } from "../../system/index.js";
import { float32Tensor } from "../graph/tensor.js";
import { interpret } from "../interpreter/interpret.js";
import { openTrainingSession } from "./training-session.js";

const seed = 31;
const dataset = noisyCircle({ noise: 0.05 });
const objective = circleTraining({ clipNorm: 5 });

describe("a training session", () => {
  it("learns from batches of any size that it is given", async () => {
    const random = createRandom(seed);
    const session = openTrainingSession(circleNetwork(16, seed), objective);
    const losses: number[] = [];
    for (let step = 0; step < 300; step++) {
      const { loss, metrics } = await session.step(dataset.batch(random, step % 2 === 0 ? 64 : 100), 0.01);
      losses.push(loss);
      expect(metrics.errors).toBeLessThanOrEqual(1);
    }
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(losses.slice(-20))).toBeLessThan(0.6 * mean(losses.slice(0, 20)));
    await session.release();
  });

  it("infers with the parameters that it hands out", async () => {
    const random = createRandom(seed);
    const model = circleNetwork(4, seed);
    const session = openTrainingSession(model, objective);
    expect(session.parameters().weight1).toEqual(model.graph.initializers.get("weight1"));
    for (let step = 0; step < 3; step++) await session.step(dataset.batch(random, 32), 0.05);
    const { points } = dataset.batch(random, 10);
    const inferred = (await session.infer({ points: points! })).logit!;
    const expected = interpret(session.model(), { points: points! }).logit!;
    expect(inferred.shape).toEqual([10, 1]);
    expected.data.forEach((value, index) => {
      expect(Number(inferred.data[index])).toBeCloseTo(value, 5);
    });
    const handedOut = session.parameters();
    expect(handedOut.mean).not.toEqual(model.graph.initializers.get("mean"));
    const kept = structuredClone(handedOut);
    await session.step(dataset.batch(random, 32), 0.05);
    expect(handedOut).toEqual(kept);
    expect(session.parameters()).not.toEqual(kept);
    await session.release();
  });

  it("refuses batches and rates that do not fit, and stays as it was", async () => {
    const session = openTrainingSession(circleNetwork(4, seed), objective);
    const before = session.parameters();
    const { points, inside } = dataset.batch(createRandom(seed), 4) as Required<
      ReturnType<typeof dataset.batch>
    >;
    await expect(session.step({ points: points! }, 0.1)).rejects.toThrow(/inside/);
    const short = float32Tensor([1, 0, 1], [3, 1]);
    await expect(session.step({ points: points!, inside: short }, 0.1)).rejects.toThrow(/inside/);
    await expect(session.step({ points: points!, inside: inside! }, Number.NaN)).rejects.toThrow(
      /learningRate/,
    );
    const broken = float32Tensor([1, Number.NaN, 1, 1], [4, 1]);
    await expect(session.step({ points: points!, inside: broken }, 0.1)).rejects.toMatchObject({
      code: "TRAINING_DIVERGED",
    });
    expect(session.parameters()).toEqual(before);
    await session.release();
  });
});
