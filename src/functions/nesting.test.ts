import { describe, expect, it } from "vitest";
import { createArena } from "./arena.js";
import { dataflow } from "./dataflow.js";
import { defineFunction } from "./declaration.js";
import { createFlowInstance } from "./flow-instance.js";
import { feedback, type Handle } from "./graph.js";
import { complex64, float32, int8 } from "./port.js";

const target = {
  name: "none",
  vectorBytes: 16,
  counts: () => ({ compiled: 0, loaded: 0, milliseconds: 0 }),
  compile(): never {
    throw new Error("nothing to compile here");
  },
};

/** y = x + offset, and counts its slots. */
const shift = defineFunction({
  name: "shift",
  inputs: { x: float32("n") },
  outputs: { y: float32("n") },
  parameters: { offset: "number" },
  state: { count: { dtype: "int32", dimensions: [1], version: 1 } },
});
shift.implement("plain", {
  kind: "model",
  prepare:
    ({ inputs, outputs, parameters, state }) =>
    () => {
      for (let i = 0; i < outputs.y.view.length; i++)
        outputs.y.view[i] = inputs.x.view[i] + parameters.offset;
      state.count.view[0]++;
    },
});

/** y = x * x. */
const square = defineFunction({ name: "square", inputs: { x: float32("m") }, outputs: { y: float32("m") } });
square.implement("plain", {
  kind: "model",
  prepare:
    ({ inputs, outputs }) =>
    () => {
      for (let i = 0; i < outputs.y.view.length; i++) outputs.y.view[i] = inputs.x.view[i] ** 2;
    },
});

/** y = a + b. */
const sum = defineFunction({
  name: "sum",
  inputs: { a: float32("k"), b: float32("k") },
  outputs: { y: float32("k") },
});
sum.implement("plain", {
  kind: "model",
  prepare:
    ({ inputs, outputs }) =>
    () => {
      for (let i = 0; i < outputs.y.view.length; i++) outputs.y.view[i] = inputs.a.view[i] + inputs.b.view[i];
    },
});

/** The running sum of (x + offset)², as a composition. */
function runningSquares(x: Handle<"float32">): Handle<"float32"> {
  const total = feedback("total", float32("n"));
  const y = sum({ a: square({ x: shift({ x }) }), b: total });
  total.from(y);
  return y;
}

const signature = {
  inputs: { x: float32("n") },
  outputs: { y: float32("n") },
  parameters: { offset: "number" },
} as const;

const inner = dataflow("inner", { inputs: { x: float32("n") } }, ({ x }) => ({ y: runningSquares(x) }));
const block = defineFunction({ name: "block", ...signature });
block.implement("flow", { kind: "neural", flow: inner });
const outerBlock = defineFunction({ name: "outer-block", ...signature });
outerBlock.implement("flow", {
  kind: "neural",
  flow: dataflow("around", { inputs: { x: float32("samples") } }, ({ x }) => ({ y: block({ x }) })),
});

function run(
  flow: ReturnType<typeof flowWith>,
  parameters: Record<string, Record<string, unknown>>,
): number[][] {
  const instance = createFlowInstance(flow, {
    arena: createArena({ bytes: 1 << 20, canaries: true }),
    target,
  });
  const variant = instance.prepare({ key: "", dimensions: { n: 3, samples: 3 }, parameters });
  const results: number[][] = [];
  for (let slot = 0; slot < 5; slot++) {
    variant.inputs.x.view.set([slot, -slot, 0.5]);
    variant.process();
    results.push([...variant.outputs.y.view]);
  }
  return results;
}

function flowWith(build: (x: Handle<"float32">) => Handle<"float32">) {
  return dataflow("root", { inputs: { x: float32("n") } }, ({ x }) => ({ y: build(x) }));
}

