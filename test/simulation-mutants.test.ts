import { describe, expect, it } from "vitest";
import { mutants, verdictOn } from "./mutants.js";

// The others take longer: `node dist/bench/mutants.js` runs them all.
const quick = [
  "replies to clients leave before their commit",
  "the number of the last message accepted is not stored",
  "messages stay in the inbox after their turns",
  "turns that fail leave their changes",
  "barriers are not aligned",
  "an epoch commits at its first acknowledgement",
  "outputs are released before their epoch commits",
  "slots are handed over at once, not between two",
];
const chosen = mutants.filter(({ name }) => quick.includes(name));

describe("the simulation", () => {
  it("has the mutants that are named here", () => expect(chosen).toHaveLength(quick.length));

  it.each(chosen.map((mutant) => [mutant.name, mutant] as const))("finds that %s", async (_, mutant) => {
    const { passed, invariant } = await verdictOn(mutant, 400, mutant.scenario);
    expect(passed).toBe(false);
    expect(invariant).toBeDefined();
  });

  it.each([...new Set(mutants.map(({ scenario }) => scenario))])(
    "finds nothing in the unchanged copy: %s",
    async (scenario) => {
      expect(await verdictOn(undefined, 60, scenario)).toMatchObject({ passed: true, schedules: 60 });
    },
  );

  it("refuses a mutant whose text is not there", async () => {
    const mutant = { ...chosen[0]!, text: "what stands in no file" };
    await expect(verdictOn(mutant, 1, mutant.scenario)).rejects.toThrow("stands 0 times");
  });
});
