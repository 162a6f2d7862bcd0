import { int, type OnnxModel, onnxModel, type ValueName } from "../../../neural/graph/graph.js";
import { int64Tensor, tensor } from "../../../neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../../neural/network/builder.js";
import { initialWeights } from "../../../neural/network/initialization.js";
import type { Random } from "../../../system/index.js";

/** A link that carries one of 2^bits messages by real channel uses. */
export interface LinkShape {
  readonly bits: number;
  readonly channelUses: number;
}

/**
 * The end-to-end autoencoder of O'Shea and Hoydis ("An introduction to deep learning for the physical layer", IEEE TCCN
 * 2017): transmitter, channel and receiver as one network.
 *
 * Inputs `message` [batch, 2^bits], one-hot; `noise` [batch, channelUses], which the channel adds. Outputs `signal`
 * [batch, channelUses], of power 1 a channel use; `scores` [batch, 2^bits], logits of the messages.
 */
export function createAutoencoder({ bits, channelUses }: LinkShape, random: Random): OnnxModel {
  const messages = 2 ** bits;
  const network = networkBuilder("autoencoder");
  const message = network.input("message", "float32", ["batch", messages]);
  const noise = network.input("noise", "float32", ["batch", channelUses]);
  const dense = denseLayers(network, random);

  const hidden = network.add("Relu", [dense("transmitter.hidden", message, messages, messages)]);
  const signal = normalized(network, dense("transmitter.signal", hidden, messages, channelUses), channelUses);
  const received = network.add("Add", [signal, noise]);
  const decided = network.add("Relu", [dense("receiver.hidden", received, channelUses, messages)]);
  const scores = dense("receiver.scores", decided, messages, messages);

  network.output("signal", signal, ["batch", channelUses]);
  network.output("scores", scores, ["batch", messages]);
  return onnxModel(network.graph());
}

/** Dense layers with Glorot's uniform weights, under their names. */
function denseLayers(network: NetworkBuilder, random: Random) {
  return (name: string, input: ValueName, from: number, to: number): ValueName => {
    const weight = initialWeights("glorot", random, [from, to], { inputs: from, outputs: to });
    return network.add("Gemm", [
      input,
      network.initializer(`${name}.weight`, weight),
      network.initializer(`${name}.bias`, tensor("float32", [to])),
    ]);
  };
}

/** Scales the numbers of each sample to power 1 each in the mean. */
function normalized(network: NetworkBuilder, value: ValueName, count: number): ValueName {
  const squares = network.add("Mul", [value, value]);
  const energy = network.add("ReduceSum", [squares, network.constant(int64Tensor([1]))], {
    keepdims: int(1),
  });
  const amplitude = network.add("Sqrt", [network.add("Mul", [energy, network.constant(1 / count)])]);
  return network.add("Div", [value, amplitude]);
}
