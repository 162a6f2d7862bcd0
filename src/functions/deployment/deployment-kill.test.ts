import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dice, kill } from "../../../test/bus/child-process.js";
import { deployedVersion, openNode, versionText } from "../../../test/deployment/redeploy-until-killed.js";
import { hashOfModule } from "./signature.js";

const seed = 7_719;

/** The last version and the highest count that were durable as the killed processes knew. */
function acknowledged(data: string): { version: number; count: number; lines: number } {
  const path = join(data, "acknowledged");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  const numbers = lines.map((line) => line.split(" ").map(Number));
  return {
    version: Math.max(0, ...numbers.map(([version]) => version)),
    count: Math.max(0, ...numbers.map(([, count]) => count)),
    lines: lines.length,
  };
}

// Invariants 1 and 2 of deployments, and 3 of the codec.
it("has one whole version in service, with all state, wherever a process is killed while it deploys", async () => {
  const data = await mkdtemp(join(tmpdir(), "neuroran-deploy-kill-"));
  const roll = dice(seed);
  const script = new URL("../../../test/deployment/redeploy-until-killed.js", import.meta.url).pathname;
  try {
    for (let round = 0; round < 8; round++) {
      const before = acknowledged(data);
      const child = spawn(process.execPath, [script, data], { stdio: ["ignore", "inherit", "inherit"] });
      while (acknowledged(data).lines < before.lines + 2 && child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await new Promise((resolve) => setTimeout(resolve, roll(150)));
      await kill(child);
      const { version, count } = acknowledged(data);
      expect(version, `round ${round}, seed ${seed}`).toBeGreaterThan(before.version);

      const node = await openNode(data);
      const there = deployedVersion(node);
      // The one that was being deployed may be in service without having been told.
      expect([version, version + 1]).toContain(there);
      expect(node.deployments.list()[0].hash).toBe(hashOfModule(versionText(there)));
      // As may an addition that was not told.
      expect([count + 1, count + 2]).toContain(await node.add());
      await node.close();
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
