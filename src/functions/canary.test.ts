/** Two implementations that take turns (invariants in canary.ts). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wasmTarget } from "../compiler/index.js";
import { createArena } from "./arena.js";
import { readAttemptCounts } from "./attempt.js";
import { ARM_REHEARSALS, readCanaryCounts } from "./canary.js";
import type { CanaryChoice } from "./choice.js";
import { dataflow } from "./dataflow.js";
import { type AttemptOutcome, defineFunction } from "./declaration.js";
import { createFlowInstance } from "./flow-instance.js";
import { float32 } from "./port.js";

const PLAIN = 1;
const OTHER = 2;
const MODEL = 3;

/** A function that says who computed it, and counts slots in its state. */
function subject(behaviour: { throws?: (slot: number) => boolean; outcome?: () => AttemptOutcome } = {}) {
  const one = defineFunction({
    name: "one",
    inputs: { x: float32("n") },
    outputs: { y: float32("n"), slots: float32() },
    state: { slots: { dtype: "float32", dimensions: [1], version: 1 } },
    neural: {
      fallback: "plain",
      attempt: (_, { outputs, state }) => {
        const [y, slots] = [outputs.y.view, outputs.slots.view];
        return () => {
          const outcome = behaviour.outcome?.() ?? "done";
          if (outcome !== "done") return outcome;
          slots[0] = ++state.slots.view[0]!;
          y.fill(MODEL);
          return "done";
        };
      },
    },
  });
  const implement = (name: string, value: number) =>
    one.implement(name, {
      kind: "model",
      prepare: ({ outputs, state }) => {
        const [y, slots] = [outputs.y.view, outputs.slots.view];
        return () => {
          if (value === OTHER && behaviour.throws?.(state.slots.view[0]!))
            throw new RangeError("told to throw");
          slots[0] = ++state.slots.view[0]!;
          y.fill(value);
        };
      },
    });
  implement("plain", PLAIN);
  implement("other", OTHER);
  one.implement("forwarding", {
    kind: "model",
    prepare({ forward, outputs, state }) {
      forward("y", "x");
      const slots = outputs.slots.view;
      return () => {
        slots[0] = ++state.slots.view[0]!;
      };
    },
  });
  return dataflow("flow", { inputs: { x: float32("n") } }, ({ x }) => one({ x }));
}

function instanceOf(choice: CanaryChoice, behaviour?: Parameters<typeof subject>[0]) {
  const instance = createFlowInstance(subject(behaviour), {
    arena: createArena({ bytes: 2 ** 21 }),
    target: wasmTarget(),
    implementations: { one: choice },
  });
  const variant = instance.prepare({ key: "only", dimensions: { n: 2 } });
  const run = (slots: number): number[] =>
    Array.from({ length: slots }, () => {
      variant.inputs.x.view.fill(9);
      variant.process();
      expect(variant.inputs.x.view[0]).toBe(9);
      return variant.outputs.y.view[0]!;
    });
  const counts = () =>
    readCanaryCounts(
      instance.canaryCounts,
      instance.canaries,
      instance.timingTensors,
      readAttemptCounts(instance.attemptTensors.counts, instance.attempts),
    )[0]!;
  return { instance, variant, run, counts };
}

describe("two implementations that take turns", () => {
  it("take them evenly, by the share, whatever period one looks at (1)", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        (share, period) => {
          const { run, instance } = instanceOf({ present: "plain", canary: "other", share });
          const slots = 400 * period;
          const who = run(slots);
          for (let phase = 0; phase < period; phase++) {
            const own = who.filter((_, slot) => slot % period === phase);
            const given = own.filter((one) => one === OTHER).length;
            // A random choice would be off by 20 in every twentieth.
            expect(Math.abs(given - 400 * share)).toBeLessThan(12);
          }
          instance.close();
        },
      ),
      { seed: 1, numRuns: 25 },
    );
  });

  it("choose the same slots every time (1)", () => {
    const [one, other] = [0, 1].map(() =>
      instanceOf({ present: "plain", canary: "other", share: 0.3 }).run(200),
    );
    expect(one).toEqual(other);
    expect(new Set(one)).toEqual(new Set([PLAIN, OTHER]));
  });

  it("have one state, and one output that is whoever's turn it was (2, 3)", () => {
    const { run, variant, counts, instance } = instanceOf({
      present: "forwarding",
      canary: "other",
      share: 0.25,
    });
    const who = run(200);
    expect(variant.outputs.slots.view[0]).toBe(200);
    expect(new Set(who)).toEqual(new Set([9, OTHER]));
    const { present, canary } = counts();
    expect(canary.slots).toBe(who.filter((one) => one === OTHER).length);
    expect(present.slots + canary.slots).toBe(200);
    expect(canary).toMatchObject({ implementation: "other", failed: 0, late: 0 });
    expect(canary.latency.durations).toBe(canary.slots - ARM_REHEARSALS);
    expect(canary.slotLatency.durations).toBe(canary.slots - ARM_REHEARSALS);
    expect(canary.slotLatency.p50_ms).toBeGreaterThanOrEqual(canary.latency.p50_ms);
    expect(instance.implementations).toEqual([
      {
        path: "one",
        function: "one",
        implementation: "forwarding",
        canary: { canary: "other", share: 0.25 },
      },
    ]);
  });

  it("lose no slot in which the canary throws (2)", () => {
    const { run, counts, variant } = instanceOf(
      { present: "plain", canary: "other", share: 0.5 },
      { throws: (slot) => slot % 2 === 0 },
    );
    const who = run(100);
    const { canary } = counts();
    expect(canary.failed).toBeGreaterThan(10);
    expect(canary.slots - canary.failed).toBe(who.filter((one) => one === OTHER).length);
    expect(variant.outputs.slots.view[0]).toBe(100);
  });

  it("count what fell back in the canary's slots", () => {
    let asked = 0;
    const { run, counts } = instanceOf(
      { present: "other", canary: "./a-model", share: 0.5 },
      { outcome: () => (asked++ % 4 === 3 ? "not finite" : "done") },
    );
    const who = run(200);
    const { present, canary } = counts();
    expect(canary.notFinite).toBe(Math.floor(canary.slots / 4));
    expect(who.filter((one) => one === PLAIN)).toHaveLength(canary.notFinite);
    expect(who.filter((one) => one === MODEL)).toHaveLength(canary.slots - canary.notFinite);
    expect(present.notFinite).toBe(0);
  });

  it("are refused where one is unknown, or the share is none", () => {
    expect(() => instanceOf({ present: "plain", canary: "unheard-of", share: 0.5 })).toThrow(
      /implementations.one: "unheard-of".*plain, other, forwarding; or give a model/,
    );
    for (const share of [0, 1, Number.NaN])
      expect(() => instanceOf({ present: "plain", canary: "other", share })).toThrow(/between 0 and 1/);
  });
});
