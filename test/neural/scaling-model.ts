import { onnxModel } from "../../src/neural/graph/graph.js";
import { float32Tensor } from "../../src/neural/graph/tensor.js";
import { createModel, type Model, portsOf } from "../../src/neural/models/model.js";
import { networkBuilder } from "../../src/neural/network/builder.js";

/** A model that multiplies its input by a number: the smallest that has a parameter. */
export function scalingModel(scale: number, name = "scaler"): Model {
  const network = networkBuilder(name);
  const x = network.input("x", "float32", ["batch", 2]);
  const product = network.add("Mul", [x, network.initializer("scale", float32Tensor([scale]))]);
  network.output("y", product, ["batch", 2]);
  const onnx = onnxModel(network.graph());
  return createModel({ format: 1, name, ...portsOf(onnx) }, onnx);
}
