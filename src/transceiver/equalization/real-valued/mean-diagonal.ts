import { int, type ValueName } from "../../../neural/graph/graph.js";
import { int64Tensor, tensor } from "../../../neural/graph/tensor.js";
import type { NetworkBuilder } from "../../../neural/network/builder.js";

/** The mean of the diagonals of matrices [batch, K, K], [batch, 1]: of H'H, a stream's power. */
export function meanDiagonal(network: NetworkBuilder, gram: ValueName, streams: number): ValueName {
  const diagonal = tensor("float32", [1, streams * streams]);
  for (let k = 0; k < streams; k++) diagonal.data[k * (streams + 1)] = 1 / streams;
  const flat = network.add("Reshape", [gram, network.constant(int64Tensor([-1, streams * streams]))]);
  const picked = network.add("Mul", [flat, network.constant(diagonal)]);
  return network.add("ReduceSum", [picked, network.constant(int64Tensor([1]))], { keepdims: int(1) });
}
