import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OnnxModel } from "../../src/neural/graph/graph.js";
import { float32Tensor } from "../../src/neural/graph/tensor.js";
import { builtInModel } from "../../src/neural/models/built-in.js";
import { createModel, portsOf } from "../../src/neural/models/model.js";
import { writeModelDirectory } from "../../src/neural/models/model-directory.js";
import { createNetwork } from "../../src/neural/network/specification.js";
import { createClient, createNodeClient } from "../../src/server/index.js";
import { createRandom } from "../../src/system/index.js";
import { cellText } from "./cell-module.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";
import { freePort, startNodeProcess } from "./node-process.js";

const folder = temporaryFolder();
const seed = 5;

/** A demapper that has learned nothing. */
function untrained(...units: readonly number[]): OnnxModel {
  return createNetwork(
    {
      inputs: [
        { name: "symbols", shape: ["batch", 2] },
        { name: "noise", shape: ["batch", 1] },
      ],
      layers: [
        ...units.map((count) => ({ type: "dense", units: count, activation: "relu" })),
        { type: "dense", units: 4 },
      ],
      outputs: [{ name: "llrs" }],
    },
    createRandom(seed),
  ).model;
}

function directoryOf(name: string, onnx: OnnxModel): string {
  const path = folder.path(name);
  writeModelDirectory(
    path,
    createModel({ format: 1, name, implements: "demapping", ...portsOf(onnx) }, onnx),
  );
  return path;
}

/** All weights of a network without meaning. */
function broken(onnx: OnnxModel): OnnxModel {
  const initializers = new Map(
    [...onnx.graph.initializers].map(([name, value]) => {
      const isWeight = value.elementType === "float32";
      return [
        name,
        isWeight ? { ...value, data: new Float32Array(value.data.length).fill(Number.NaN) } : value,
      ];
    }),
  );
  return { ...onnx, graph: { ...onnx.graph, initializers } };
}

/** What one network gives plus next to nothing, for which another one has to be computed. */
function slowed(quick: OnnxModel, slow: OnnxModel): OnnxModel {
  const prefixed = (name: string): string =>
    ["symbols", "noise", ""].includes(name) ? name : `slow ${name}`;
  const nodes = slow.graph.nodes.map((node) => ({
    ...node,
    name: prefixed(node.name),
    inputs: node.inputs.map(prefixed),
    outputs: node.outputs.map(prefixed),
  }));
  const renamed = quick.graph.nodes.map((node) => ({
    ...node,
    outputs: node.outputs.map((name) => (name === "llrs" ? "quick llrs" : name)),
  }));
  const initializers = [...slow.graph.initializers].map(([name, value]) => [prefixed(name), value] as const);
  const node = (operator: string, inputs: string[], output: string) => ({
    name: output,
    operator,
    domain: "",
    inputs,
    outputs: [output],
    attributes: {},
  });
  return {
    ...quick,
    graph: {
      ...quick.graph,
      initializers: new Map([
        ...quick.graph.initializers,
        ...initializers,
        ["nothing", float32Tensor([1e-30], [])] as const,
      ]),
      nodes: [
        ...renamed,
        ...nodes,
        node("Mul", ["slow llrs", "nothing"], "slow nothing"),
        node("Add", ["quick llrs", "slow nothing"], "llrs"),
      ],
    },
  };
}

