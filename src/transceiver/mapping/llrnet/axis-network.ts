import { InputError } from "../../../errors.js";
import { type OnnxModel, onnxModel } from "../../../neural/graph/graph.js";
import { float32Tensor, type Tensor } from "../../../neural/graph/tensor.js";
import { networkBuilder } from "../../../neural/network/builder.js";
import { numericTensor } from "../../../neural/operators/numeric.js";
import type { SquareOrder } from "../axis-llr.js";

/**
 * The part of an LLRnet that has weights, as a network of its own: from `|t|·unit` and `unit` to the soft bits of one axis
 * (`AxisLlr`), whose scale is put into the weights.
 * @param scale what a soft bit is for a ratio of 1
 * @throws InputError where the model is no LLRnet of the order.
 */
export function axisNetwork(model: OnnxModel, order: SquareOrder, scale: number): OnnxModel {
  const parameter = (name: string, ...shape: readonly number[]): Float64Array => {
    const found: Tensor | undefined = model.graph.initializers.get(name);
    const fits =
      found?.shape.length === shape.length && found.shape.every((size, k) => [0, size].includes(shape[k]!));
    if (found === undefined || !fits)
      throw new InputError(
        `initializer ${name} of ${model.graph.name}`,
        found?.shape,
        `give an LLRnet of modulation order ${order}, as the system's create makes it`,
      );
    return numericTensor(found).data;
  };
  const bits = order / 2;
  const bias1 = parameter("hidden.bias", 0);
  const hidden = bias1.length;
  const weights1 = parameter("hidden.weight", 2, hidden).map((weight) => weight / scale);
  const weights2 = parameter("llr.weight", hidden, bits).map((weight) => weight * scale);
  const bias2 = parameter("llr.bias", bits).map((bias) => bias * scale);

  const builder = networkBuilder(`${model.graph.name}-axis`);
  const features = builder.input("features", "float32", ["batch", 2]);
  const constant = (values: Float64Array, ...shape: number[]) =>
    builder.constant(float32Tensor(values, shape));
  const layer = builder.add("Gemm", [features, constant(weights1, 2, hidden), constant(bias1, hidden)]);
  const llrs = builder.add("Gemm", [
    builder.add("Relu", [layer]),
    constant(weights2, hidden, bits),
    constant(bias2, bits),
  ]);
  builder.output("llrs", llrs, ["batch", bits]);
  return onnxModel(builder.graph());
}
