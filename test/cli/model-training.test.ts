import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withRegistry } from "../../src/neural/models/open-registry.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";

const folder = temporaryFolder();

/** Runs a command and expects it to succeed. @returns its object */
async function ok(...words: string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await neuroran(["model", ...words, "--json"]);
  expect({ words, status, stderr: status === 0 ? "" : stderr }).toEqual({ words, status: 0, stderr: "" });
  return objectsOf(stdout)[0]!;
}

describe("training", () => {
  it("registers what it made, which is the same for the same seed, and tells how it went", async () => {
    const data = folder.path("same");
    const at = ["--data", data, "--steps", "40", "--seed", "3"];
    const [curve, checkpoint] = [folder.path("curve.svg"), folder.path("ended.state")];
    const first = await ok("train", "llrnet-qpsk", "--threads", "1", "--curve", curve, ...at);
    const second = await ok("train", "llrnet-qpsk", "--threads", "2", "--checkpoint", checkpoint, ...at);
    // What has ended goes on to nothing else.
    const third = await ok("train", "llrnet-qpsk", "--checkpoint", checkpoint, ...at);
    expect([second.version, third.version]).toEqual([first.version, first.version]);
    expect(first).toMatchObject({ name: "llrnet-qpsk", steps: 40, end: "steps" });
    expect(readFileSync(curve, "utf8")).toMatch(/^<svg/);
    const { training } = await ok("show", "llrnet-qpsk", "--data", data);
    expect(training).toMatchObject({ system: "llrnet-qpsk", seed: 3, steps: 40 });
  });

  it("goes on from a model, which is its parent, and exports what it made", async () => {
    const at = ["--data", folder.path("tuned")];
    const exported = folder.path("exported");
    const words = ["--from", "llrnet-qpsk", "--name", "tuned", "--steps", "5", "--export", exported];
    expect(await ok("train", "llrnet-qpsk", ...words, ...at)).toMatchObject({ name: "tuned" });
    const [before, shown] = await Promise.all(
      ["llrnet-qpsk", "tuned"].map((name) => ok("show", name, ...at)),
    );
    expect(shown!.training).toMatchObject({ parent: before!.version });
    const manifest = JSON.parse(readFileSync(`${exported}/manifest.json`, "utf8")) as { version: string };
    expect(manifest.version).toBe(shown!.version);
  });

  it("that is interrupted keeps its checkpoint and registers nothing", async () => {
    const [data, checkpoint] = [folder.path("interrupted"), folder.path("interrupted.state")];
    let isInterrupted = false;
    const { status, stdout, stderr } = await neuroran(
      ["model", "train", "llrnet-qpsk", "--checkpoint", checkpoint, "--steps", "1000000", "--data", data],
      {},
      (interrupt, said) => {
        if (isInterrupted || !said().includes("train llrnet-qpsk")) return;
        isInterrupted = true;
        interrupt();
      },
    );
    expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
    expect(stderr).toContain(`train again with the checkpoint ${checkpoint} to go on`);
    expect(existsSync(checkpoint)).toBe(true);
    const models = await withRegistry(data, (registry) => registry.list());
    expect(models.every(({ versions }) => versions.every(({ isBuiltIn }) => isBuiltIn))).toBe(true);
  });
});
