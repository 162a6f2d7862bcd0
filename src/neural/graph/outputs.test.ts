import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { interpret } from "../interpreter/interpret.js";
import { networkBuilder } from "../network/builder.js";
import { onnxModel } from "./graph.js";
import { withOutputs } from "./outputs.js";
import { float32Tensor } from "./tensor.js";

const network = networkBuilder("two");
const x = network.input("x", "float32", ["batch", 2]);
const random = createRandom(1);
const weight = (name: string) =>
  network.initializer(
    name,
    float32Tensor(
      Array.from({ length: 4 }, () => random.gaussian()),
      [2, 2],
    ),
  );
const shared = network.add("MatMul", [x, weight("shared")]);
network.output("first", network.add("Relu", [shared]), ["batch", 2]);
network.output("second", network.add("MatMul", [shared, weight("own")]), ["batch", 2]);
const graph = network.graph();

describe("a graph with some of its outputs", () => {
  it("computes the same of them, and nothing else", () => {
    const inputs = { x: float32Tensor([1, -2, 3, 4, -5, 6], [3, 2]) };
    const all = interpret(onnxModel(graph), inputs);
    const only = withOutputs(graph, ["first"]);
    const made = interpret(onnxModel(only), inputs);
    expect(Object.keys(made)).toEqual(["first"]);
    expect(made.first).toEqual(all.first);
    expect([...only.initializers.keys()]).toEqual(["shared"]);
    expect(only.nodes.length).toBeLessThan(graph.nodes.length);
    expect(withOutputs(graph, ["first", "second"])).toEqual(graph);
  });

  it("refuses an output that there is not", () => {
    expect(() => withOutputs(graph, ["third"])).toThrow(/output: "third".*first, second/);
  });
});
