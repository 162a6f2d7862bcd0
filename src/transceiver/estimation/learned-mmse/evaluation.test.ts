import { describe, expect, it } from "vitest";
import { builtInModel, builtInNames } from "../../../neural/models/built-in.js";
import { createRandom } from "../../../system/index.js";
import { LEARNED_MMSE_NAME } from "./learned-filtering.js";
import { learnedMmseSystems } from "./system.js";

const seed = 31;

const packaged = learnedMmseSystems.filter(({ name }) => builtInNames().includes(name));

describe(`the packaged networks of learned MMSE estimation, seed ${seed}`, () => {
  it("are there, and have the ports of their systems", () => {
    expect(packaged.length).toBeGreaterThan(1);
    for (const { name, ports } of packaged) {
      const { manifest } = builtInModel(name);
      expect({ inputs: manifest.inputs, outputs: manifest.outputs }).toEqual(ports);
    }
  });

  it.each(
    packaged.filter(({ name }) => name !== LEARNED_MMSE_NAME).map((system) => [system.name, system] as const),
  )(
    "%s errs less than a structured estimator on the same draws",
    async (name, system) => {
      const { targets, tables } = await system.evaluate(builtInModel(name).onnx, { seed, effort: 0.025 });
      const [row] = tables[0]!.rows;
      const [{ columns }] = tables as [(typeof tables)[number]];
      const error = (column: string) => row!.values[columns.indexOf(column)]!.value;
      // A small part of the draws that figures take: what softmax gains is less than their chance.
      expect(targets[0]!.measured.interval![0]).toBeLessThan(0);
      expect(error("learned")).toBeLessThan(error("circulant ML"));
      expect(error("learned")).toBeLessThan(error("OMP (genie)"));
      expect(error("learned")).toBeGreaterThan(error("MMSE (genie)"));
    },
    60_000,
  );

  it("an untrained network of the array model errs more", async () => {
    const system = learnedMmseSystems[0]!;
    const { targets } = await system.evaluate(system.create(createRandom(seed)), { seed, effort: 0.02 });
    expect(targets.map(({ isMet }) => isMet)).toEqual([false]);
  }, 60_000);

  it("in NR errs less than least squares on channels that it was not trained on", async () => {
    const system = learnedMmseSystems.find(({ name }) => name === LEARNED_MMSE_NAME)!;
    const { targets } = await system.evaluate(builtInModel(LEARNED_MMSE_NAME).onnx, { seed, effort: 0.015 });
    expect(targets.map(({ isMet }) => isMet)).toEqual([true, true, true, true]);
  }, 60_000);
});
