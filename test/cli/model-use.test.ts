import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";

const folder = temporaryFolder();
const data = ["--data", folder.path("data")];
const seed = 4;

/** 16QAM through white noise: what a demapper gets wrong is lost. */
async function receive(model: string, ...words: string[]) {
  const { status, stdout, stderr } = await neuroran([
    "simulate",
    ...["--profile", "awgn", "--mcs", "12", "--prbs", "6", "--snr", "12", "--slots", "60"],
    ...["--seed", String(seed), "--use", `demapping=${model}`, "--json", ...data, ...words],
  ]);
  expect(stderr).not.toMatch(/neuroran:/);
  expect(status).toBe(0);
  return objectsOf(stdout)[0] as {
    errors: number;
    attempts: {
      function: string;
      fallback: string;
      calls: number;
      not_finite: number;
      fallen_back: number;
    }[];
  };
}

describe(`models that somebody brings, in the receiver by one command, seed ${seed}`, () => {
  it("are a network of one's own, made from JSON and trained", async () => {
    const layer = (units: number, activation = {}) => ({ type: "dense", units, ...activation });
    const specification = folder.write("network.json", {
      name: "own-demapper",
      inputs: [
        { name: "symbols", shape: ["batch", 2] },
        { name: "noise", shape: ["batch", 1] },
      ],
      layers: [layer(16, { activation: "relu" }), layer(4)],
      outputs: [{ name: "llrs" }],
    });
    const made = await neuroran([
      "model",
      "create",
      specification,
      "--implements",
      "demapping",
      "--json",
      ...data,
    ]);
    const [{ reference: untrained }] = objectsOf(made.stdout) as [{ reference: string }];
    const trained = await neuroran(
      [
        "model",
        "train",
        "llrnet-16qam",
        "--from",
        "own-demapper",
        "--steps",
        "1500",
        "--json",
        ...data,
      ].concat(["--name", "own-demapper"]),
    );
    expect(trained.stderr).not.toMatch(/neuroran:/);

    const useless = await receive(untrained);
    expect(useless.errors).toBeGreaterThan(30);
    const useful = await receive("own-demapper");
    expect(useful.errors).toBeLessThan(3);
    const [attempts] = useful.attempts;
    expect(attempts).toMatchObject({ function: "detection/demapping", fallback: "log-map", not_finite: 0 });
    expect(attempts!.calls).toBeGreaterThan(30);
    const shown = await neuroran([
      "compare",
      "demapping",
      ...["--profile", "awgn", "--mcs", "12", "--prbs", "6", "--snr", "12", "--slots", "10", "--json"],
      ...["--only", "log-map,own-demapper", ...data],
    ]);
    expect(objectsOf(shown.stdout).filter((one) => "snr_db" in one)).toMatchObject([
      { implementation: "log-map", errors: 0 },
      { implementation: "own-demapper", slots: 10 },
    ]);
  });

  const foreign = new URL(
    "../../../../shared/data/onnx/sionna_rk_neural_demapper_16qam.onnx",
    import.meta.url,
  );
  it.skipIf(!existsSync(foreign))(
    "are a network of others, whose manifest states sign and scale",
    async () => {
      const directory = folder.path("sionna");
      mkdirSync(directory);
      copyFileSync(foreign, `${directory}/model.onnx`);
      const manifest = {
        format: 1,
        name: "sionna-demapper",
        implements: "demapping",
        inputs: [
          {
            name: "y",
            type: { elementType: "float16", shape: ["unk__11", 2] },
            meaning: "equalized symbol over the distance of neighbouring points",
            symbol: { scale: Math.sqrt(10) / 2 },
          },
        ],
        outputs: [
          {
            name: "output_1",
            type: { elementType: "float32", shape: ["unk__12", 4] },
            meaning: "soft bits, for no one noise variance",
            llr: { positiveBit: 0, scale: 1 },
          },
        ],
      };
      folder.write("sionna/manifest.json", manifest);
      const imported = await neuroran(["model", "import", directory, "--json", ...data]);
      expect(imported.stderr).toBe("");
      const received = await receive("sionna-demapper");
      expect(received.errors).toBeLessThan(3);
      expect(received.attempts[0]!.calls).toBeGreaterThan(30);
      // By its directory, with a manifest that says the contrary of its sign: every bit is the other.
      const upsideDown = manifest.outputs.map((port) => ({ ...port, llr: { positiveBit: 1, scale: 1 } }));
      folder.write("sionna/manifest.json", { ...manifest, outputs: upsideDown });
      expect((await receive(directory)).errors).toBeGreaterThan(30);
    },
  );

  it.skipIf(!existsSync(foreign))("are a network of others, trained on for the symbols of here", async () => {
    const kept = async (model: string) => {
      const words = ["--system", "dense-demapper-16qam", "--effort", "0.02"];
      const { stdout, status } = await neuroran(["model", "evaluate", model, ...words, "--json", ...data]);
      expect(status).toBe(0);
      const [{ tables }] = objectsOf(stdout) as [
        { tables: { rows: { condition: number; values: { value: number }[] }[] }[] },
      ];
      const [network, logMap] = tables[0]!.rows.find(({ condition }) => condition === 10)!.values;
      return network!.value / logMap!.value;
    };
    const taken = ["--name", "imported", "--symbol-scale", String(Math.sqrt(10) / 2)];
    await neuroran(["model", "import", fileURLToPath(foreign), ...taken, ...data]);
    expect((await receive("imported")).errors).toBeLessThan(3);
    const words = ["dense-demapper-16qam", "--from", "imported", "--name", "tuned", "--steps", "3000"];
    const trained = await neuroran(["model", "train", ...words, ...data]);
    expect(trained.status).toBe(0);
    expect(await kept("imported")).toBeLessThan(0.6);
    expect(await kept("tuned")).toBeGreaterThan(0.97);
    expect((await receive("tuned")).errors).toBeLessThan(3);
  });

  it("stand for estimation, too, where their ports are those of learned MMSE", async () => {
    const words = ["learned-mmse-nr", "--steps", "20", "--name", "own-estimator"];
    expect((await neuroran(["model", "train", ...words, ...data])).status).toBe(0);
    const use = ["--use", "estimation=own-estimator"];
    const { stdout } = await neuroran([
      "simulate",
      "--slots",
      "20",
      "--prbs",
      "6",
      ...use,
      "--json",
      ...data,
    ]);
    expect(objectsOf(stdout)[0]).toMatchObject({
      errors: 0,
      attempts: [
        {
          function: "detection/estimation",
          model: expect.stringMatching(/^own-estimator@[0-9a-f]{12}$/),
          calls: 20,
          fallen_back: 0,
        },
      ],
    });
    const wrong = await neuroran(["simulate", "--use", "estimation=llrnet-qpsk@latest", ...data]);
    expect(wrong.stderr).toMatch(/symbols \[batch, 2\].*learned-mmse-nr/);
  });

  it("have ports of their own names, which those of a system take the place of when it trains them", async () => {
    const specification = folder.write("other.json", {
      name: "other-demapper",
      inputs: [{ name: "points", shape: ["batch", 2] }],
      layers: [
        { type: "dense", units: 8, activation: "relu" },
        { type: "dense", units: 4 },
      ],
      outputs: [{ name: "soft" }],
    });
    await neuroran(["model", "create", specification, ...data]);
    const train = (system: string) =>
      neuroran(["model", "train", system, "--from", "other-demapper", "--steps", "5", ...data]);
    expect((await train("dense-demapper-16qam")).status).toBe(0);
    expect((await train("llrnet-16qam")).stderr).toMatch(/y \[batch, 2\].*symbols \[batch, 2\], noise/);
  });

  it("are not trained for what could not be kept, and replace no file unasked", async () => {
    const train = (...words: string[]) => neuroran(["model", "train", "llrnet-16qam", ...words, ...data]);
    const began = performance.now();
    expect((await train("--curve", folder.path("curve.png"))).stderr).toMatch(/\.svg or \.json/);
    expect((await train("--from", "llrnet-16qam", "--name", "Bad_Name")).stderr).toMatch(/lower-case/);
    expect(performance.now() - began).toBeLessThan(10_000);
    const path = folder.write("kept.onnx", {});
    const exported = (...words: string[]) =>
      neuroran(["model", "export", "llrnet-qpsk", path, ...words, ...data]);
    expect((await exported()).stderr).toMatch(/--replace/);
    expect((await exported("--replace")).status).toBe(0);
  });

  it("are refused with what there is, and with what is wrong", async () => {
    const refused = async (chosen: string) => {
      const { status, stderr } = await neuroran(["simulate", "--slots", "1", "--use", chosen, ...data]);
      expect(status).toBe(2);
      return stderr;
    };
    expect(await refused("demapping=unheard-of")).toMatch(/log-map, llrnet; or give a model/);
    expect(await refused("demapping=llrnet-16qam@0000000")).toMatch(/llrnet-16qam has/);
    expect(await refused(`demapping=${folder.path("nowhere")}`)).toMatch(/a model is a directory/);
    expect(await refused("decoding=./network")).toMatch(/decoding has the implementations: [^;]*$/);
  });
});
