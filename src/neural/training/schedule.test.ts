import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSchedule, learningRateAt } from "./schedule.js";

describe("a schedule", () => {
  it("rises linearly, stays, and falls to its last rate", () => {
    const schedule = {
      learningRate: 0.1,
      warmupSteps: 10,
      decay: { kind: "linear", from: 0.5, to: 0.2 },
    } as const;
    const rate = (step: number) => learningRateAt(schedule, step, 101);
    expect(rate(0)).toBeCloseTo(0.01, 12);
    expect(rate(4)).toBeCloseTo(0.05, 12);
    expect(rate(9)).toBeCloseTo(0.1, 12);
    expect(rate(30)).toBe(0.1);
    expect(rate(50)).toBe(0.1);
    expect(rate(75)).toBeCloseTo(0.06, 12);
    expect(rate(100)).toBeCloseTo(0.02, 12);
  });

  it("falls as a half wave of the cosine", () => {
    const schedule = { learningRate: 2, decay: { kind: "cosine" } } as const;
    const rates = [0, 25, 50, 75, 100].map((step) => learningRateAt(schedule, step, 101));
    const expected = [2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2, 0];
    rates.forEach((rate, index) => {
      expect(rate).toBeCloseTo(expected[index]!, 12);
    });
  });

  it("falls by steps", () => {
    const schedule = { learningRate: 8, decay: { kind: "steps", factor: 0.5, every: 3 } } as const;
    expect([0, 2, 3, 5, 6, 9].map((step) => learningRateAt(schedule, step, 10))).toEqual([8, 8, 4, 4, 2, 1]);
  });

  it("never leaves what lies between its first and last rate, however short the training", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom("linear" as const, "cosine" as const),
        (steps, warmupSteps, from, to, kind) => {
          for (let step = 0; step < steps; step++) {
            const rate = learningRateAt(
              { learningRate: 1, warmupSteps, decay: { kind, from, to } },
              step,
              steps,
            );
            expect(rate).toBeLessThanOrEqual(1 + 1e-12);
            expect(rate).toBeGreaterThanOrEqual(Math.min(to, step < warmupSteps ? 0 : 1) - 1e-12);
          }
        },
      ),
      { seed: 3 },
    );
  });

  it("is refused for numbers that make no sense", () => {
    expect(() => checkSchedule({ learningRate: 0 })).toThrow(/learningRate/);
    expect(() => checkSchedule({ learningRate: 1, warmupSteps: -1 })).toThrow(/warmupSteps/);
    expect(() => checkSchedule({ learningRate: 1, decay: { kind: "linear", from: 2 } })).toThrow(/from/);
    expect(() => checkSchedule({ learningRate: 1, decay: { kind: "cosine", to: -1 } })).toThrow(/to/);
    expect(() => checkSchedule({ learningRate: 1, decay: { kind: "steps", factor: 0, every: 1 } })).toThrow(
      /factor/,
    );
    expect(() => checkSchedule({ learningRate: 1, decay: { kind: "steps", factor: 1, every: 0 } })).toThrow(
      /every/,
    );
  });
});
