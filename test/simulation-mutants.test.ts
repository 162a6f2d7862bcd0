import { describe, expect, it } from "vitest";
import { mutants, verdictOn } from "./mutants.js";

const schedules = 400;

describe("the simulation", () => {
  it.concurrent.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "finds that %s",
    async (_, mutant) => {
      const { passed, invariant } = await verdictOn(mutant, schedules, mutant.scenario);
      expect(passed).toBe(false);
      expect(invariant).toBeDefined();
    },
  );

  it.concurrent.each([...new Set(mutants.map(({ scenario }) => scenario))])(
    "finds nothing in the unchanged copy: %s",
    async (scenario) => {
      expect(await verdictOn(undefined, 200, scenario)).toMatchObject({ passed: true, schedules: 200 });
    },
  );
});
