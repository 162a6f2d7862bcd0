import { describe, expect, it } from "vitest";
import { normal, randomNetwork } from "../../../../test/neural/random-networks.js";
import { availableTargets, floatLanes, openTarget } from "../../../compiler/index.js";
import { createRandom } from "../../../system/index.js";
import { interpret } from "../../interpreter/interpret.js";
import { bodyShape } from "./body.js";
import { networkKernel, workspaceLength } from "./network-kernel.js";
import { planNetwork } from "./rules.js";

const PAGES = 8;
const END = PAGES * 65536;

describe.each(availableTargets())("a network's kernel on %s", (name) => {
  const target = openTarget(name);
  const random = createRandom(11);
  const features = [
    [3, ["dense", "relu", "dense"]],
    [2, ["dense", "tanh", "wide"]],
    [8, ["offset"]],
    [1, ["abs"]],
    [70, ["abs"]],
    [40, ["pictures", "wide", "tanh"]],
  ] as const;

  it.each(features)("takes batches of any size of %i features and touches nothing else", (count, layers) => {
    const model = randomNetwork(layers, count, random);
    const { plan, table } = planNetwork(model);
    const shape = { plan, body: bodyShape(target) };
    const outputs = plan.outputs[0]!.features;
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
    const run = target.compile(networkKernel(shape), memory);
    const tableAt = 0;
    const workspaceAt = 4 * Math.ceil(table.length);
    const numbers = new Float32Array(memory.buffer);
    for (const batch of [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100]) {
      numbers.fill(12345);
      numbers.set(table, tableAt);
      const inputs = normal(random, [Math.max(batch, 1), count]);
      // The inputs are the last numbers of the memory: WebAssembly traps behind it.
      const source = END - 4 * batch * count;
      numbers.set(inputs.data.subarray(0, batch * count), source / 4);
      const to = 4 * (source / 4 - batch * outputs - 3);
      run(source, to, tableAt, workspaceAt, batch);
      const workspaceEnd = workspaceAt / 4 + workspaceLength(shape);
      expect(numbers.subarray(workspaceEnd, to / 4).every((one) => one === 12345)).toBe(true);
      expect([...numbers.subarray(source / 4 - 3, source / 4)]).toEqual([12345, 12345, 12345]);
      if (batch === 0) continue;
      const { data } = interpret(model, { x: inputs }).y!;
      for (let k = 0; k < batch * outputs; k++) expect(numbers[to / 4 + k]).toBeCloseTo(data[k]!, 4);
    }
  });

  it("reads a sample's numbers from several ports", () => {
    const model = randomNetwork(["dense", "relu", "dense"], 3, random);
    const { plan, table } = planNetwork(model);
    const shape = { plan, body: bodyShape(target), sources: [2, 1] };
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
    const run = target.compile(networkKernel(shape), memory);
    const samples = 2 * floatLanes(target) + 5;
    const numbers = new Float32Array(memory.buffer);
    const inputs = normal(random, [samples, 3]);
    const [symbols, noise, to, tableAt, workspaceAt] = [0, 4096, 8192, 65536, 131072];
    inputs.data.forEach((one, k) => {
      const sample = Math.floor(k / 3);
      if (k % 3 < 2) numbers[symbols / 4 + 2 * sample + (k % 3)] = one;
      else numbers[noise / 4 + sample] = one;
    });
    numbers.set(table, tableAt / 4);
    run(symbols, noise, to, tableAt, workspaceAt, samples);
    const { data } = interpret(model, { x: inputs }).y!;
    data.forEach((one, k) => {
      expect(numbers[to / 4 + k]).toBeCloseTo(one, 4);
    });
  });

  it("is the same code for other weights", () => {
    const model = randomNetwork(["dense", "relu", "offset", "dense"], 2, random);
    const { graph } = model;
    const doubled = [...graph.initializers].map(
      ([key, { elementType, shape, data }]) =>
        [
          key,
          { elementType, shape, data: Float32Array.from(data as Float32Array, (one) => 2 * one) },
        ] as const,
    );
    const other = { ...model, graph: { ...graph, initializers: new Map(doubled) } };
    const names = [model, other].map((one) => {
      const { plan, table } = planNetwork(one);
      return { name: networkKernel({ plan, body: bodyShape(target) }).name, first: table[0] };
    });
    expect(names[1]!.name).toBe(names[0]!.name);
    expect(names[1]!.first).not.toBe(names[0]!.first);
  });
});
