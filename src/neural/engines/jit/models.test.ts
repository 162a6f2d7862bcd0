import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { disagreement } from "../../../../test/neural/random-networks.js";
import { availableTargets } from "../../../compiler/index.js";
import { InputError } from "../../../errors.js";
import { createRandom } from "../../../system/index.js";
import { bindDimensions, openDimensions } from "../../graph/dimensions.js";
import { elementCount } from "../../graph/tensor.js";
import { readOnnx, writeOnnx } from "../../onnx/index.js";
import { numericTensor, storedTensor } from "../../operators/numeric.js";
import { openSession } from "../onnxruntime/session.js";
import { jitEngine } from "./engine.js";

const foreign = "../shared/data/onnx";
const files = [
  ...readdirSync("models").map((name) => `models/${name}/model.onnx`),
  ...(existsSync(foreign) ? readdirSync(foreign) : [])
    .filter((name) => name.endsWith(".onnx"))
    .map((name) => `${foreign}/${name}`),
].filter(existsSync);

/** Which this engine must run, whatever else it runs. */
const required = /llrnet|neural_demapper/;

describe.each(availableTargets())("models of the tree on %s", (target) => {
  it.each(files)("%s agrees with ONNX Runtime, or is refused by an operator's name", async (file) => {
    const model = readOnnx(readFileSync(file));
    const dimensions = Object.fromEntries(openDimensions(model.graph).map((name) => [name, 24]));
    const random = createRandom(17);
    const inputs = Object.fromEntries(
      bindDimensions(model.graph, dimensions).inputs.map(({ name, type }) => {
        const shape = type.shape as readonly number[];
        const data = Float64Array.from({ length: elementCount(shape) }, () => Math.abs(random.gaussian()));
        return [name, storedTensor({ elementType: type.elementType, shape, data })];
      }),
    );
    const instance = await jitEngine(target)
      .instantiate(model, { dimensions })
      .catch((error: unknown) => {
        if (required.test(file) || !(error instanceof InputError)) throw error;
        return error;
      });
    if (instance instanceof InputError) {
      expect(instance.message).toMatch(/engine (jit|onnxruntime)/);
      return;
    }
    const session = await openSession(writeOnnx(model));
    const reference = Object.entries(await session.run(inputs)).map(
      ([name, one]) => [name, numericTensor(one)] as const,
    );
    expect(disagreement(await instance.run(inputs), Object.fromEntries(reference))).toBeLessThan(1e-4);
    await session.release();
    await instance.release();
  });
});
