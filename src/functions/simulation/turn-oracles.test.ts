import { describe, expect, it } from "vitest";
import { type Fault, referenceFaults, referenceRuntime } from "../../../test/reference-domain.js";
import { turnScenario } from "./turn-scenario.js";

/** The schedules of a runtime until one shows a violation. */
async function firstViolation(fault: Fault | undefined, schedules: number) {
  const scenario = turnScenario(referenceRuntime(fault));
  for (let seed = 1; seed <= schedules; seed++) {
    const { violation } = await scenario.run(seed);
    if (violation !== undefined) return { seed, ...violation };
  }
  return undefined;
}

describe("the oracles of turns", () => {
  it("find nothing in a reference domain that is right", async () => {
    expect(await firstViolation(undefined, 150)).toBeUndefined();
  });

  it.each(referenceFaults)("find one that %s", async (fault) => {
    expect(await firstViolation(fault, 250)).toBeDefined();
  });
});
