import { describe, expect, it } from "vitest";
import type { Kernel, Target } from "../compiler/index.js";
import { type Arena, createArena } from "./arena.js";
import { dataflow } from "./dataflow.js";
import { defineFunction } from "./declaration.js";
import { createFlowInstance } from "./flow-instance.js";
import { feedback } from "./graph.js";
import { float32, int32 } from "./port.js";

/** Counts what it compiles; the kernel adds one to the number at its address. */
function countingTarget(): { target: Target; compiled: string[] } {
  const compiled: string[] = [];
  const target: Target = {
    name: "counting",
    vectorBytes: 16,
    counts: () => ({ compiled: 0, loaded: 0, milliseconds: 0 }),
    compile(kernel, memory) {
      compiled.push(kernel.name);
      const numbers = new Float32Array(memory.buffer);
      return (offset) => {
        numbers[offset / 4] += 1;
        return undefined;
      };
    },
  };
  return { target, compiled };
}

function kernelNamed(name: string): Kernel {
  return { name, arguments: [], body: { arguments: [], operations: [] } } as unknown as Kernel;
}

const add = defineFunction({
  name: "add",
  inputs: { left: float32("element"), right: float32("element") },
  outputs: { sum: float32("element") },
});
add.implement("plain", {
  kind: "model",
  prepare({ inputs, outputs }) {
    const [left, right, sum] = [inputs.left.view, inputs.right.view, outputs.sum.view];
    return () => {
      for (let i = 0; i < sum.length; i++) sum[i] = left[i] + right[i];
    };
  },
});
add.implement("halved", {
  kind: "neural",
  prepare({ inputs, outputs }) {
    const [left, right, sum] = [inputs.left.view, inputs.right.view, outputs.sum.view];
    return () => {
      for (let i = 0; i < sum.length; i++) sum[i] = (left[i] + right[i]) / 2;
    };
  },
});

const scale = defineFunction({
  name: "scale",
  inputs: { values: float32("value") },
  outputs: { scaled: float32("value") },
  parameters: { factor: "number" },
});
scale.implement("plain", {
  kind: "model",
  prepare({ inputs, outputs, parameters }) {
    const [values, scaled, factor] = [inputs.values.view, outputs.scaled.view, parameters.factor];
    return () => {
      for (let i = 0; i < scaled.length; i++) scaled[i] = factor * values[i];
    };
  },
});

const count = defineFunction({
  name: "count",
  inputs: { values: float32("value") },
  outputs: { slots: int32() },
  state: { slots: { dtype: "int32", dimensions: [1], version: 1, initial: [100] } },
});
count.implement("plain", {
  kind: "model",
  prepare({ outputs, state }) {
    const [slots, held] = [outputs.slots.view, state.slots.view];
    return () => {
      slots[0] = ++held[0];
    };
  },
});

const arenaFor = (): Arena => createArena({ bytes: 1 << 20, canaries: true });
const { target } = countingTarget();
const vector = { values: float32("element") };