describe("a flow that implements a function", () => {
  it("gives what the same functions give inline, at any depth", () => {
    const inline = run(flowWith(runningSquares), { shift: { offset: 2 } });
    expect(inline[1]).toEqual([4 + 9, 4 + 1, 6.25 * 2]);
    expect(
      run(
        flowWith((x) => block({ x })),
        { block: { offset: 2 } },
      ),
    ).toEqual(inline);
    expect(
      run(
        flowWith((x) => block({ x })),
        { block: { offset: 0 }, "block/shift": { offset: 2 } },
      ),
    ).toEqual(inline);
    expect(
      run(
        flowWith((x) => outerBlock({ x })),
        { "outer-block": { offset: 2 } },
      ),
    ).toEqual(inline);
  });

  it("takes parameters for functions of implementations that are not chosen, but no choice for them", () => {
    const either = defineFunction({ name: "either", ...signature });
    either.implement("flow", { kind: "neural", flow: inner });
    either.implement("none", {
      kind: "model",
      prepare: ({ inputs, outputs }) => {
        return () => outputs.y.view.set(inputs.x.view);
      },
    });
    const flow = flowWith((x) => either({ x }));
    const create = (implementations: Record<string, string>) =>
      createFlowInstance(flow, { arena: createArena({ bytes: 1 << 20 }), target, implementations });
    const parameters = { either: { offset: 1 }, shift: { offset: 3 }, "either/shift": { offset: 2 } };
    const outputs = ["flow", "none"].map((name) => {
      const variant = create({ either: name }).prepare({ key: "", dimensions: { n: 1 }, parameters });
      variant.inputs.x.view[0] = 1;
      variant.process();
      return variant.outputs.y.view[0];
    });
    expect(outputs).toEqual([9, 1]);
    expect(() => create({ either: "none", shift: "plain" })).toThrow(/implementations.shift/);
    const unknown = { parameters: { ...parameters, shfit: { offset: 3 } } };
    expect(() => create({}).prepare({ key: "", dimensions: { n: 1 }, ...unknown })).toThrow(
      /parameters.shfit/,
    );
  });

  it("runs as its functions, each measured and with its own state", () => {
    const flow = flowWith((x) => outerBlock({ x: block({ x }) }));
    const instance = createFlowInstance(flow, { arena: createArena({ bytes: 1 << 20 }), target });
    const inside = ["shift", "square", "sum"];
    expect(instance.functions).toEqual([
      ...inside.map((name) => `block/${name}`),
      ...inside.map((name) => `outer-block/block/${name}`),
    ]);
    expect(Object.keys(instance.state)).toEqual(["block/shift", "outer-block/block/shift"]);
  });

  it("hands the state of the function down to the one that keeps it", () => {
    const count = { dtype: "int32", dimensions: [1], version: 1 } as const;
    const keeper = (version: number) =>
      defineFunction({ name: "keeper", ...signature, state: { count: { ...count, version } } });
    const good = keeper(1);
    good.implement("flow", { kind: "neural", flow: inner });
    const flow = flowWith((x) => good({ x }));
    const create = (from: typeof flow) =>
      createFlowInstance(from, { arena: createArena({ bytes: 1 << 20 }), target });
    const instance = create(flow);
    const variant = instance.prepare({
      key: "",
      dimensions: { n: 1 },
      parameters: { keeper: { offset: 1 } },
    });
    variant.process();
    expect(instance.state.keeper.count.view[0]).toBe(1);
    expect(instance.state["keeper/shift"].count).toBe(instance.state.keeper.count);

    const other = keeper(2);
    other.implement("flow", { kind: "neural", flow: inner });
    expect(() => create(flowWith((x) => other({ x })))).toThrow(
      "state count of keeper/shift is int32[1] version 1, but the function around it has int32[1] version 2",
    );
    const nobody = keeper(1);
    const stateless = dataflow("stateless", { inputs: { x: float32("n") } }, ({ x }) => ({
      y: square({ x }),
    }));
    nobody.implement("flow", { kind: "neural", flow: stateless });
    expect(() => create(flowWith((x) => nobody({ x })))).toThrow(/flow stateless.* keeps its state count/);
    const both = keeper(1);
    const twice = dataflow("twice", { inputs: { x: float32("n") } }, ({ x }) => ({
      y: shift({ x: shift({ x }) }),
    }));
    both.implement("flow", { kind: "neural", flow: twice });
    expect(() => create(flowWith((x) => both({ x })))).toThrow(
      /kept by both keeper\/shift and keeper\/shift-2/,
    );
  });

  it("sizes the dimensions that its states name as the instance is told", () => {
    const state = { line: { dtype: "float32", dimensions: [2, "delay"], version: 1 } } as const;
    const delayed = defineFunction({ name: "delayed", ...signature, parameters: {}, state });
    delayed.implement("plain", {
      kind: "model",
      prepare({ inputs, outputs, state }) {
        const [, delay] = state.line.shape as [number, number];
        return () => {
          outputs.y.view.set(state.line.view.subarray(0, 1));
          state.line.view.copyWithin(0, 1, delay).set(inputs.x.view, delay - 1);
        };
      },
    });
    const around = defineFunction({ name: "around", ...signature, parameters: {}, state });
    around.implement("flow", {
      kind: "model",
      flow: dataflow("inside", { inputs: { x: float32("n") } }, ({ x }) => ({ y: delayed({ x }) })),
    });
    const create = (stateDimensions?: Record<string, number>) =>
      createFlowInstance(
        flowWith((x) => around({ x })),
        { arena: createArena({ bytes: 1 << 20 }), target, ...(stateDimensions && { stateDimensions }) },
      );
    const instance = create({ delay: 3 });
    expect(instance.state.around.line.shape).toEqual([2, 3]);
    const variant = instance.prepare({ key: "", dimensions: { n: 1 } });
    const received = [1, 2, 3, 4, 5].map((value) => {
      variant.inputs.x.view[0] = value;
      variant.process();
      return variant.outputs.y.view[0];
    });
    expect(received).toEqual([0, 0, 0, 1, 2]);
    const refusal = "give the size of delay of state around.line, a whole number from 0";
    for (const wrong of [undefined, {}, { delay: -1 }, { delay: 1.5 }]) {
      expect(() => create(wrong)).toThrow(refusal);
    }
    expect(() => create({ delay: 3, depth: 2 })).toThrow("name a state's dimension: delay");
  });

  it("must fit by the names, types and ranks of its ports", () => {
    const wide = defineFunction({
      name: "wide",
      inputs: { x: float32("n"), extra: int8("bit") },
      outputs: { y: float32("n") },
      parameters: { offset: "number" },
    });
    wide.implement("flow", { kind: "neural", flow: inner });
    const implementBy = (inputs: { [name: string]: ReturnType<typeof float32> }, output: string) => () =>
      defineFunction({ name: "f", inputs: { x: float32("n") }, outputs: { y: float32("n") } }).implement(
        "flow",
        {
          kind: "model",
          flow: dataflow("g", { inputs }, (handles) => ({
            [output]: square({ x: Object.values(handles)[0] }),
          })),
        },
      );
    expect(implementBy({ x: float32("other") }, "y")).not.toThrow();
    expect(implementBy({ z: float32("n") }, "y")).toThrow(
      "input z of f, implemented as flow by flow g: the function has only x",
    );
    expect(implementBy({ x: float32("n") }, "z")).toThrow(
      "output y of f, implemented as flow by flow g: the flow has only z",
    );
  });

  it("cannot be part of itself", () => {
    const a = defineFunction({ name: "a", inputs: { x: float32("n") }, outputs: { y: float32("n") } });
    const b = defineFunction({ name: "b", inputs: { x: float32("n") }, outputs: { y: float32("n") } });
    const by = (f: typeof a) =>
      dataflow("cyclic", { inputs: { x: float32("n") } }, ({ x }) => ({ y: f({ x }) }));
    a.implement("through b", { kind: "model", flow: by(b) });
    b.implement("through a", { kind: "model", flow: by(a) });
    const create = () =>
      createFlowInstance(
        flowWith((x) => a({ x })),
        { arena: createArena({ bytes: 1 << 20 }), target },
      );
    expect(create).toThrow("a/b/a would be part of itself: a as through b > b as through a > a as through b");
  });
});

