import { describe, expect, it } from "vitest";
import { neuroran, objectsOf } from "./command.js";

describe("neuroran verify", () => {
  it("simulates schedules of turns, and says what was done", async () => {
    const words = [
      "verify",
      "simulation",
      "--scenario",
      "turns",
      "--schedules",
      "20",
      "--seed",
      "3",
      "--json",
    ];
    const { status, stdout } = await neuroran(words);
    const [report] = objectsOf(stdout);
    expect(report).toMatchObject({ verification: "simulation", seed: 3, schedules: 20, passed: true });
    expect((report!.scenarios as { name: string }[]).map(({ name }) => name)).toEqual(["turns"]);
    expect(status).toBe(0);
  });

  it("kills a flow and an uplink, whose outputs are none the worse for it", async () => {
    const { status, stdout } = await neuroran([
      "verify",
      "dataflow",
      "--seconds",
      "2",
      "--slots",
      "150",
      "--seed",
      "5",
      "--json",
    ]);
    const [report] = objectsOf(stdout) as [Record<string, number>];
    expect(report).toMatchObject({
      verification: "dataflow",
      seed: 5,
      problems: [],
      uplink: { slots: 150, problems: [] },
    });
    const { uplink } = report as unknown as { uplink: Record<string, number> };
    expect(uplink.recoveries).toBeGreaterThan(0);
    expect(uplink.combined).toBeGreaterThan(0);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.outputs).toBe(report.messages);
    expect(status).toBe(0);
  });

  it("refuses what it does not know", async () => {
    for (const words of [
      ["simulation", "--scenario", "weather"],
      ["simulation", "--schedules", "0"],
      ["dataflow", "--seconds", "0"],
      ["programs", "--programs", "1"],
      ["nothing"],
    ]) {
      expect(await neuroran(["verify", ...words])).toMatchObject({ status: 2, stdout: "" });
    }
  });
});
