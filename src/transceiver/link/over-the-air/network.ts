import { int, type OnnxModel, onnxModel, type ValueName } from "../../../neural/graph/graph.js";
import { int64Tensor } from "../../../neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../../neural/network/builder.js";
import { type ComplexValue, complexProduct } from "../../../neural/network/complex.js";
import { gaussianWeights } from "../../../neural/network/initialization.js";
import type { Random } from "../../../system/index.js";
import { CHANNEL_USES, MESSAGES, WINDOW_MESSAGES, WINDOW_SAMPLES, WINDOW_SYMBOLS } from "./burst.js";

const PHASE_HIDDEN = 64;
const FEATURES = 64;
const HIDDEN = 256;

/** Name of the transmitter's parameter: re and im of a message's channel uses, before they are scaled to power 1. */
export const CONSTELLATION = "transmitter.constellation";

/**
 * Transmitter, air and receiver as one network, for phase one.
 *
 * Inputs: `messages` [batch, 5, 256], one-hot; `pulses` [batch, samples, 20], what each channel use gives each sample;
 * `turn` [batch, samples, 2], cosine and sine by which a sample is turned; `noise` [batch, samples, 2]. Outputs:
 * `received` [batch, samples, 2] and `scores` [batch, 256], logits of the message in the middle.
 */
export function createOverTheAirLink(random: Random): OnnxModel {
  const network = networkBuilder("over-the-air-link");
  const messages = network.input("messages", "float32", ["batch", WINDOW_MESSAGES, MESSAGES]);
  const pulses = network.input("pulses", "float32", ["batch", WINDOW_SAMPLES, WINDOW_SYMBOLS]);
  const turn = network.input("turn", "float32", ["batch", WINDOW_SAMPLES, 2]);
  const noise = network.input("noise", "float32", ["batch", WINDOW_SAMPLES, 2]);

  const constellation = network.initializer(
    CONSTELLATION,
    gaussianWeights(random, [MESSAGES, 2 * CHANNEL_USES], 1),
  );
  const squares = network.add("Mul", [constellation, constellation]);
  const energy = network.add("ReduceSum", [squares, network.constant(int64Tensor([1]))], {
    keepdims: int(1),
  });
  const amplitude = network.add("Sqrt", [network.add("Mul", [energy, network.constant(1 / CHANNEL_USES)])]);
  const signals = network.add("Div", [constellation, amplitude]);
  const sent = network.add("Reshape", [
    network.add("MatMul", [messages, signals]),
    network.constant(int64Tensor([-1, WINDOW_SYMBOLS, 2])),
  ]);
  const shaped = network.add("MatMul", [pulses, sent]);
  const received = network.add("Add", [rotated(network, shaped, turn), noise]);
  network.output("received", received, ["batch", WINDOW_SAMPLES, 2]);
  network.output(
    "scores",
    receiver(network, received, (name, shape, deviation) =>
      network.initializer(name, gaussianWeights(random, shape, deviation)),
    ),
    ["batch", MESSAGES],
  );
  return onnxModel(network.graph());
}

/**
 * The receiver of a trained link alone, for phase two: input `received` [batch, samples, 2], output `scores` [batch, 256].
 * @param link from {@link createOverTheAirLink}, trained
 */
export function receiverOf(link: OnnxModel): OnnxModel {
  const network = networkBuilder("over-the-air-receiver");
  const received = network.input("received", "float32", ["batch", WINDOW_SAMPLES, 2]);
  const scores = receiver(network, received, (name) =>
    network.initializer(name, link.graph.initializers.get(name)!),
  );
  network.output("scores", scores, ["batch", MESSAGES]);
  return onnxModel(network.graph());
}

/** Makes or finds a parameter of the receiver. */
type Parameter = (name: string, shape: readonly number[], deviation: number) => ValueName;

/** Estimates the phase, turns the samples back, and decides from them and further features of the window. */
function receiver(network: NetworkBuilder, received: ValueName, parameter: Parameter): ValueName {
  const numbers = 2 * WINDOW_SAMPLES;
  const flat = (value: ValueName): ValueName =>
    network.add("Reshape", [value, network.constant(int64Tensor([-1, numbers]))]);
  const dense = (name: string, input: ValueName, from: number, to: number): ValueName =>
    network.add("Gemm", [
      input,
      parameter(`receiver.${name}.weight`, [from, to], Math.sqrt(2 / (from + to))),
      parameter(`receiver.${name}.bias`, [to], 0),
    ]);
  const relu = (value: ValueName): ValueName => network.add("Relu", [value]);

  const samples = flat(received);
  const phaseFeatures = relu(
    dense("phase2", relu(dense("phase1", samples, numbers, PHASE_HIDDEN)), PHASE_HIDDEN, PHASE_HIDDEN),
  );
  const phase = network.add("Reshape", [
    dense("phase", phaseFeatures, PHASE_HIDDEN, 2),
    network.constant(int64Tensor([-1, 1, 2])),
  ]);
  const turnedBack = flat(rotated(network, received, phase));
  const features = relu(dense("features", samples, numbers, FEATURES));
  const seen = network.add("Concat", [turnedBack, features], { axis: int(1) });
  const hidden = relu(
    dense("hidden2", relu(dense("hidden1", seen, numbers + FEATURES, HIDDEN)), HIDDEN, HIDDEN),
  );
  return dense("scores", hidden, HIDDEN, MESSAGES);
}

/** Complex product of pairs (re, im) in the last dimension. */
function rotated(network: NetworkBuilder, value: ValueName, turn: ValueName): ValueName {
  const { re, im } = complexProduct(network, pair(network, value), pair(network, turn));
  return network.add("Concat", [re, im], { axis: int(-1) });
}

function pair(network: NetworkBuilder, value: ValueName): ComplexValue {
  const part = (index: number): ValueName =>
    network.add("Gather", [value, network.constant(int64Tensor([index]))], { axis: int(-1) });
  return { re: part(0), im: part(1) };
}
