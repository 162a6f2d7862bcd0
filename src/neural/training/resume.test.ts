import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

describe("a checkpoint", () => {
  const specification = circleTraining({ steps: 5, validation: { samples: 100, everySteps: 2 } });
  const path = () => join(directory, "checkpoint");
  const options = () => ({ seed, checkpoint: { path: path() } });

  it("of a training that has ended gives its result at once", async () => {
    const first = await train(circleNetwork(8, seed), specification, options());
    const second = await train(circleNetwork(8, seed), specification, options());
    expect(fingerprint(second)).toBe(fingerprint(first));
    expect(second.seconds).toBe(first.seconds);
    expect(existsSync(`${path()}.partial`)).toBe(false);
  });

  it("of another training is refused with what differs", async () => {
    await train(circleNetwork(8, seed), specification, options());
    const attempt = (changes: object, model = circleNetwork(8, seed), other = {}) =>
      train(model, { ...specification, ...changes }, { ...options(), ...other });
    await expect(attempt({ batch: 64 })).rejects.toThrow(/whose schedule differ/);
    await expect(attempt({ optimizer: { kind: "lamb" } })).rejects.toThrow(/whose optimizer differ/);
    await expect(attempt({}, circleNetwork(9, seed))).rejects.toThrow(/whose model differ/);
    await expect(attempt({}, undefined, { seed: 1 })).rejects.toThrow(/whose seed differ/);
    const dataset = { ...specification.dataset, parameters: { noise: 0.1 } };
    await expect(attempt({ dataset })).rejects.toThrow(/whose dataset differ/);
    const loss: typeof specification.loss = (builder, { logit, inside }) =>
      builder.add("Mul", [
        specification.loss(builder, { logit: logit!, inside: inside! }),
        builder.constant(2),
      ]);
    await expect(attempt({ loss })).rejects.toThrow(/whose objective differ/);
  });

  it("that is damaged anywhere is refused", async () => {
    await train(circleNetwork(8, seed), specification, options());
    const whole = readFileSync(path());
    const random = createRandom(seed);
    for (let trial = 0; trial < 200; trial++) {
      const damaged = Buffer.from(whole);
      const at = random.integer(whole.length);
      damaged[at]! ^= 1 << random.integer(8);
      writeFileSync(path(), trial % 2 === 0 ? damaged : whole.subarray(0, at));
      expect(() => readCheckpoint(path())).toThrow(/it is damaged|it is no checkpoint/);
    }
  });

  it("cannot be written into a folder that is not there", async () => {
    const missing = { seed, checkpoint: { path: join(directory, "missing", "checkpoint") } };
    await expect(train(circleNetwork(8, seed), specification, missing)).rejects.toThrow(
      /missing.*cannot be written/,
    );
  });
});
