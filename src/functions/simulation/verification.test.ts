import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { commitDomainRuntime } from "./commit-domain-runtime.js";
import { snapshotScenario } from "./snapshot-scenario.js";
import { swapScenario } from "./swap-scenario.js";
import { turnScenario } from "./turn-scenario.js";
import { scenarioNames, verifySimulation } from "./verification.js";

const turns = turnScenario(commitDomainRuntime);

/** Seeds that have found bugs, each with what it found. */
const bugs = [
  [turns, 1736, "a request that was accepted is told as lost when the commit of its reply fails"],
  [turns, 4570, "a subscriber passes over events whose commit failed"],
  [swapScenario, 413, "no swap can begin after one whose former thread ended on probation"],
  [swapScenario, 656, "a swap never returns whose end is heard before its beginning"],
  [snapshotScenario, 62, "the last sends of a flow are not handed over again once it has ended"],
  [snapshotScenario, 478, "sends under way are accepted twice when the flow is started again"],
] as const;

describe("the simulation", () => {
  it.each(bugs.map(([scenario, seed, bug]) => [scenario.name, seed, bug, scenario] as const))(
    "of %s finds nothing any more at seed %d: %s",
    async (_name, seed, _bug, scenario) => {
      expect((await scenario.run(seed)).violation).toBeUndefined();
    },
  );

  it("holds every invariant over 400 schedules, and does work", async () => {
    const seed = 20_000;
    const report = await verifySimulation({ seed, schedules: 400 });
    expect(report.failure).toBeUndefined();
    expect(report).toMatchObject({ passed: true, schedules: 400, repeated: 8, problems: [] });
    expect(report.scenarios.map(({ name }) => name).sort()).toEqual([...scenarioNames].sort());
    for (const { operations } of report.scenarios) {
      for (const count of Object.values(operations)) expect(count).toBeGreaterThan(10);
    }
  });

  it.each([turns, snapshotScenario, swapScenario])(
    "of $name goes the same way for a seed each time",
    async ({ run }) => {
      const [one, same, other] = [await run(5), await run(5, { lines: true }), await run(6)];
      expect(same.hash).toBe(one.hash);
      expect(same.lines.length).toBeGreaterThan(20);
      expect(other.hash).not.toBe(one.hash);
    },
  );

  it("shows all that happened where there is one schedule", async () => {
    const { lines, passed } = await verifySimulation({ seed: 3, schedules: 1, scenario: "turns" });
    expect(passed).toBe(true);
    expect(lines.some((line) => line.includes("commits"))).toBe(true);
  });

  it("proves nothing where it was given no time", async () => {
    const { passed, problems } = await verifySimulation({ seed: 1, schedules: 5, seconds: 0 });
    expect(passed).toBe(false);
    expect(problems).toEqual(["no schedule was run"]);
  });

  it("refuses a scenario that there is not", async () => {
    await expect(verifySimulation({ seed: 1, schedules: 1, scenario: "x" })).rejects.toThrow(InputError);
  });
});
