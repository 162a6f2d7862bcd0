import { describe, expect, it } from "vitest";
import { neuroran, objectsOf } from "../cli/command.js";

describe("verify programs", () => {
  it("finds that a node that is killed counts and replies what the model says (seed 1)", async () => {
    const { status, stdout } = await neuroran(["verify", "programs", "--programs", "2000", "--json"]);
    const [report] = objectsOf(stdout);
    expect(report).toMatchObject({ mistakes: [], stuck: [], passed: true, data: null });
    expect(report).toMatchObject({ seed: 1, programs: 2000, replies: 2000 });
    expect(report!.kills).toBeGreaterThanOrEqual(4);
    for (const count of Object.values(report!.operations as object)) expect(count).toBeGreaterThan(100);
    expect(status).toBe(0);
  });
});