describe("an instance of a flow", () => {
  it("runs functions in the order of the calls, the same one several times", () => {
    const flow = dataflow("twice", { inputs: vector }, ({ values }) => {
      const doubled = scale({ values }, { parameters: { factor: 2 } });
      return { sum: add({ left: scale({ values: doubled }, { name: "again" }), right: values }) };
    });
    const instance = createFlowInstance(flow, { arena: arenaFor(), target });
    expect(instance.functions).toEqual(["scale", "again", "add"]);
    const configuration = { key: "3", dimensions: { element: 3 }, parameters: { again: { factor: 5 } } };
    const variant = instance.prepare(configuration);
    variant.inputs.values.view.set([1, 2, -3]);
    variant.process();
    expect([...variant.outputs.sum.view]).toEqual([11, 22, -33]);
    expect(instance.prepare(configuration)).toBe(variant);
  });

  it("keeps state over variants of other sizes", () => {
    const flow = dataflow("counted", { inputs: vector }, ({ values }) => ({ slots: count({ values }) }));
    const instance = createFlowInstance(flow, { arena: arenaFor(), target });
    const small = instance.prepare({ key: "small", dimensions: { element: 1 } });
    const large = instance.prepare({ key: "large", dimensions: { element: 1000 } });
    const seen = [small, large, small].map((variant) => {
      variant.process();
      return variant.outputs.slots.view[0];
    });
    expect(seen).toEqual([101, 102, 103]);
    expect(instance.state.count.slots.view[0]).toBe(103);
  });

  it("hands a feedback edge over after exactly one slot, whatever the variant", () => {
    const flow = dataflow("accumulate", { inputs: vector }, ({ values }) => {
      const total = feedback("total", float32("element"), [10, 20]);
      const sum = add({ left: values, right: total });
      total.from(sum);
      return { sum, before: scale({ values: total }, { parameters: { factor: 1 } }) };
    });
    const instance = createFlowInstance(flow, { arena: arenaFor(), target });
    const variants = ["a", "b"].map((key) => instance.prepare({ key, dimensions: { element: 2 } }));
    let expected = [10, 20];
    for (let slot = 0; slot < 6; slot++) {
      const variant = variants[slot % 2];
      variant.inputs.values.view.set([slot, 1]);
      variant.process();
      expect([...variant.outputs.before.view]).toEqual(expected);
      expected = [expected[0] + slot, expected[1] + 1];
      expect([...variant.outputs.sum.view]).toEqual(expected);
    }
    expect(() => instance.prepare({ key: "c", dimensions: { element: 3 } })).toThrow(
      "feedback total is shared by all variants, but has the shape [2] in the variants before and [3] in this one",
    );
  });

  it("uses the implementation named for the node, else for the function, else the first", () => {
    const flow = dataflow("choice", { inputs: vector }, ({ values }) => ({
      first: add({ left: values, right: values }),
      second: add({ left: values, right: values }),
    }));
    const run = (implementations: Record<string, string>): number[] => {
      const variant = createFlowInstance(flow, { arena: arenaFor(), target, implementations }).prepare({
        key: "1",
        dimensions: { element: 1 },
      });
      variant.inputs.values.view[0] = 8;
      variant.process();
      return [variant.outputs.first.view[0], variant.outputs.second.view[0]];
    };
    expect(run({})).toEqual([16, 16]);
    expect(run({ add: "halved" })).toEqual([8, 8]);
    expect(run({ add: "halved", "add-2": "plain" })).toEqual([8, 16]);
    expect(() => run({ add: "best" })).toThrow(/implementations.add: "best".*plain, halved/);
    expect(() => run({ ad: "plain" })).toThrow(/implementations.ad: .* name a function or node: add, add-2/);
  });

  it("drops the variant used least recently, with its memory and kernels", () => {
    const counting = countingTarget();
    const compiling = defineFunction({
      name: "compiling",
      inputs: { values: float32("value") },
      outputs: { scaled: float32("value") },
      parameters: { kernel: "string" },
    });
    compiling.implement("kernel", {
      kind: "model",
      prepare({ outputs, parameters, compile }) {
        const kernel = compile(kernelNamed(parameters.kernel));
        const same = compile(kernelNamed(parameters.kernel));
        return () => {
          kernel(outputs.scaled.offset);
          same(outputs.scaled.offset);
        };
      },
    });
    const flow = dataflow("bounded", { inputs: vector }, ({ values }) => ({ out: compiling({ values }) }));
    const arena = arenaFor();
    const instance = createFlowInstance(flow, { arena, target: counting.target, maximumVariants: 2 });
    const empty = arena.available();
    const prepare = (key: string, kernel: string) =>
      instance.prepare({ key, dimensions: { element: 50 }, parameters: { compiling: { kernel } } });
    const a = prepare("a", "k1");
    const withOne = arena.available();
    const b = prepare("b", "k1");
    expect(counting.compiled).toEqual(["k1"]);
    const kernelsInUse = () =>
      instance
        .kernels()
        .filter(({ inUse }) => inUse)
        .map(({ name }) => name);
    const full = arena.available();
    a.process();
    expect(a.outputs.out.view[0]).toBe(2);
    const c = prepare("c", "k2");
    expect([a.released, b.released, c.released]).toEqual([false, true, false]);
    expect(arena.available().bytes).toBe(full.bytes);
    expect(instance.kernels().map(({ name, target }) => [name, target])).toEqual([
      ["k1", "counting"],
      ["k2", "counting"],
    ]);
    expect(() => b.process()).toThrow(/given back: prepare its configuration again/);
    instance.release("a");
    expect(kernelsInUse()).toEqual(["k2"]);
    expect(arena.available().bytes).toBe(withOne.bytes);
    for (let i = 0; i < 200; i++) prepare(`many ${i}`, `k${i % 3}`).process();
    instance.release("many 198");
    instance.release("many 199");
    expect(arena.available()).toEqual(empty);
    expect(kernelsInUse()).toEqual([]);
    instance.close();
    expect(arena.available().bytes).toBe(createArena({ bytes: 1 << 20 }).available().bytes);
  });

  it("hands an input on as an output without a copy, where type and shape allow it", () => {
    const through = defineFunction({
      name: "through",
      inputs: { x: float32("n"), wide: float32("m") },
      outputs: { y: float32("n") },
      parameters: { input: "string" },
    });
    through.implement("forward", {
      kind: "model",
      prepare({ forward, parameters }) {
        forward("y", parameters.input as "x");
        return () => {};
      },
    });
    const double = defineFunction({
      name: "double",
      inputs: { x: float32("n") },
      outputs: { y: float32("n") },
    });
    double.implement("plain", {
      kind: "model",
      prepare: ({ inputs, outputs }) => {
        return () => {
          outputs.y.view[0] = 2 * inputs.x.view[0];
        };
      },
    });
    const flow = dataflow(
      "forwarding",
      { inputs: { x: float32("n"), wide: float32("m") } },
      ({ x, wide }) => ({
        y: double({ x: through({ x, wide }) }),
      }),
    );
    const instance = createFlowInstance(flow, {
      arena: createArena({ bytes: 1 << 20 }),
      target: countingTarget().target,
    });
    const prepare = (input: string) =>
      instance.prepare({ key: input, dimensions: { n: 1, m: 2 }, parameters: { through: { input } } });
    const { inputs, outputs, process } = prepare("x");
    inputs.x.view[0] = 21;
    process();
    expect(outputs.y.view[0]).toBe(42);
    expect(() => prepare("wide")).toThrow(/cannot forward wide as y: they are float32\[1\] and float32\[2\]/);
  });

  it("leaves no trace of a preparation that fails", () => {
    const failing = defineFunction({
      name: "failing",
      inputs: { values: float32("value") },
      outputs: { out: float32("value") },
    });
    failing.implement("plain", {
      kind: "model",
      prepare({ dimensions, scratch }) {
        scratch("work", "float64", 100);
        if (dimensions.value === 2) throw new Error("not for two");
        return () => undefined;
      },
    });
    const flow = dataflow("fragile", { inputs: vector }, ({ values }) => {
      const back = feedback("back", float32("element"));
      const out = failing({ values: add({ left: values, right: back }) });
      back.from(out);
      return { out };
    });
    const arena = arenaFor();
    const instance = createFlowInstance(flow, { arena, target });
    const before = arena.available();
    expect(() => instance.prepare({ key: "2", dimensions: { element: 2 } })).toThrow("not for two");
    expect(arena.available()).toEqual(before);
    instance.prepare({ key: "3", dimensions: { element: 3 } }).process();
    const small = createArena({ bytes: 1000 });
    expect(() => createFlowInstance(flow, { arena: small, target })).toThrow(/ARENA|asks for/);
    expect(small.available().bytes).toBeGreaterThan(1000);
  });

  it("stops the slot at a function that throws and keeps the feedback edges as they were", () => {
    const moody = defineFunction({
      name: "moody",
      inputs: { values: float32("value") },
      outputs: { out: float32("value") },
    });
    moody.implement("plain", {
      kind: "model",
      prepare:
        ({ inputs, outputs }) =>
        () => {
          if (inputs.values.view[0] < 0) throw new Error("negative");
          outputs.out.view.set(inputs.values.view);
        },
    });
    const flow = dataflow("moods", { inputs: vector }, ({ values }) => {
      const last = feedback("last", float32("element"));
      const seen = scale({ values: last }, { parameters: { factor: 1 } });
      last.from(moody({ values }));
      return { seen };
    });
    const variant = createFlowInstance(flow, { arena: arenaFor(), target }).prepare({
      key: "1",
      dimensions: { element: 1 },
    });
    const slot = (value: number): number => {
      variant.inputs.values.view[0] = value;
      variant.process();
      return variant.outputs.seen.view[0];
    };
    expect(slot(5)).toBe(0);
    expect(() => slot(-1)).toThrow("negative");
    expect(slot(6)).toBe(5);
  });

  it("measures each function and the slot", () => {
    const slow = defineFunction({
      name: "slow",
      inputs: { values: float32("value") },
      outputs: { out: float32("value") },
    });
    slow.implement("plain", {
      kind: "model",
      prepare: () => () => {
        const end = performance.now() + 2;
        while (performance.now() < end);
      },
    });
    const flow = dataflow("timed", { inputs: vector }, ({ values }) => ({
      out: scale({ values: slow({ values }) }, { parameters: { factor: 1 } }),
    }));
    const instance = createFlowInstance(flow, { arena: arenaFor(), target });
    expect(instance.timings().map(({ count, max }) => [count, max])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const variant = instance.prepare({ key: "1", dimensions: { element: 1 } });
    for (let i = 0; i < 10; i++) variant.process();
    const [slowTiming, scaleTiming, slot] = instance.timings();
    expect([slowTiming.name, scaleTiming.name, slot.name]).toEqual(["slow", "scale", "slot"]);
    expect(slowTiming.count).toBe(10);
    expect(slowTiming.p50).toBeGreaterThanOrEqual(2);
    expect(scaleTiming.p50).toBeLessThan(slowTiming.p50);
    expect(slot.max).toBeGreaterThanOrEqual(slowTiming.max);
    expect(slot.p50).toBeLessThanOrEqual(slot.p99);
  });
});

describe("sizes and parameters", () => {
  const flow = dataflow(
    "sized",
    { inputs: { left: float32("one"), right: float32("two") } },
    ({ left, right }) => ({ out: scale({ values: add({ left, right }) }) }),
  );
  const instance = createFlowInstance(flow, { arena: arenaFor(), target });
  const prepare = (
    dimensions: Record<string, number>,
    parameters?: Record<string, Record<string, unknown>>,
  ) =>
    instance.prepare({
      key: JSON.stringify([dimensions, parameters]),
      dimensions,
      ...(parameters && { parameters }),
    });

  it("bind by position and must agree", () => {
    expect(prepare({ one: 3, two: 3 }, { scale: { factor: 1 } }).outputs.out.shape).toEqual([3]);
    expect(() => prepare({ one: 3, two: 4 })).toThrow(
      "add: element is 4 by input right from right, but 3 by input left from left",
    );
    expect(() => prepare({ one: 3, two: 3, value: 7 }, { scale: { factor: 1 } })).toThrow(
      /scale: value is 3 by input values from add.sum, but 7 by the dimensions given .*dimensions: \{ value: "otherName" \}/,
    );
    expect(() => prepare({ one: 3 })).toThrow(
      /dimensions.two: nothing.*give the size of two of input right of flow sized/,
    );
    expect(() => prepare({ one: 3, two: -1 })).toThrow(/dimensions.two: -1.*whole number/);
  });

  it("of a call can have other names in the flow", () => {
    const renamed = dataflow(
      "renamed",
      { inputs: { value: float32("value"), other: float32("other") } },
      (inputs) => ({
        first: scale({ values: inputs.value }, { parameters: { factor: 1 } }),
        second: scale(
          { values: inputs.other },
          { parameters: { factor: 1 }, dimensions: { value: "other" } },
        ),
      }),
    );
    const { outputs } = createFlowInstance(renamed, { arena: arenaFor(), target }).prepare({
      key: "",
      dimensions: { value: 2, other: 3 },
    });
    expect([outputs.first.shape, outputs.second.shape]).toEqual([[2], [3]]);
  });

  it("of an output alone come from the dimensions given", () => {
    const source = defineFunction({ name: "source", inputs: {}, outputs: { out: float32("length") } });
    source.implement("plain", { kind: "model", prepare: () => () => undefined });
    const sourced = createFlowInstance(
      dataflow("sourced", { inputs: {} }, () => ({ out: source({}) })),
      { arena: arenaFor(), target },
    );
    expect(sourced.prepare({ key: "4", dimensions: { length: 4 } }).outputs.out.shape).toEqual([4]);
    expect(() => sourced.prepare({ key: "?", dimensions: {} })).toThrow(
      /dimensions.length: nothing.*length of source/,
    );
  });

  it("refuses parameters that are missing, wrong, unknown, misplaced or fixed by the flow", () => {
    const sizes = { one: 1, two: 1 };
    expect(() => prepare(sizes)).toThrow(/scale.factor: nothing.*give a number/);
    expect(() => prepare(sizes, { scale: { factor: "2" } })).toThrow(/scale.factor: "2"/);
    expect(() => prepare(sizes, { scale: { factor: 2, phase: 1 } })).toThrow(
      /scale.phase: 1.*has the parameters: factor/,
    );
    expect(() => prepare(sizes, { scal: { factor: 2 } })).toThrow(
      /parameters.scal.*name a function or node: add, scale/,
    );
    const fixed = dataflow("fixed", { inputs: vector }, ({ values }) => ({
      out: scale({ values }, { parameters: { factor: 2 } }),
    }));
    const fixedInstance = createFlowInstance(fixed, { arena: arenaFor(), target });
    const parameters = { scale: { factor: 3 } };
    expect(() => fixedInstance.prepare({ key: "", dimensions: { element: 1 }, parameters })).toThrow(
      /scale.factor: 3.*the flow fixes this parameter/,
    );
  });
});
