import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../../test/neural/circle-training.js";
import { fingerprint } from "../../../test/neural/resumed-training.js";
import { createRandom } from "../../system/index.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { train } from "./trainer.js";
import type { TrainingState } from "./training-state.js";

const seed = 20261121;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neuroran-training-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

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

  it("keeps every number of a training's state", () => {
    const random = createRandom(seed);
    const vector = (length: number) => Float32Array.from({ length }, () => random.gaussian());
    for (const hasBest of [true, false]) {
      const state: TrainingState = {
        step: 17,
        vectors: { parameters: vector(9), statistics: vector(4), optimizer: [vector(9), vector(9)] },
        best: hasBest
          ? { step: 12, loss: 0.1 + 0.2, parameters: vector(9), statistics: vector(4) }
          : undefined,
        withoutBetter: 3,
        curve: {
          points: [
            { step: 8, learningRate: 0.1, loss: 1 / 3, metrics: { errors: Number.NaN, power: -0 } },
            {
              step: 16,
              learningRate: 1e-300,
              loss: 5e-324,
              metrics: { errors: 1, power: Number.POSITIVE_INFINITY },
            },
          ],
          validations: [{ step: 12, loss: Math.PI, metrics: { errors: 0.25, power: 2 ** 60 } }],
        },
        accumulator: { sums: [1e-7, 2, 3], steps: 1 },
        seconds: 1.25,
      };
      writeCheckpoint(path(), { model: "a" }, ["errors", "power"], state);
      expect(readCheckpoint(path())).toEqual({ path: path(), identity: { model: "a" }, state });
    }
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
