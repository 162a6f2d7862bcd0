import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { neuroran, objectsOf } from "./command.js";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** Data directories of nodes under measurement. */
const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("neuroran-bench-"));
let before: string[];
beforeAll(() => {
  before = left();
});
afterAll(() => {
  expect(left().filter((name) => !before.includes(name))).toEqual([]);
});

const head = ["benchmark", "case", "target", "unit", "p50", "p90", "p99", "max", "n"];

describe("bench invoke", () => {
  it("prints an object a case, beside the floor of the disk", async () => {
    const { status, stdout, stderr } = await neuroran(["bench", "invoke", "--seconds", "0.3", "--json"]);
    expect(stderr).toBe("");
    const objects = objectsOf(stdout);
    expect(objects.map((one) => one.case)).toEqual([
      "counter, 1 client",
      "chain of three, 1 client",
      "counter, 64 clients",
    ]);
    for (const one of objects) {
      expect(Object.keys(one).slice(0, 9)).toEqual(head);
      expect(one).toMatchObject({ benchmark: "invoke", target: "NeuroRAN", unit: "ms", correct: true });
      expect(one.floor_ms).toBeGreaterThan(0);
      expect(one.p99).toBeGreaterThanOrEqual(one.p50 as number);
      expect(one.callsPerSecond).toBeCloseTo((one.n as number) / 0.3, 6);
    }
    expect(status).toBe(0);
  });

  it("refuses a peer that there is none of", async () => {
    const { status, stderr } = await neuroran(["bench", "invoke", "--peer", "nobody"]);
    expect(status).toBe(2);
    expect(stderr).toContain('--peer: "nobody" is not accepted; give restate');
  });

  it("ends its node when it is interrupted", async () => {
    const child = spawn(process.execPath, [main, "bench", "invoke", "--seconds", "60"]);
    child.stdout.once("data", () => setTimeout(() => child.kill("SIGINT"), 2000));
    const interrupted = performance.now() + 2000;
    const status = await new Promise((done) => child.once("close", done));
    expect(status).toBe(130);
    expect(performance.now()).toBeLessThan(interrupted + 10_000);
  });
});

describe("bench cold-start", () => {
  it("times the first reply and those after it", async () => {
    const { status, stdout } = await neuroran(["bench", "cold-start", "--rounds", "2", "--json"]);
    const objects = objectsOf(stdout);
    expect(objects.map((one) => one.case)).toEqual(["first reply", "active"]);
    for (const one of objects) expect(Object.keys(one).slice(0, 9)).toEqual(head);
    expect(objects[0]!.n).toBe(2);
    expect(objects[0]!.p50).toBeGreaterThan(objects[1]!.p50 as number);
    expect(status).toBe(0);
  });
});
