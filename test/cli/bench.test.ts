import { describe, expect, it } from "vitest";
import { availableTargets } from "../../src/compiler/index.js";
import { neuroran, objectsOf } from "./command.js";

const [fastest] = availableTargets();

describe("bench", () => {
  it.each([
    ["ldpc", "Mbit/s", 4],
    ["pusch", "ms", 6],
  ])("%s prints an object a case, all of them decoded", async (name, unit, cases) => {
    const { status, stdout, stderr } = await neuroran(["bench", name, "--seconds", "0.05", "--json"]);
    expect(stderr).toBe("");
    const objects = objectsOf(stdout);
    expect(objects).toHaveLength(cases);
    for (const one of objects) {
      expect(Object.keys(one).slice(0, 9)).toEqual([
        "benchmark",
        "case",
        "target",
        "unit",
        "p50",
        "p90",
        "p99",
        "max",
        "n",
      ]);
      expect(one).toMatchObject({ benchmark: name, target: fastest, unit, correct: true });
      for (const key of ["p50", "p90", "p99", "max", "n"]) expect(one[key]).toBeGreaterThan(0);
    }
    expect(status).toBe(0);
  });

  it("says on what it was measured and what was not", async () => {
    const { status, stdout } = await neuroran(["bench", "ldpc", "--seconds", "0.01"]);
    expect(status).toBe(0);
    expect(stdout).toContain(`Node ${process.version}`);
    expect(stdout).toMatch(/; (not )?pinned/);
    expect(stdout).toContain(`neuroran bench ldpc --target ${fastest} --seconds 0.01 --seed 1`);
    expect(stdout).toMatch(/^Not measured: /m);
  });
});
