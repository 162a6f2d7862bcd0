import { describe, expect, it } from "vitest";
import { bindDimensions, openDimensions, sizesOf } from "./dimensions.js";
import { type Graph, type GraphNode, onnxModel } from "./graph.js";
import { float32Tensor, int64Tensor, type Tensor } from "./tensor.js";
import { typeGraph } from "./type-graph.js";

const node = (operator: string, inputs: string[], output: string): GraphNode => ({
  name: output,
  operator,
  domain: "",
  inputs,
  outputs: [output],
  attributes: {},
});

const graph: Graph = {
  name: "graph",
  inputs: [
    { name: "x", type: { elementType: "float32", shape: ["batch", 3] } },
    { name: "h", type: { elementType: "float32", shape: ["taps", "batch", 1] } },
  ],
  outputs: [{ name: "y", type: { elementType: "float32", shape: ["taps", "batch", "other"] } }],
  initializers: new Map<string, Tensor>([
    ["weight", float32Tensor([1, 2, 3])],
    ["two", int64Tensor([2], [])],
    ["five", int64Tensor([5], [])],
  ]),
  nodes: [
    node("Mul", ["x", "weight"], "weighted"),
    node("Mul", ["weighted", "h"], "y"),
    node("Mul", ["two", "five"], "ten"),
  ],
};
const model = onnxModel(graph);

describe("dimensions", () => {
  it("that inputs leave open are bound to sizes, those of outputs where they bear their names", () => {
    expect(openDimensions(graph)).toEqual(["batch", "taps"]);
    const bound = bindDimensions(graph, { batch: 4, taps: 2 });
    expect(bound.inputs.map(({ type }) => type.shape)).toEqual([
      [4, 3],
      [2, 4, 1],
    ]);
    expect(bound.outputs[0]!.type.shape).toEqual([2, 4, "other"]);
  });

  it.each([
    { sizes: { batch: 4 }, message: 'dimension "taps": nothing is given' },
    { sizes: { batch: 4, taps: 2, other: 1 }, message: "this graph leaves batch, taps open" },
    { sizes: { batch: 0, taps: 2 }, message: 'dimension "batch": 0 is not accepted' },
    { sizes: { batch: 1.5, taps: 2 }, message: 'dimension "batch": 1.5 is not accepted' },
    { sizes: { batch: 2 ** 31, taps: 2 }, message: 'dimension "batch"' },
  ])("are refused for $sizes", ({ sizes, message }) => {
    expect(() => bindDimensions(graph, sizes)).toThrow(message);
  });

  it("named like what every object has are open as others are", () => {
    const input = { name: "x", type: { elementType: "float32", shape: ["constructor"] } } as const;
    expect(() => bindDimensions({ ...graph, inputs: [input] }, {})).toThrow(
      '"constructor": nothing is given',
    );
  });

  it("follow from inputs, which must agree about them", () => {
    const x = float32Tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    expect(sizesOf(graph, { x, h: float32Tensor([1, 2, 3, 4], [2, 2, 1]) })).toEqual({ batch: 2, taps: 2 });
    const contradicting = { x, h: float32Tensor([1, 2, 3], [1, 3, 1]) };
    expect(() => sizesOf(graph, contradicting)).toThrow("give float32 [taps = 1, batch = 2, 1]");
    expect(() => sizesOf(graph, { x })).toThrow('input "h": nothing is given');
    expect(() => sizesOf(graph, { x, z: x })).toThrow('input: "z" is not accepted; give x, h');
    expect(() => sizesOf(graph, { x: int64Tensor([1, 2, 3], [1, 3]) })).toThrow("give float32");
  });
});

describe("types of a graph", () => {
  it("are known for all values, and the values of what depends on small constants only", () => {
    const typed = typeGraph(model, { batch: 4, taps: 2 });
    expect(typed.types.get("y")).toEqual({ elementType: "float32", shape: [2, 4, 3] });
    expect(typed.constantOf("ten")).toEqual({ elementType: "int64", shape: [], data: Float64Array.of(10) });
    expect(typed.constantOf("y")).toBeUndefined();
  });

  it("are refused where a node does not fit, or a value is larger than anybody could hold", () => {
    const unfit = { ...graph, nodes: [node("Mul", ["x", "unfit"], "y")] };
    const initializers = new Map([["unfit", float32Tensor([1, 2])]]);
    expect(() => typeGraph(onnxModel({ ...unfit, initializers }), { batch: 4, taps: 2 })).toThrow(
      "broadcast",
    );
    expect(() => typeGraph(model, { batch: 2 ** 30, taps: 2 })).toThrow("at most 1073741824 elements");
    expect(() => typeGraph(model, { batch: 2 ** 28, taps: 4 })).toThrow("shape of an output of node y");
    const unknown = { ...graph, nodes: [node("Nothing", ["x"], "y")] };
    expect(() => typeGraph(onnxModel(unknown), { batch: 1, taps: 1 })).toThrow(
      'operator of node y: "Nothing" is not accepted',
    );
  });

  it("cost a bounded time, whatever constants a file has computed", () => {
    // Each product of 4,096 elements is computed; all of 2^14 would take a while, and a file may hold millions.
    const large = float32Tensor(new Float32Array(4096));
    const nodes = Array.from({ length: 2 ** 14 }, (_, at) => node("Mul", ["large", "large"], `product${at}`));
    const initializers = new Map([["large", large]]);
    const typed = typeGraph(onnxModel({ ...graph, inputs: [], outputs: [], initializers, nodes }), {});
    expect(typed.constantOf("product0")).toBeDefined();
    expect(typed.constantOf(`product${2 ** 14 - 1}`)).toBeUndefined();
    expect(typed.types.get(`product${2 ** 14 - 1}`)).toEqual({ elementType: "float32", shape: [4096] });
  });
});