describe("a flow is refused at build, with the place named", () => {
  const inputs = { x: float32("n"), z: complex64("n"), grid: float32("antenna", "n") };
  const build =
    (body: (handles: { x: Handle<"float32">; z: Handle<"complex64">; grid: Handle<"float32"> }) => unknown) =>
    () =>
      dataflow("bad", { inputs }, (handles) => {
        body(handles);
        return {};
      });

  it("for a loop that is not closed, or closed without a function between", () => {
    expect(build(() => feedback("loop", float32("n")))).toThrow(/feedback loop of flow bad is never fed/);
    expect(
      build(() => {
        const loop = feedback("loop", float32("n"));
        loop.from(loop);
      }),
    ).toThrow("feedback loop must come from the output of a function");
    expect(
      build(() => feedback("loop", float32("n")).from(square({ x: feedback("loop", float32("n")) }))),
    ).toThrow(/two feedback edges named loop/);
  });

  it("for types and ranks that differ", () => {
    // @ts-expect-error complex64 is not float32
    expect(build(({ z }) => square({ x: z }))).toThrow(
      "input x of square in flow bad takes float32[m], not complex64[n]",
    );
    expect(build(({ grid }) => square({ x: grid }))).toThrow(
      "input x of square in flow bad takes float32[m] with 1 dimensions, not float32[antenna, n] with 2",
    );
    expect(build(({ grid }) => feedback("loop", float32("n")).from(sum({ a: grid, b: grid })))).toThrow(
      /PORT|takes/,
    );
  });

  it("for inputs that are missing, unknown or no handles", () => {
    // @ts-expect-error b is missing
    expect(build(({ x }) => sum({ a: x }))).toThrow("sum in flow bad lacks its input b");
    // @ts-expect-error no such input
    expect(build(({ x }) => square({ x, w: x }))).toThrow("square has no input w; its inputs are: x");
    // @ts-expect-error not a handle
    expect(build(() => square({ x: 5 }))).toThrow(/input x of square is not a handle/);
    expect(build(({ x }) => square({ x }, { dimensions: { n: "m" } }))).toThrow(
      /square.dimensions: "n".*name one of m/,
    );
  });

  it("for names that are taken, foreign handles, and calls outside of a builder", () => {
    expect(build(({ x }) => [square({ x }, { name: "s" }), square({ x }, { name: "s" })])).toThrow(
      /two nodes named s/,
    );
    let leaked: Handle<"float32"> | undefined;
    build(({ x }) => {
      leaked = x;
    })();
    expect(build(() => square({ x: leaked as Handle<"float32"> }))).toThrow(/comes from flow bad, not from/);
    expect(() => square({ x: leaked as Handle<"float32"> })).toThrow(/call it inside dataflow/);
    expect(() => dataflow("bad", { inputs }, ({ x }) => ({ out: x }))).toThrow(
      /output out of flow bad is input x itself/,
    );
    const f = defineFunction({ name: "f", inputs: {}, outputs: {} });
    f.implement("one", { kind: "model", prepare: () => () => undefined });
    expect(() => f.implement("one", { kind: "model", prepare: () => () => undefined })).toThrow(
      /already has/,
    );
    const flow = flowWith((x) => defineFunction({ name: "empty", ...signature })({ x }));
    expect(() => createFlowInstance(flow, { arena: createArena({ bytes: 1 << 20 }), target })).toThrow(
      "empty has no implementation",
    );
  });
});
