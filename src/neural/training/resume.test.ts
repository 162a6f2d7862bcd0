import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../../test/neural/circle-training.js";
import { fingerprint, resumedTraining } from "../../../test/neural/resumed-training.js";
import { createRandom } from "../../system/index.js";
import { readCheckpoint } from "./checkpoint.js";
import { train } from "./trainer.js";

const seed = 20261121;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neuroran-training-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function start(checkpoint: string, result: string): ChildProcess {
  const script = new URL("../../../test/neural/train-process.js", import.meta.url).pathname;
  return spawn(process.execPath, [script, String(seed), checkpoint, result], { stdio: "inherit" });
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("a training that is killed", () => {
  it(`goes on to the bits of one that is not (seed ${seed})`, async () => {
    const random = createRandom(seed);
    const [checkpoint, result] = [join(directory, "checkpoint"), join(directory, "result")];
    const { steps } = resumedTraining;
    const kills = 3;
    const killedAt: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const child = start(checkpoint, result);
      const ended = new Promise((resolve) => child.once("close", resolve));
      const from = Math.floor(((kill + random.next()) / (kills + 1)) * steps * 0.9);
      while ((readCheckpoint(checkpoint)?.state.step ?? 0) < from && child.exitCode === null) await pause(2);
      await pause(random.integer(20));
      child.kill("SIGKILL");
      await ended;
      expect(child.signalCode).toBe("SIGKILL");
      killedAt.push(readCheckpoint(checkpoint)?.state.step ?? 0);
    }
    const last = start(checkpoint, result);
    await new Promise((resolve) => last.once("close", resolve));
    console.log(`killed after the steps ${killedAt.join(", ")} of ${steps}`);
    expect(killedAt.filter((step) => step > 0 && step < steps).length).toBeGreaterThanOrEqual(2);
    const undisturbed = await train(circleNetwork(16, seed), resumedTraining, { seed, threads: 1 });
    expect(readFileSync(result, "utf8")).toBe(fingerprint(undisturbed));
  });
});

describe("a training's signal", () => {
  it("ends it with a checkpoint, from which it goes on to the same bits", async () => {
    const specification = circleTraining({ steps: 400, shards: 2 });
    const path = join(directory, "checkpoint");
    const controller = new AbortController();
    const first = await train(circleNetwork(8, seed), specification, {
      seed,
      checkpoint: { path },
      signal: controller.signal,
      observe: () => controller.abort(),
    });
    expect(first.end).toBe("signal");
    expect(first.steps).toBeGreaterThan(0);
    expect(first.steps).toBeLessThan(400);
    expect(readCheckpoint(path)!.state.step).toBe(first.steps);
    const second = await train(circleNetwork(8, seed), specification, { seed, checkpoint: { path } });
    const whole = await train(circleNetwork(8, seed), specification, { seed });
    expect(fingerprint(second)).toBe(fingerprint(whole));
    expect(second.end).toBe("steps");
    expect(second.seconds).toBeGreaterThan(first.seconds);
  });
});