describe(`models that are tried beside an implementation, seed ${seed}`, () => {
  it("are promoted unless they are worse, lose no slot, and are kept through a crash once promoted", async () => {
    const data = folder.path("data");
    mkdirSync(data);
    const useless = directoryOf("useless", untrained(8));
    const nan = directoryOf("nan", broken(untrained(8)));
    const slow = directoryOf("slow", slowed(builtInModel("llrnet-16qam").onnx, untrained(1024, 1024)));
    const listen = ["--listen", `127.0.0.1:${await freePort()}`];
    let node = await startNodeProcess(data, ...listen);
    const token = readFileSync(join(data, "token"), "utf8").trim();
    const looking = createNodeClient({ url: node.url, token });
    const client = createClient({ url: node.url, token });
    await looking.deploy("cell", cellText);
    const slots: unknown[] = [];
    const reading = new AbortController();
    const read = (async () => {
      for await (const { event } of client.output("cell", "slots", { from: 0, signal: reading.signal }))
        slots.push((event as { slot: number }).slot);
    })().catch((error: unknown) => {
      if (!reading.signal.aborted) throw error;
    });
    const deploy = async (...words: string[]) => {
      const { status, stdout, stderr } = await neuroran([
        "model",
        "deploy",
        ...words,
        "--data",
        data,
        "--json",
      ]);
      const reports = objectsOf(stdout) as Record<string, unknown>[];
      return { status, stderr, reports, last: reports.at(-1) };
    };
    const canary = (model: string, ...words: string[]) =>
      deploy(model, "--canary", "40%", "--slots", "60", ...words);
    const implementation = async (): Promise<string | undefined> => {
      const [flow] = await looking.flows();
      const chosen = flow!.slots!.implementations.filter((one) => one.function === "demapping");
      expect(chosen).toHaveLength(1);
      expect(chosen[0]).not.toHaveProperty("canary");
      return chosen[0]!.implementation;
    };
    expect(await implementation()).toBe("max-log");

    // As good as what is there.
    const equal = await canary("llrnet-16qam");
    expect(equal.stderr).not.toMatch(/neuroran:/);
    expect(equal.last).toMatchObject({ phase: "promoted", function: "demapping", lost: 0 });
    expect(equal.status).toBe(0);
    const { present, canary: arm } = equal.last as Record<
      "present" | "canary",
      { slots: number; blocks: number }
    >;
    expect(arm.slots).toBeGreaterThanOrEqual(60);
    expect(arm.slots / (arm.slots + present.slots)).toBeCloseTo(0.4, 1);
    expect(Math.abs(arm.blocks - arm.slots)).toBeLessThan(3);
    const promoted = await implementation();
    expect(promoted).toMatch(/models.[0-9a-f]{64}$/);

    // Broken, useless, slow: the promoted one stays.
    const notFinite = await canary(nan);
    expect(notFinite.last).toMatchObject({
      phase: "rolled back",
      reason: expect.stringMatching(/fell back/),
      lost: 0,
    });
    expect(notFinite.status).toBe(1);
    const losing = await canary(useless);
    expect(losing.last).toMatchObject({
      phase: "rolled back",
      reason: expect.stringMatching(/lost .* of its blocks/),
    });
    const late = await canary(slow);
    expect(late.last).toMatchObject({
      phase: "rolled back",
      reason: expect.stringMatching(/no room in the deadline/),
    });
    expect(await implementation()).toBe(promoted);

    // Given up by whoever waits for it.
    const words = ["model", "deploy", useless, "--canary", "1%", "--slots", "1000000", "--data", data];
    const interrupted = await neuroran(words, {}, (interrupt, said) => {
      if (said().includes("trying useless")) interrupt();
    });
    expect(interrupted.stdout).toMatch(/rolled back: as was asked for/);
    expect(interrupted.status).toBe(130);
    expect(await implementation()).toBe(promoted);

    // Killed in the middle of a canary.
    const started = await looking.startCanary("cell", { model: useless, share: 0.01, slots: 1e6 });
    expect(started).toMatchObject({ phase: "running" });
    await expect(looking.startCanary("cell", { model: nan, share: 0.5, slots: 9 })).rejects.toMatchObject({
      code: "CANARY_UNDERWAY",
    });
    await node.kill("SIGKILL");
    node = await startNodeProcess(data, ...listen);
    await expect.poll(async () => (await looking.flows()).length, { timeout: 10_000 }).toBe(1);
    expect(await implementation()).toBe(promoted);
    expect(await looking.canary("cell")).toBe(null);

    // By hand, against all evidence; then what is better takes over.
    await looking.startCanary("cell", { model: useless, function: "demapping", share: 0.1, slots: 1e6 });
    const byHand = await deploy("--promote");
    expect(byHand.stderr).toBe("");
    expect(byHand.last).toMatchObject({ phase: "promoted", reason: "as was asked for" });
    expect(await implementation()).not.toBe(promoted);
    const better = await canary("llrnet-16qam@latest", "--function", "demapping", "--flow", "cell");
    expect(better.last).toMatchObject({ phase: "promoted" });
    expect(await implementation()).toBe(promoted);

    // At once, as any implementation.
    for (const [to, serving] of [
      ["log-map", "log-map"],
      ["llrnet-16qam", promoted],
    ] as const) {
      const swap = () => looking.swap("cell", { demapping: to }, { slots: 5 }).catch(({ code }) => code);
      // The thread that served before may not have ended yet.
      await expect.poll(swap, { timeout: 10_000 }).toMatchObject({ lost: 0, outcome: { kept: true } });
      expect(await implementation()).toBe(serving);
    }
    const unknown = () =>
      looking.swap("cell", { demapping: "unheard-of" }, {}).then(
        () => "it is known",
        ({ message }: Error) => message,
      );
    await expect.poll(unknown, { timeout: 10_000 }).toMatch(/log-map, llrnet; or give a model/);

    const [flow] = await looking.flows();
    expect(flow).toMatchObject({ problem: null, slots: { failed: 0, dropped: 0 } });
    reading.abort();
    await read;
    expect(slots).toEqual(slots.map((_, index) => index));
    expect(slots.length).toBeGreaterThan(300);
    client.close();
    looking.close();
    expect(await node.kill("SIGTERM")).toMatchObject({ status: 0 });
  }, 180_000);
});
