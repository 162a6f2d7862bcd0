import { describe, expect, it } from "vitest";
import { programsText, verifyPrograms } from "../../src/cli/verification/programs/verify-programs.js";

describe("a node that is killed while it runs random programs", () => {
  it("counts and replies what the model says (seed 1)", async () => {
    const report = await verifyPrograms({ seed: 1, programs: 2000 });
    // The report says what is wrong, and what the run was stuck at.
    expect(report.passed, programsText(report)).toBe(true);
    expect(report).toMatchObject({ programs: 2000, replies: 2000, mistakes: [], stuck: [] });
    expect(report.kills).toBeGreaterThanOrEqual(5);
    for (const count of Object.values(report.operations)) expect(count).toBeGreaterThan(100);
  });
});
