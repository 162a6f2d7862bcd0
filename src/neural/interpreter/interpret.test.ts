import { InferenceSession } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  bytesOf,
  foreignInputs,
  foreignNetworks,
  foreignSizes,
  ortTensors,
} from "../../../test/neural/foreign-networks.js";
import type { Graph, GraphNode } from "../graph/graph.js";
import { float32Tensor, tensor } from "../graph/tensor.js";
import { typeGraph } from "../graph/type-graph.js";
import { readOnnx } from "../onnx/index.js";
import { numeric } from "../operators/numeric.js";
import { interpret } from "./interpret.js";

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
  inputs: [{ name: "x", type: { elementType: "float32", shape: ["batch"] } }],
  outputs: ["y", "x", "bias"].map((name) => ({ name, type: { elementType: "float32", shape: ["batch"] } })),
  initializers: new Map([["bias", float32Tensor([0.5, 0.25])]]),
  nodes: [
    node("Mul", ["x", "x"], "square"),
    node("Add", ["square", "bias"], "shifted"),
    node("Mul", ["shifted", "square"], "y"),
  ],
};

describe("a graph", () => {
  it("is computed in double precision from tensors of either form; inputs and initializers may be outputs", () => {
    // 2^-30 is lost beside 1 in single precision.
    const x = Float64Array.of(2 ** -15, 1 + 2 ** -30);
    const { y, x: again, bias } = interpret(graph, { x: numeric("float32", [2], x) });
    const expected = [0.5, 0.25].map((shift, at) => (x[at]! ** 2 + shift) * x[at]! ** 2);
    expect([...y!.data]).toEqual(expected);
    expect(again!.data).toEqual(x);
    expect([...bias!.data]).toEqual([0.5, 0.25]);
    expect([...interpret(graph, { x: float32Tensor([2, 3]) }).y!.data]).toEqual([18, 83.25]);
  });

  it("is refused with inputs that do not fit, before anything is computed", () => {
    expect(() => interpret(graph, {})).toThrow('input "x": nothing is given');
    expect(() => interpret(graph, { x: float32Tensor([1, 2, 3]) })).toThrow("broadcast");
    expect(() => interpret(graph, { x: tensor("float64", [2]) })).toThrow("give float32 [batch]");
    const outer = {
      ...graph,
      inputs: ["x", "z"].map((name) => ({
        name,
        type: { elementType: "float32" as const, shape: name === "x" ? ["a", 1] : [1, "b"] },
      })),
      nodes: [node("Mul", ["x", "z"], "y")],
    };
    const [x, z] = [tensor("float32", [2 ** 16, 1]), tensor("float32", [1, 2 ** 16])];
    expect(() => interpret(outer, { x, z })).toThrow("give smaller inputs");
  });
});

describe.each(foreignNetworks)("the network $name", (network) => {
  it.skipIf(!network.isThere)(
    "gives what ONNX Runtime computes, of the types that are inferred",
    async () => {
      const bytes = bytesOf(network);
      const model = readOnnx(bytes);
      const inputs = foreignInputs(model, 1, 72);
      const outputs = interpret(model, inputs);
      const { types } = typeGraph(model, foreignSizes(model, 1));
      const expected = await (await InferenceSession.create(bytes)).run(ortTensors(inputs));
      // The interpreter does not round to float16 in between, ONNX Runtime does.
      const tolerance = network.name.includes("16qam") ? 1e-2 : 1e-4;
      for (const { name } of model.graph.outputs) {
        const { data, dims } = expected[name]!;
        const numbers = data as Float32Array;
        expect(outputs[name]!.shape).toEqual(dims);
        expect(types.get(name)).toEqual({ elementType: outputs[name]!.elementType, shape: dims });
        const largest = Math.max(...numbers.map(Math.abs));
        const worst = Math.max(...outputs[name]!.data.map((value, at) => Math.abs(value - numbers[at]!)));
        expect(largest).toBeGreaterThan(0.1);
        expect(worst / largest).toBeLessThan(tolerance);
      }
    },
  );
});
