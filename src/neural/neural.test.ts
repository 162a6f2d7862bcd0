import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { circleNetwork, circleTraining } from "../../test/neural/circle-training.js";
import { bytesOf, foreignNetworks } from "../../test/neural/foreign-networks.js";
import { residentMemory } from "../system/index.js";
import { float32Tensor } from "./graph/tensor.js";
import { interpret } from "./interpreter/interpret.js";
import { graphCost } from "./models/cost.js";
import { writeModelDirectory } from "./models/model-directory.js";
import type { NetworkSpecification } from "./network/specification.js";
import { openNeural } from "./neural.js";
import { writeOnnx } from "./onnx/index.js";

const root = mkdtempSync(join(tmpdir(), "neuroran-neural-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const specification = {
  name: "demapper",
  inputs: [{ name: "symbols", shape: ["batch", 2] }],
  layers: [
    { type: "dense", units: 16, activation: "relu" },
    { type: "dense", units: 4 },
  ],
  outputs: [{ name: "llrs" }],
} satisfies NetworkSpecification;
const symbols = float32Tensor([0.5, -1, 2, 0.25, -3, 1], [3, 2]);

describe("neural networks on demand", () => {
  it("are created, instantiated on every target, and infer what the interpreter computes", async () => {
    const neural = openNeural();
    const model = await neural.create(specification, { seed: 3, implements: "demapping" });
    expect(model.manifest).toMatchObject({ name: "demapper", implements: "demapping" });
    const expected = interpret(model.onnx, { symbols }).llrs!.data;
    for (const target of ["onnxruntime", "llvm", "wasm"] as const) {
      const instance = await model.instantiate({ target, batch: 3 });
      const { llrs } = await instance.infer({ symbols });
      expect(llrs!.shape).toEqual([3, 4]);
      (llrs!.data as Float32Array).forEach((value, at) => {
        expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-5);
      });
      await expect(instance.infer({})).rejects.toMatchObject({ code: "INPUT_INVALID" });
      await instance.release();
      expect(instance.cost).toMatchObject({
        multiplyAccumulates: 3 * (2 * 16 + 16 * 4),
        dimensions: { batch: 3 },
      });
      expect(instance.cost.p50_s).toBeGreaterThan(0);
      expect(instance.cost.p99_s).toBeGreaterThanOrEqual(instance.cost.p50_s);
    }
    const { manifest } = await neural.open("demapper");
    expect(Object.keys(manifest.costs!).sort()).toEqual(["llvm", "onnxruntime", "wasm"]);
    expect(manifest.version).toBe(model.version);
  });

  it("come from graphs, bytes, files and directories", async () => {
    const neural = openNeural(join(root, "data"));
    const { onnx, version, manifest, bytes } = await neural.create(specification);
    const model = { onnx, version, manifest, bytes };
    const file = join(root, "My Demapper.v2.onnx");
    writeFileSync(file, writeOnnx(onnx));
    writeModelDirectory(join(root, "directory"), model);
    const created = await Promise.all(
      [onnx, file, pathToFileURL(file), join(root, "directory")].map((source) => neural.create(source)),
    );
    expect(created.map((one) => one.manifest.name)).toEqual([
      "demapper",
      "my-demapper-v2",
      "my-demapper-v2",
      "demapper",
    ]);
    // What the ports mean stands in the manifest, which a graph alone has not.
    expect(created[0]!.bytes).toEqual(bytes);
    expect(created[0]!.manifest.inputs[0]!.meaning).toBe("");
    expect(created[3]!.version).toBe(version);
    await expect(neural.create(bytes)).resolves.toMatchObject({ version: created[0]!.version });
    await expect(neural.create(join(root, "missing.onnx"))).rejects.toMatchObject({ field: "model" });
    // Reading it would never end.
    await expect(neural.create("/dev/zero")).rejects.toMatchObject({ field: "model" });
    await expect(neural.create(bytes, { name: "Bad Name" })).rejects.toThrow("manifest.name");
    // As another process finds it.
    expect((await openNeural(join(root, "data")).open("my-demapper-v2")).onnx).toEqual(onnx);
  });

  it("are trained into a new version that says how, and evaluated", async () => {
    const neural = openNeural();
    const untrained = await neural.create(circleNetwork(16, 5), { name: "circle" });
    const training = circleTraining();
    const { model, result } = await untrained.train(training, { seed: 9 });
    expect(model.manifest.training).toMatchObject({
      system: "noisyCircle",
      seed: 9,
      steps: 600,
      parent: untrained.version,
      dataset: { module: "noisy-circle.js", factory: "noisyCircle", parameters: { noise: 0.05 } },
      specification: { optimizer: { kind: "adam" }, batch: 128 },
      metrics: { loss: result.curve.points.at(-1)!.loss },
    });
    const listed = await neural.registry((registry) => registry.list());
    const { versions } = listed.find(({ name }) => name === "circle")!;
    expect(versions.map(({ version }) => version)).toEqual([untrained.version, model.version]);
    expect((await neural.open("circle")).version).toBe(model.version);

    const points = float32Tensor([0, 0, 0.2, -0.1, 2, 2, -2, 1], [4, 2]);
    const sides = await model.evaluate(async (onnx) =>
      [...interpret(onnx, { points }).logit!.data].map((logit) => logit > 0),
    );
    expect(sides).toEqual([true, true, false, false]);
  });

  it("refuse a target or a size that there is not", async () => {
    const model = await openNeural().create(specification);
    await expect(model.instantiate({ target: "abacus" as "wasm", batch: 1 })).rejects.toMatchObject({
      field: "target",
    });
    await expect(model.instantiate({ batch: 0 })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(model.instantiate()).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  it("take batches by the one dimension that is open, whatever others called it", async () => {
    const llrnet = foreignNetworks[0]!;
    if (!llrnet.isThere) return;
    const model = await openNeural().create(bytesOf(llrnet), { name: "llrnet" });
    const instance = await model.instantiate({ batch: 5 });
    expect(instance.outputs.dense_1!.shape).toEqual([5, 8]);
    await instance.release();
  });

  it.each(["onnxruntime", "wasm"] as const)(
    "are instantiated, asked and released 1,000 times on %s in the same memory",
    async (target) => {
      const model = await openNeural().create(specification);
      const cycle = async () => {
        const instance = await model.instantiate({ target, batch: 3 });
        await instance.infer({ symbols });
        await instance.release();
      };
      for (let warmUp = 0; warmUp < 200; warmUp++) await cycle();
      const before = residentMemory(process.pid)!.anonymous_bytes;
      for (let count = 0; count < 1000; count++) await cycle();
      const grown = residentMemory(process.pid)!.anonymous_bytes - before;
      // A session of this network takes some 100 kB, an instance's memory at least a page of 64 kB.
      expect(grown).toBeLessThan(30e6);
    },
    60_000,
  );
});

describe("the cost of a graph", () => {
  it("counts products and convolutions, parameters and what is held at one time", async () => {
    const dense = (await openNeural().create(specification)).onnx;
    // Parameters 2·16 + 16 + 16·4 + 4; at one time a layer's product, before and after its bias: 16 and 16.
    const { multiplyAccumulates, memory_bytes } = graphCost(dense, { batch: 10 });
    expect(multiplyAccumulates).toBe(10 * (2 * 16 + 16 * 4));
    expect(memory_bytes).toBe(4 * (116 + 10 * 32));
    const convolution = (
      await openNeural().create({
        inputs: [{ name: "x", shape: ["batch", 4, 6, 5] }],
        layers: [{ type: "conv2d", filters: 8, kernel: [3, 3], groups: 2 }],
        outputs: [{ name: "y" }],
      })
    ).onnx;
    expect(graphCost(convolution, { batch: 2 }).multiplyAccumulates).toBe(2 * 8 * 30 * (2 * 9));
  });
});
