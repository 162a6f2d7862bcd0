import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { disagreement, layers, normal, randomNetwork } from "../../../../test/neural/random-networks.js";
import { availableTargets } from "../../../compiler/index.js";
import { createRandom } from "../../../system/index.js";
import { interpret } from "../../interpreter/interpret.js";
import { jitEngine } from "./engine.js";

/** Runs on each target; machine code takes longer to compile. */
const runs: Readonly<Record<string, number>> = { llvm: 25, wasm: 100 };

describe.each(availableTargets())("random networks on %s", (target) => {
  const engine = jitEngine(target);

  it("agrees with the interpreter on random networks and batches", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(layers)), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200 })),
        fc.integer(),
        async (names, features, batch, drawn) => {
          const random = createRandom(drawn);
          const model = randomNetwork(names, features, random);
          const inputs = { x: normal(random, [batch, features]) };
          const instance = await engine.instantiate(model, { dimensions: { batch } });
          const made = await instance.run(inputs);
          await instance.release();
          expect(disagreement(made, interpret(model, inputs))).toBeLessThan(2e-5);
        },
      ),
      { seed: 20241121, numRuns: runs[target]! },
    );
  });
});
