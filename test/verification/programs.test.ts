import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type ProgramsReport, runPrograms } from "../../src/cli/verification/programs/driver.js";
import type { StartedNode } from "../../src/cli/verification/programs/verified-node.js";

const program = fileURLToPath(new URL("./test-node.js", import.meta.url));
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Runs programs on test nodes of a fault, with kills. */
async function verify(fault: string, seed: number, programs = 600): Promise<ProgramsReport> {
  const folder = mkdtempSync(join(tmpdir(), "neuroran-test-"));
  folders.push(folder);
  const port = await freePort();
  const start = (): StartedNode => {
    const child = spawn(process.execPath, [program, String(port), join(folder, "store"), fault], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise<void>((done) => child.once("exit", () => done()));
    return {
      ready: new Promise((done, failed) => {
        child.stdout.once("data", () => done());
        gone.then(() => failed(new Error("the node ended")));
      }),
      kill: () => {
        child.kill("SIGKILL");
        return gone;
      },
    };
  };
  return runPrograms(
    { address: { host: "127.0.0.1", port }, headers: {}, start },
    {
      seed,
      programs,
      keys: 300,
      kills: 4,
      longestDelay_ms: 300,
      patience_ms: fault === "none" ? 15_000 : 1500,
    },
  );
}

describe("the verification of programs", () => {
  it("passes a node that keeps its promises (seed 1)", async () => {
    const report = await verify("none", 1);
    expect(report.mistakes).toEqual([]);
    expect(report).toMatchObject({ passed: true, replies: 600, stuck: [] });
    expect(report.kills).toBeGreaterThanOrEqual(4);
    expect(report.resent).toBeGreaterThan(0);
    expect(report.compared).toBeGreaterThan(30);
    expect(report.failedPrograms).toBeGreaterThan(10);
    expect(report.operations.add).toBeGreaterThan(1000);
  });

  it.each(["loses commits", "ignores sessions"])("fails a node that %s (seed 1)", async (fault) => {
    const report = await verify(fault, 1);
    expect(report.passed).toBe(false);
    expect(report.mistakes.length).toBeGreaterThan(0);
  });

  it("tells what a run waits for that is stuck, on a node that forgets timers (seed 2)", async () => {
    const { passed, mistakes, stuck } = await verify("forgets timers", 2, 200);
    expect(passed).toBe(false);
    expect(mistakes[0]).toMatch(/^RUN_STUCK/);
    expect(stuck.join("\n")).toMatch(/layer-\w+\/key-\d+ counted \d+/);
    expect(stuck.join("\n")).toMatch(/the node counts:\n.*"timers":/);
  });
});
