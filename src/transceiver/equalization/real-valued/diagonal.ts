import { int, type ValueName } from "../../../neural/graph/graph.js";
import { int64Tensor, tensor } from "../../../neural/graph/tensor.js";
import type { NetworkBuilder } from "../../../neural/network/builder.js";

/** The diagonals of matrices [batch, K, K], [batch, K]: of H'H, each stream's power. */
export function diagonal(network: NetworkBuilder, gram: ValueName, streams: number): ValueName {
  const unit = tensor("float32", [1, streams, streams]);
  for (let k = 0; k < streams; k++) unit.data[k * (streams + 1)] = 1;
  const picked = network.add("Mul", [gram, network.constant(unit)]);
  return network.add("ReduceSum", [picked, network.constant(int64Tensor([2]))], { keepdims: int(0) });
}
