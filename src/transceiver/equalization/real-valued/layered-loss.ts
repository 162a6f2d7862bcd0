import type { ValueName } from "../../../neural/graph/graph.js";
import { int } from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor } from "../../../neural/graph/tensor.js";
import type { NetworkBuilder } from "../../../neural/network/builder.js";
import type { TrainingValues } from "../../../neural/training/specification.js";

/**
 * Binary cross entropy of the ratios of all layers, the k-th weighed by log k as DetNet's authors do: later layers count
 * more, earlier ones still learn. Takes `layers` [batch, layers, K] and the target `bits` [batch, K].
 */
export function layeredLoss(builder: NetworkBuilder, { layers, bits }: TrainingValues): ValueName {
  const [, count] = builder.typeOf(layers!).shape as [number, number, number];
  const weights = Array.from({ length: count }, (_, layer) => Math.log(layer + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const entropy = crossEntropy(
    builder,
    layers!,
    builder.add("Unsqueeze", [bits!, builder.constant(int64Tensor([1]))]),
  );
  const weighted = builder.add("Mul", [
    entropy,
    builder.constant(
      float32Tensor(
        weights.map((weight) => (weight * count) / total),
        [1, count, 1],
      ),
    ),
  ]);
  return builder.add("ReduceMean", [weighted], { keepdims: int(0) });
}

/** Binary cross entropy of the last layer's ratios, `llrs` [batch, K]: 1 - it / log 2 is the information of a bit. */
export function lastLayerLoss(builder: NetworkBuilder, { llrs, bits }: TrainingValues): ValueName {
  return builder.add("ReduceMean", [crossEntropy(builder, llrs!, bits!)], { keepdims: int(0) });
}

/** log(1 + exp(-x·llr)) with x = ±1 by the bit. */
function crossEntropy(builder: NetworkBuilder, llrs: ValueName, bits: ValueName): ValueName {
  const negated = builder.add("Sub", [builder.add("Mul", [bits, builder.constant(2)]), builder.constant(1)]);
  return builder.add("Softplus", [builder.add("Mul", [llrs, negated])]);
}
