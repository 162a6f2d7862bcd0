import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { onnxModel } from "../graph/graph.js";
import { float32Tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";
import { checkManifest, type Manifest } from "./manifest.js";
import { createModel, type Model, portsOf } from "./model.js";
import { readManifest, readModelDirectory, writeModelDirectory } from "./model-directory.js";

const root = mkdtempSync(join(tmpdir(), "neuroran-models-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const place = (): string => join(root, `model-${made++}`);

function demapper(scale = 1, more: Partial<Manifest> = {}): Model {
  const network = networkBuilder("demapper");
  const symbols = network.input("symbols", "float32", ["batch", 2]);
  network.output(
    "llrs",
    network.add("Mul", [symbols, network.initializer("scale", float32Tensor([scale]))]),
    ["batch", 2],
  );
  const onnx = onnxModel(network.graph());
  const ports = portsOf(onnx);
  const llrs = { ...ports.outputs[0]!, meaning: "soft bits", llr: { positiveBit: 0, scale: 4 } } as const;
  return createModel({ format: 1, name: "demapper", inputs: ports.inputs, outputs: [llrs], ...more }, onnx);
}

describe("a model", () => {
  it("has the version that its graph and its manifest give it, not its costs (invariant 2)", () => {
    const model = demapper();
    const { version: _, ...manifest } = model.manifest;
    // Written out: keys in order, no blanks.
    const text =
      '{"format":1,"inputs":[{"meaning":"","name":"symbols","type":{"elementType":"float32","shape":["batch",2]}}],' +
      '"name":"demapper","outputs":[{"llr":{"positiveBit":0,"scale":4},"meaning":"soft bits","name":"llrs",' +
      '"type":{"elementType":"float32","shape":["batch",2]}}]}';
    const graph = createHash("sha256").update(model.bytes).digest();
    const expected = createHash("sha256").update(graph).update(text).digest("hex");
    expect(model.version).toBe(expected);
    const cost = {
      processor: "one",
      dimensions: { batch: 1 },
      multiplyAccumulates: 2,
      p50_s: 1e-5,
      p99_s: 2e-5,
      calls: 10,
      memory_bytes: 100,
      storage_bytes: 200,
    };
    expect(demapper(1, { costs: { onnxruntime: cost } }).version).toBe(model.version);
    expect(demapper(1, { summary: "another" }).version).not.toBe(model.version);
    expect(demapper(2).version).not.toBe(model.version);
    expect(createModel(manifest, model.onnx).version).toBe(model.version);
  });

  it("has the ports of its graph (invariant 3)", () => {
    const { manifest, onnx } = demapper();
    const { version: _, ...rest } = manifest;
    const renamed = { ...rest, inputs: [{ ...rest.inputs[0]!, name: "samples" }] };
    expect(() => createModel(renamed, onnx)).toThrow("the graph has symbols: float32 [batch, 2]");
    const missing = { ...rest, outputs: [...rest.outputs, ...rest.outputs] };
    expect(() => createModel(missing, onnx)).toThrow("manifest.outputs");
  });
});

describe("a manifest", () => {
  const valid = JSON.parse(JSON.stringify(demapper().manifest)) as Record<string, unknown>;

  it.each([
    { change: { name: "Bad Name" }, field: "manifest.name" },
    { change: { format: 2 }, field: "manifest.format" },
    { change: { unknown: 1 }, field: "manifest" },
    { change: { inputs: [] }, field: "manifest.inputs" },
    {
      change: { inputs: [{ name: "x", meaning: "", type: { elementType: "string", shape: [] } }] },
      field: "manifest.inputs.0.type.elementType",
    },
    {
      change: { inputs: [{ name: "x", meaning: "", type: { elementType: "float32", shape: [-1] } }] },
      field: "manifest.inputs.0.type.shape.0",
    },
    { change: { training: { system: "s", seed: 0.5 } }, field: "manifest.training.seed" },
    { change: { version: "latest" }, field: "manifest.version" },
    { change: { costs: { wasm: {} } }, field: "manifest.costs.wasm" },
  ])("is refused with $change", ({ change, field }) => {
    const refused = () => checkManifest({ ...valid, ...change });
    expect(refused).toThrow(InputError);
    expect(refused).toThrow(field);
  });
});

describe("a model's directory", () => {
  it("gives the model that was written, whole", () => {
    const path = place();
    const model = demapper();
    writeModelDirectory(path, model);
    expect(readModelDirectory(path)).toEqual(model);
    expect(readManifest(path)).toEqual(model.manifest);
    expect(readdirSync(path).sort()).toEqual(["manifest.json", "model.onnx"]);
  });

  it("is replaced on demand only, and nothing is left beside it", () => {
    const path = place();
    writeModelDirectory(path, demapper(1));
    expect(() => writeModelDirectory(path, demapper(2))).toThrow("ask to replace it");
    expect(readModelDirectory(path).version).toBe(demapper(1).version);
    writeModelDirectory(path, demapper(2), true);
    expect(readModelDirectory(path).version).toBe(demapper(2).version);
    const beside = readdirSync(root).filter((name) => path.endsWith(name.split(".")[0]!));
    expect(beside).toHaveLength(1);
  });

  it("does not take the place of what is no model, nor of a file", () => {
    const path = place();
    mkdirSync(path);
    writeModelDirectory(path, demapper());
    const other = place();
    mkdirSync(other);
    writeFileSync(join(other, "diary.txt"), "dear diary");
    expect(() => writeModelDirectory(other, demapper(), true)).toThrow("it holds no model");
    const file = place();
    writeFileSync(file, "");
    expect(() => writeModelDirectory(file, demapper(), true)).toThrow(InputError);
    expect(() => writeModelDirectory(join(file, "below"), demapper())).toThrow(InputError);
  });

  it("whose files do not belong together is refused", () => {
    const path = place();
    writeModelDirectory(path, demapper(1));
    writeFileSync(join(path, "model.onnx"), demapper(2).bytes);
    expect(() => readModelDirectory(path)).toThrow("changed after they got theirs");
    const { version: _, ...manifest } = readManifest(path);
    writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
    expect(readModelDirectory(path).version).toBe(demapper(2).version);
  });

  it("that is damaged or missing is refused with what is wrong", () => {
    const path = place();
    expect(() => readModelDirectory(path)).toThrow(
      "a model is a directory with model.onnx and manifest.json",
    );
    writeModelDirectory(path, demapper());
    const graph = readFileSync(join(path, "model.onnx"));
    writeFileSync(join(path, "model.onnx"), graph.subarray(0, graph.length - 3));
    expect(() => readModelDirectory(path)).toThrow(`model in ${path}: file`);
    rmSync(join(path, "model.onnx"));
    expect(() => readModelDirectory(path)).toThrow("model.onnx");
    writeFileSync(join(path, "manifest.json"), "{");
    expect(() => readModelDirectory(path)).toThrow(`model in ${path}: manifest`);
  });
});
