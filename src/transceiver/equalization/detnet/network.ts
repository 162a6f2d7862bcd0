import { int, type OnnxModel, onnxModel, type ValueName } from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor, type Tensor, tensor } from "../../../neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../../neural/network/builder.js";
import { gaussianWeights } from "../../../neural/network/initialization.js";
import type { Random } from "../../../system/index.js";
import { diagonal } from "../real-valued/diagonal.js";

/** Sizes of a DetNet for ±1. */
export interface DetnetShape {
  /** Numbers that are sent at once, K. */
  readonly streams: number;
  readonly layers: number;
  /** Numbers that a layer hands to the next beside its symbols. */
  readonly memory: number;
  readonly hidden: number;
}

/** Share of a layer's result that comes from the layer before. */
const RESIDUAL = 0.9;

/** Ratio of a point at +1 at the beginning. */
const INITIAL_RATIO = 4;

/** Spread of weights at the beginning. */
const INITIAL_DEVIATION = 0.03;

/**
 * DetNet (Samuel, Diskin, Wiesel, "Learning to detect", IEEE TSP 2019) for ±1: each layer takes a step of projected
 * gradient descent on ‖y - Hx‖² whose step and projection are learned.
 *
 * Beside the authors' network, H'H, H'y and the noise are over each stream's own power, so that a step of 1 is what is left of a stream
 * when the others are taken out, and a layer sees how much noise is in it. At equal training it errs half as often.
 *
 * Inputs `gram` H'H [batch, K, K], `matchedFilter` H'y [batch, K], `noise` [batch, 1], the variance of noise in each
 * observation, which the authors leave out: soft bits cannot be calibrated without it. Output `llrs` [batch, K], log P(+1)/P(-1). The
 * authors' one-hot scores are the probabilities of these ratios here, so that the last layer's are soft bits; `layers`
 * [batch, layers, K] holds those of all, which training weighs.
 */
export function createDetnet(shape: DetnetShape, random: Random): OnnxModel {
  const { streams, layers, memory, hidden } = shape;
  const network = networkBuilder("detnet");
  const gram = network.input("gram", "float32", ["batch", streams, streams]);
  const matchedFilter = network.input("matchedFilter", "float32", ["batch", streams]);
  const noise = network.input("noise", "float32", ["batch", 1]);
  // Each stream of power 1, whatever its channel: a layer's step for it is as long as what it sees of itself.
  const power = diagonal(network, gram, streams);
  const scaledFilter = network.add("Div", [matchedFilter, power]);
  const relativeNoise = network.add("Div", [noise, power]);
  const scaledGram = network.add("Div", [
    gram,
    network.add("Unsqueeze", [power, network.constant(int64Tensor([2]))]),
  ]);
  const dense = (name: string, input: ValueName, weight: Tensor): ValueName =>
    network.add("Gemm", [
      input,
      network.initializer(`${name}.weight`, weight),
      network.initializer(`${name}.bias`, tensor("float32", [weight.shape[1]!])),
    ]);

  let symbols: ValueName | undefined;
  let llrs: ValueName | undefined;
  let kept: ValueName | undefined;
  const all: ValueName[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const name = `layer${layer}`;
    const step = (which: string, value: ValueName): ValueName =>
      network.add("Mul", [value, network.initializer(`${name}.${which}`, float32Tensor([0.5], []))]);
    const filtered = step("filterStep", scaledFilter);
    const point: ValueName =
      symbols === undefined
        ? filtered
        : network.add("Sub", [
            network.add("Add", [symbols, filtered]),
            step("gramStep", product(network, scaledGram, symbols, streams)),
          ]);
    const known = kept === undefined ? [point, relativeNoise] : [point, relativeNoise, kept];
    const input = network.add("Concat", known, { axis: int(1) });
    const from = 2 * streams + (kept === undefined ? 0 : memory);
    const projection = gaussianWeights(random, [from, hidden], INITIAL_DEVIATION);
    const ratios = gaussianWeights(random, [hidden, streams], INITIAL_DEVIATION);
    projectPoints(projection, ratios);
    const activated = network.add("Relu", [dense(`${name}.hidden`, input, projection)]);
    llrs = residual(network, dense(`${name}.llrs`, activated, ratios), llrs);
    if (layer < layers - 1)
      kept = residual(
        network,
        dense(`${name}.memory`, activated, gaussianWeights(random, [hidden, memory], INITIAL_DEVIATION)),
        kept,
      );
    // The mean of ±1 under the ratio.
    symbols = network.add("Tanh", [network.add("Mul", [llrs, network.constant(0.5)])]);
    all.push(network.add("Unsqueeze", [llrs, network.constant(int64Tensor([1]))]));
  }
  network.output("llrs", llrs!, ["batch", streams]);
  network.output("layers", network.add("Concat", all, { axis: int(1) }), ["batch", layers, streams]);
  return onnxModel(network.graph());
}

/**
 * Has the first hidden units be max(±z, 0), and the ratios 4z: a layer begins as a step of gradient descent with a soft
 * projection to ±1, and learns from there.
 */
function projectPoints(projection: Tensor<"float32">, ratios: Tensor<"float32">): void {
  const [hidden, streams] = ratios.shape as [number, number];
  for (let stream = 0; stream < streams && 2 * stream + 1 < hidden; stream++) {
    for (const [unit, sign] of [
      [2 * stream, 1],
      [2 * stream + 1, -1],
    ] as const) {
      for (let row = 0; row < projection.shape[0]!; row++) projection.data[row * hidden + unit] = 0;
      projection.data[stream * hidden + unit] = sign;
      ratios.data.fill(0, unit * streams, (unit + 1) * streams);
      ratios.data[unit * streams + stream] = sign * INITIAL_RATIO;
    }
  }
}

function product(network: NetworkBuilder, gram: ValueName, symbols: ValueName, streams: number): ValueName {
  const column = network.add("Reshape", [symbols, network.constant(int64Tensor([-1, streams, 1]))]);
  const result = network.add("MatMul", [gram, column]);
  return network.add("Reshape", [result, network.constant(int64Tensor([-1, streams]))]);
}

function residual(network: NetworkBuilder, now: ValueName, before: ValueName | undefined): ValueName {
  if (before === undefined) return now;
  return network.add("Add", [
    network.add("Mul", [now, network.constant(1 - RESIDUAL)]),
    network.add("Mul", [before, network.constant(RESIDUAL)]),
  ]);
}
