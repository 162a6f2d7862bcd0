/** Networks in the slot path, with real ONNX Runtime in a real thread (invariants in inference-protocol.ts). */

import { syncBuiltinESMExports } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import workerThreads, { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { createRandom, openClock, residentMemory } from "../../system/index.js";
import { openSession } from "../engines/onnxruntime/session.js";
import { int, ints, type OnnxModel, onnxModel } from "../graph/graph.js";
import { float32Tensor, type Tensor, tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";
import { writeOnnx } from "../onnx/index.js";
import type { SlotContext } from "./slot-network.js";

/** All threads that are started, so that one can be ended from outside. */
const started: Worker[] = [];
const original = workerThreads.Worker;
workerThreads.Worker = class extends Worker {
  constructor(...parameters: ConstructorParameters<typeof Worker>) {
    super(...parameters);
    started.push(this);
  }
};
syncBuiltinESMExports();
const { openSlotNetwork } = await import("./slot-network.js");
afterAll(() => {
  workerThreads.Worker = original;
  syncBuiltinESMExports();
});

const readClock = openClock();
const clock = new Float64Array(1);
/** The instant in so many milliseconds; forever unless given. */
function within(milliseconds = Number.POSITIVE_INFINITY): Float64Array {
  readClock(clock, 0);
  return Float64Array.of(clock[0]! + milliseconds);
}

function open(model: OnnxModel, dimensions: Record<string, number> = {}) {
  const releases: (() => void)[] = [];
  const target: Partial<SlotContext["target"]> = {};
  const context = {
    target,
    whenReleased: (give: () => void) => void releases.push(give),
  } as unknown as SlotContext;
  const network = openSlotNetwork(model, { engine: "onnxruntime", dimensions }, context);
  return {
    ...network,
    release: () => {
      for (const give of releases) give();
    },
  };
}

/** Two dense layers. */
function dense(weight = 1): OnnxModel {
  const random = createRandom(7);
  const parameters = (...shape: number[]): Tensor => {
    const one = tensor("float32", shape);
    return { ...one, data: one.data.map(() => weight * random.gaussian()) };
  };
  const network = networkBuilder("dense");
  const x = network.input("x", "float32", ["batch", 2]);
  const hidden = network.add("Relu", [
    network.add("Gemm", [x, network.constant(parameters(2, 16)), network.constant(parameters(16))]),
  ]);
  const y = network.add("Gemm", [
    hidden,
    network.constant(parameters(16, 4)),
    network.constant(parameters(4)),
  ]);
  network.output("y", y, ["batch", 4]);
  return onnxModel(network.graph());
}

/** Convolutions of 5 billion multiplications and additions, which take a processor 100 ms. */
function slow(): OnnxModel {
  const type = { elementType: "float32", shape: [1, 64, 256, 256] } as const;
  const node = (name: string, from: string, to: string) => ({
    name,
    operator: "Conv",
    domain: "",
    inputs: [from, "w"],
    outputs: [to],
    attributes: { pads: ints([1, 1, 1, 1]), group: int(1) },
  });
  return onnxModel({
    name: "slow",
    inputs: [{ name: "x", type }],
    outputs: [{ name: "y", type }],
    initializers: new Map([["w", tensor("float32", [64, 64, 3, 3])]]),
    nodes: [node("one", "x", "h"), node("two", "h", "y")],
  });
}

/** Memory of the process once what nothing refers to is gone, and what threads have let go of. */
async function occupied(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let n = 0; n < 3; n++) {
    await pause(100);
    collect();
  }
  return residentMemory(process.pid)?.anonymous_bytes ?? 0;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("a network in the slot path, run by ONNX Runtime", () => {
  it("gives what a session in this thread gives, again and again", async () => {
    const network = open(dense(), { batch: 8 });
    const session = await openSession(writeOnnx(dense()));
    const random = createRandom(1);
    for (let run = 0; run < 20; run++) {
      const x = float32Tensor(
        Float32Array.from({ length: 16 }, () => random.gaussian()),
        [8, 2],
      );
      network.inputs.x!.data.set(x.data as never);
      expect(network.run(within())).toBe("done");
      const { y } = await session.run({ x });
      expect(Array.from(network.outputs.y!.data as Float32Array)).toEqual(
        Array.from(y!.data as Float32Array),
      );
    }
    expect(network.outputs.y!.shape).toEqual([8, 4]);
    network.release();
    await session.release();
  });

  it("is late when the deadline passes, unavailable while it still runs, and discards the late answer (1, 2)", async () => {
    const network = open(slow());
    const other = open(dense(), { batch: 1 });
    network.inputs.x!.data.fill(1 as never);
    const begin = performance.now();
    expect(network.run(within())).toBe("done");
    const middle = performance.now();
    expect(network.run(within(2))).toBe("late");
    expect(performance.now() - middle).toBeLessThan(middle - begin);
    // Another network of this thread waits for the same inference thread: it would be late, too, and is not even asked.
    other.inputs.x!.data.set([1, -2] as never);
    let refused = 0;
    let answer = other.run(within());
    while (answer === "unavailable") {
      refused++;
      expect(network.run(within())).toBe("unavailable");
      await pause(1);
      answer = other.run(within());
    }
    expect(answer).toBe("done");
    expect(refused).toBeGreaterThan(0);
    const session = await openSession(writeOnnx(dense()));
    const { y } = await session.run({ x: float32Tensor([1, -2], [1, 2]) });
    expect(Array.from(other.outputs.y!.data as Float32Array)).toEqual(Array.from(y!.data as Float32Array));
    expect(network.run(within())).toBe("done");
    network.release();
    other.release();
    await session.release();
  });

  it("tells what is not finite", () => {
    for (const weight of [Number.NaN, 1e38]) {
      const network = open(dense(weight), { batch: 2 });
      network.inputs.x!.data.fill(1e3 as never);
      expect(network.run(within())).toBe("not finite");
      network.release();
    }
    const network = open(dense(), { batch: 2 });
    network.inputs.x!.data.set([Number.NaN, 0, 1, 1] as never);
    expect(network.run(within())).toBe("not finite");
    network.inputs.x!.data.fill(0 as never);
    expect(network.run(within())).toBe("done");
    network.release();
  });

  it("is released while it runs", async () => {
    const network = open(slow());
    expect(network.run(within(2))).toBe("late");
    network.release();
    // Opening waits for the run and the release behind it.
    const next = open(dense(), { batch: 1 });
    expect(next.run(within())).toBe("done");
    expect(network.run(within(10))).toBe("unavailable");
    next.release();
  });

  it("refuses what ONNX Runtime lacks, by operator and node, and goes on", () => {
    const model = dense();
    const nodes = model.graph.nodes.map((node, k) => (k === 0 ? { ...node, operator: "Frobnicate" } : node));
    const broken = { ...model, graph: { ...model.graph, nodes } };
    const field = `operator of node ${nodes[0]!.name}`;
    let error: unknown;
    try {
      open(broken, { batch: 1 });
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: "INPUT_INVALID", field, value: "Frobnicate" });
    expect(() => open(dense(), {})).toThrow(/dimensions.batch/);
    const network = open(dense(), { batch: 1 });
    expect(network.run(within())).toBe("done");
    network.release();
  });

  it("is unavailable once its thread is gone; what is opened then has another", async () => {
    const network = open(dense(), { batch: 1 });
    expect(network.run(within())).toBe("done");
    const before = started.length;
    await started.at(-1)!.terminate();
    expect(network.run(within(50))).toBe("unavailable");
    const next = open(dense(), { batch: 1 });
    expect(started.length).toBe(before + 1);
    expect(next.run(within())).toBe("done");
    for (const one of [network, next]) one.release();
  });

  it("may be opened and released a hundred times without taking more and more memory", async () => {
    const cycle = (): void => {
      const network = open(dense(), { batch: 1024 });
      expect(network.run(within())).toBe("done");
      network.release();
    };
    for (let n = 0; n < 200; n++) cycle();
    const before = await occupied();
    for (let n = 0; n < 200; n++) {
      cycle();
      if (n % 20 === 0) await pause(1);
    }
    const grown = (await occupied()) - before;
    // Each has 24 KiB of inputs and outputs and a session of some 100 KiB; kept, they would be 24 MB.
    expect(grown).toBeLessThan(14 * 2 ** 20);
  });
});
