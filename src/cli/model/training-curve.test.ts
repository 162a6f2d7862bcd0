import { describe, expect, it } from "vitest";
import { trainingCurvePicture } from "./training-curve.js";
import { trainingNote } from "./training-progress.js";

const point = (step: number, loss: number, errors: number) => ({
  step,
  loss,
  metrics: { errors },
  learningRate: 0.1,
});
const curve = {
  points: [point(10, 1, 0.5), point(20, 0.1, 0.4), point(30, 0.01, 0.3), point(40, Number.NaN, 0.2)],
  validations: [
    { step: 20, loss: 0.2, metrics: { errors: 0.45 } },
    { step: 40, loss: 0.02, metrics: { errors: 0.35 } },
  ],
};

/** The points of the curves, in their order. */
function paths(svg: string): number[][][] {
  return [...svg.matchAll(/<path fill="none"[^>]* d="([^"]*)"/g)].map(([, path]) =>
    [...path!.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
  );
}

describe("the picture of a training curve", () => {
  const svg = trainingCurvePicture("LLRnet <1>", curve, { step: 40, loss: 0.02 });

  it("has equal steps for equal decades and equal numbers of steps", () => {
    const [loss, validation, errors] = paths(svg);
    // The last loss is no number.
    expect(loss).toHaveLength(3);
    const [one, two, three] = loss as [number[], number[], number[]];
    expect(two[1]! - one[1]!).toBeCloseTo(three[1]! - two[1]!, 1);
    expect(two[0]! - one[0]!).toBeCloseTo(three[0]! - two[0]!, 1);
    expect(one[1]!).toBeLessThan(three[1]!);
    expect(validation).toHaveLength(2);
    expect(errors).toHaveLength(4);
  });

  it("marks the best validation where its curve has it", () => {
    const [, x, y] = /<circle cx="([\d.]+)" cy="([\d.]+)"/.exec(svg)!;
    expect([Number(x), Number(y)]).toEqual(paths(svg)[1]![1]);
  });

  it("escapes its title and draws nothing of nothing", () => {
    expect(svg).toContain("LLRnet &lt;1&gt;");
    expect(svg).not.toContain("NaN");
    const empty = trainingCurvePicture("none", { points: [], validations: [] });
    expect(paths(empty)).toEqual([]);
    expect(empty).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws a constant, a negative and a zero loss", () => {
    for (const value of [0.3, 0, -2]) {
      const flat = { points: [point(1, value, 0), point(2, value, 0)], validations: [] };
      const drawn = trainingCurvePicture("flat", flat);
      expect(drawn).not.toMatch(/NaN|Infinity/);
      expect(paths(drawn)[0]).toHaveLength(2);
    }
  });
});

it("tells a training's progress on one line", () => {
  const progress = { step: 5, steps: 100, loss: 0.123456, metrics: { errors: 0.25 } };
  expect(
    trainingNote({
      ...progress,
      validation: undefined,
      samplesPerSecond: Number.NaN,
      secondsLeft: Number.NaN,
    }),
  ).toBe("loss 0.1235  errors 0.25");
  const validation = { step: 4, loss: 0.5, metrics: { errors: 0.2 } };
  expect(trainingNote({ ...progress, validation, samplesPerSecond: 12345.6, secondsLeft: 3725 })).toBe(
    "loss 0.1235  errors 0.25  validation 0.5  12346 samples/s  1:02 h left",
  );
  expect(trainingNote({ ...progress, validation, samplesPerSecond: 10, secondsLeft: 61 })).toMatch(
    /1:01 min left$/,
  );
});
