import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readModelDirectory } from "../../src/neural/models/model-directory.js";
import { withRegistry } from "../../src/neural/models/open-registry.js";
import { bytesOf, foreignNetworks } from "../neural/foreign-networks.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";
import { startNodeProcess } from "./node-process.js";

const folder = temporaryFolder();
let directories = 0;
const newData = (): string => folder.path(`data-${directories++}`);

const specification = folder.write("network.json", {
  name: "demapper",
  inputs: [{ name: "symbols", shape: ["batch", 2] }],
  layers: [
    { type: "dense", units: 4, activation: "relu" },
    { type: "dense", units: 2 },
  ],
  outputs: [{ name: "llrs" }],
});

/** Runs a command and expects it to succeed. @returns its objects */
async function ok(...words: string[]): Promise<Record<string, unknown>[]> {
  const { status, stdout, stderr } = await neuroran(["model", ...words, "--json"]);
  expect({ words, status, stderr: status === 0 ? "" : stderr }).toEqual({ words, status: 0, stderr: "" });
  return objectsOf(stdout);
}

/** Runs a command that refuses its input. @returns the field that is to blame */
async function refused(...words: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await neuroran(["model", ...words, "--json"]);
  expect({ words, status, stdout }).toEqual({ words, status: 2, stdout: "" });
  const report = JSON.parse(stderr.trim().split("\n").at(-1)!) as { error: { field: string } };
  return report.error.field;
}

describe("models", () => {
  it("are created, shown, computed, exported, imported, named and removed, beside a node that is up", async () => {
    const data = newData();
    const node = await startNodeProcess(data);
    const at = ["--data", data];
    const [created] = await ok("create", specification, "--seed", "5", "--implements", "demapping", ...at);
    expect(created).toMatchObject({ name: "demapper" });
    const reference = `demapper@${String(created!.version).slice(0, 8)}`;
    const [shown] = await ok("show", reference, ...at);
    expect(shown).toMatchObject({
      version: created!.version,
      implements: "demapping",
      parameters: 2 * 4 + 4 + 4 * 2 + 2,
    });

    const inputs = folder.write("inputs.json", {
      symbols: [
        [0.5, -0.25],
        [1, 2],
        [0, 0],
      ],
    });
    const answers = await Promise.all(
      ["onnxruntime", "llvm", "wasm"].map((target) =>
        ok("infer", "demapper", inputs, "--target", target, ...at),
      ),
    );
    const outputs = answers.map(([answer]) => (answer as { outputs: { llrs: number[][] } }).outputs.llrs);
    for (const llrs of outputs)
      for (const [row, values] of llrs.entries())
        for (const [column, value] of values.entries())
          expect(value).toBeCloseTo(outputs[0]![row]![column]!, 5);
    // Biases are zero as long as nobody trained them.
    expect(outputs[0]![2]).toEqual([0, 0]);
    const [costs] = await ok("show", "demapper", ...at);
    expect(Object.keys(costs!.costs as object).sort()).toEqual(["llvm", "onnxruntime", "wasm"]);

    const exported = folder.path("exported");
    await ok("export", "demapper", exported, ...at);
    expect(readModelDirectory(exported).version).toBe(created!.version);
    await ok("export", "demapper", `${exported}.onnx`, ...at);
    expect(readFileSync(`${exported}.onnx`)).toEqual(readFileSync(join(exported, "model.onnx")));
    expect(await refused("export", "demapper", exported, ...at)).toBe("directory");
    expect(await ok("import", exported, ...at)).toMatchObject([{ version: created!.version }]);
    const [other] = await ok("import", `${exported}.onnx`, "--name", "other", ...at);

    await ok("alias", "other", "production", ...at);
    const listed = (await ok("list", ...at)).filter(({ isBuiltIn }) => !isBuiltIn);
    expect(listed).toMatchObject([
      { name: "demapper", version: created!.version, isLatest: true, aliases: [] },
      { name: "other", version: other!.version, aliases: ["production"] },
    ]);
    expect(await refused("rm", `other@${String(other!.version)}`, ...at)).toBe("model");
    expect(await ok("rm", "other@production", ...at)).toMatchObject([{ removed: [] }]);
    expect(await ok("rm", "other", ...at)).toMatchObject([{ removed: [other!.version] }]);
    expect(await refused("show", "other", ...at)).toBe("model");
    await node.kill("SIGTERM");
  }, 60_000);

  it("are all there when many commands register at one time", async () => {
    const data = newData();
    await Promise.all(
      [1, 2, 3, 4].map((seed) => ok("create", specification, "--seed", String(seed), "--data", data)),
    );
    const listed = (await ok("list", "--data", data)).filter(({ isBuiltIn }) => !isBuiltIn);
    expect(new Set(listed.map(({ version }) => version)).size).toBe(4);
  });

  it("are the same version when what was exported is imported, whoever wrote the file", async () => {
    const at = ["--data", newData()];
    const [shown] = await ok("show", "llrnet-qpsk", ...at);
    const exported = folder.path("llrnet-qpsk");
    await ok("export", "llrnet-qpsk", exported, ...at);
    expect(await ok("import", exported, ...at)).toMatchObject([{ version: shown!.version }]);
  });

  it("that others trained are imported and computed", async () => {
    const llrnet = foreignNetworks[0]!;
    if (!llrnet.isThere) return;
    const at = ["--data", newData()];
    await ok("import", folder.write("Others' LLRnet.onnx", bytesOf(llrnet)), ...at);
    const inputs = folder.write("points.json", { input: [[0.5, -0.25]] });
    const [answer] = await ok("infer", "others-llrnet", inputs, ...at);
    expect((answer as { outputs: { dense_1: number[][] } }).outputs.dense_1[0]).toHaveLength(8);
  });

  it("that are none are refused with what is wrong, and nothing is registered", async () => {
    const data = newData();
    const at = ["--data", data];
    const ragged = folder.write("ragged.json", { symbols: [[1, 2], [3]], noise: [[1], [1]] });
    const noNetwork = folder.write("bad.onnx", "no network");
    const wrong: readonly (readonly [field: string, ...words: string[]])[] = [
      ["source", "create", "no-such-system"],
      ["source", "create", folder.write("bad.json", "{")],
      ["network.inputs", "create", folder.write("empty.json", {})],
      ["source", "create", folder.write("null.json", "null")],
      ["network.inputs", "create", folder.write("graph.json", { graph: {} })],
      ["source", "create", folder.write("text.json", '"llrnet-qpsk"')],
      [`model in ${noNetwork}: file`, "import", noNetwork],
      ["model", "import", folder.path("missing")],
      ["manifest.name", "create", specification, "--name", "Bad Name"],
      ["model", "show", "missing"],
      ['input "symbols"', "infer", "llrnet-qpsk", folder.write("none.json", {})],
      ["input symbols", "infer", "llrnet-qpsk", ragged],
      ["system", "train", "no-such-system"],
      ["directory", "train", "llrnet-qpsk", "--steps", "1", "--export", specification],
    ];
    const fields = await Promise.all(wrong.map(([, ...words]) => refused(...words, ...at)));
    expect(fields).toEqual(wrong.map(([field]) => field));
    const models = await withRegistry(data, (registry) => registry.list());
    expect(models.filter(({ versions }) => versions.some(({ isBuiltIn }) => !isBuiltIn))).toEqual([]);
  });

  it("are looked at without making a registry", async () => {
    const data = newData();
    await ok("list", "--data", data);
    await ok("show", "llrnet-qpsk", "--data", data);
    expect(existsSync(data)).toBe(false);
  });
});
