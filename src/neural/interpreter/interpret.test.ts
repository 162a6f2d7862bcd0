import { existsSync, readFileSync } from "node:fs";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import type { Graph, GraphNode } from "../graph/graph.js";
import { float32Tensor, tensor } from "../graph/tensor.js";
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

const directory = new URL("../../../../../shared/data/onnx/", import.meta.url);

describe.each(["aerial_llrnet", "sionna_rk_neural_demapper_16qam"])("the network %s", (name) => {
  const file = new URL(`${name}.onnx`, directory);

  it.skipIf(!existsSync(file))("gives what ONNX Runtime computes", async () => {
    const bytes = readFileSync(file);
    const model = readOnnx(bytes);
    const [{ name: input, type }] = [model.graph.inputs[0]!];
    const random = createRandom(72);
    // Numbers that both float16 (of exponent 0) and float32 hold exactly.
    const halves = Uint16Array.from({ length: 200 }, () => 0x3c00 + random.integer(1024));
    const data =
      type.elementType === "float16"
        ? halves
        : Float32Array.from(halves, (bits) => 1 + (bits - 0x3c00) / 1024);
    const value = { elementType: type.elementType, shape: [100, 2], data } as Parameters<
      typeof interpret
    >[1][string];
    const outputs = interpret(model, { [input]: value });
    const session = await InferenceSession.create(bytes);
    const feed =
      type.elementType === "float16"
        ? new OrtTensor("float16", halves, [100, 2])
        : new OrtTensor("float32", data as Float32Array, [100, 2]);
    const expected = await session.run({ [input]: feed });
    for (const { name: output } of model.graph.outputs) {
      const { data: numbers, dims } = expected[output]!;
      expect(outputs[output]!.shape).toEqual(dims);
      const largest = Math.max(...(numbers as Float32Array).map(Math.abs));
      const worst = Math.max(
        ...outputs[output]!.data.map((number, at) => Math.abs(number - (numbers as Float32Array)[at]!)),
      );
      // The interpreter does not round to float16 in between, ONNX Runtime does.
      expect(worst / largest).toBeLessThan(type.elementType === "float16" ? 1e-2 : 1e-5);
      expect(largest).toBeGreaterThan(0.1);
    }
  });
});
