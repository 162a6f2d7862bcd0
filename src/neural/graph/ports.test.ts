import { describe, expect, it } from "vitest";
import { interpret } from "../interpreter/interpret.js";
import { networkBuilder } from "../network/builder.js";
import { type OnnxModel, onnxModel } from "./graph.js";
import { withPortNames } from "./ports.js";
import { float32Tensor } from "./tensor.js";

/** `out` = 2 `a` - `b`. */
function network(): OnnxModel {
  const builder = networkBuilder("difference");
  const a = builder.input("a", "float32", ["n", 2]);
  const b = builder.input("b", "float32", ["n", 1]);
  builder.output("out", builder.add("Sub", [builder.add("Mul", [a, builder.constant(2)]), b]), ["n", 2]);
  return onnxModel(builder.graph());
}

const port = (name: string, ...shape: (string | number)[]) => ({
  name,
  type: { elementType: "float32" as const, shape },
});

describe("names of ports", () => {
  it("are changed by order and size, and the graph computes the same", () => {
    const wanted = {
      inputs: [port("points", "batch", 2), port("noise", "batch", 1)],
      outputs: [port("llrs", "batch", 2)],
    };
    const renamed = withPortNames("model x", network(), wanted);
    const points = float32Tensor([1, 2], [1, 2]);
    const { llrs } = interpret(renamed, { points, noise: float32Tensor([3], [1, 1]) });
    expect(Array.from(llrs!.data)).toEqual([-1, 1]);
    expect(renamed.graph.inputs.map(({ name }) => name)).toEqual(["points", "noise"]);
  });

  it("stay where they are those, whatever the graph has beside them", () => {
    const wanted = { inputs: [port("b", "batch", 1)], outputs: [port("out", "batch", 2)] };
    expect(withPortNames("model x", network(), wanted)).toEqual(network());
  });

  it.each([
    ["another number", [port("points", "batch", 2)], /a \[n, 2\], b \[n, 1\].*points \[batch, 2\]/],
    ["another size", [port("points", "batch", 3), port("noise", "batch", 1)], /points \[batch, 3\]/],
    ["a name of an inner value", [port("out", "batch", 2), port("noise", "batch", 1)], /inputs of model x/],
  ])("are refused for %s", (_, inputs, message) => {
    const attempt = () => withPortNames("model x", network(), { inputs, outputs: [port("out", "batch", 2)] });
    expect(attempt).toThrow(message);
  });
});
