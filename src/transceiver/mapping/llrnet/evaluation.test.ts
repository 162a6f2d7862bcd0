import { describe, expect, it } from "vitest";
import { builtInModel } from "../../../neural/models/built-in.js";
import { createRandom } from "../../../system/index.js";
import { llrnetSystems } from "./system.js";

const seed = 20;

/** Of the two targets, mutual information is found by quadrature, and lost blocks need more time than a test has. */
describe(`the packaged networks of LLRnet, seed ${seed}`, () => {
  it.each(llrnetSystems.map((system) => [system.name, system] as const))(
    "%s recovers what max-log loses",
    async (name, system) => {
      const { manifest, onnx } = builtInModel(name);
      expect(manifest.inputs).toEqual(system.ports.inputs);
      expect(manifest.outputs).toEqual(system.ports.outputs);
      const { tables, targets } = await system.evaluate(onnx, { seed, effort: 0.01 });
      expect(targets[0]).toMatchObject({ isMet: true });
      // Nor does it lose at ratios where max-log is exact: less than what 0.02 dB are worth.
      for (const { values } of tables[0]!.rows)
        expect(values[0]!.value - values[3]!.value).toBeLessThan(0.006);
    },
    20_000,
  );

  it("an untrained network does not pass", async () => {
    const system = llrnetSystems[1]!;
    const { targets } = await system.evaluate(system.create(createRandom(seed)), { seed, effort: 0.01 });
    expect(targets.map(({ isMet }) => isMet)).toEqual([false, false]);
  });
});
