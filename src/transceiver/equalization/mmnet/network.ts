import { int, type OnnxModel, onnxModel, type ValueName } from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor } from "../../../neural/graph/tensor.js";
import { networkBuilder } from "../../../neural/network/builder.js";
import { diagonal } from "../real-valued/diagonal.js";

/** Sizes of an MMNet for ±1. */
export interface MmnetShape {
  /** Numbers that are sent at once, K. */
  readonly streams: number;
  /** Numbers that are received at once, N. */
  readonly observations: number;
  readonly layers: number;
}

/**
 * MMNet (Khani, Alizadeh, Hoydis, Fleming, "Adaptive neural signal detection for massive MIMO", IEEE TWC 2020) for ±1
 * and channels of independent entries: each layer takes a linear step z = x + θ₁H'(y - Hx), H of unit columns in the mean, and denoises it for ±1,
 * tanh(z/τ), under the error variance that follows from the step, times θ₂. Two numbers a layer are learned.
 *
 * Inputs `gram` H'H [batch, K, K], `matchedFilter` H'y [batch, K], `energy` ‖y‖² [batch, 1], `noise` [batch, 1]. Output
 * `llrs` [batch, K], log P(+1)/P(-1); `layers` [batch, layers, K] holds those of all layers, which training weighs.
 */
export function createMmnet({ streams, observations, layers }: MmnetShape): OnnxModel {
  const network = networkBuilder("mmnet");
  const gram = network.input("gram", "float32", ["batch", streams, streams]);
  const matchedFilter = network.input("matchedFilter", "float32", ["batch", streams]);
  const energy = network.input("energy", "float32", ["batch", 1]);
  const noise = network.input("noise", "float32", ["batch", 1]);
  const multiply = (a: ValueName, b: ValueName | number): ValueName =>
    network.add("Mul", [a, typeof b === "number" ? network.constant(b) : b]);
  const add = (a: ValueName, b: ValueName): ValueName => network.add("Add", [a, b]);
  const subtract = (a: ValueName, b: ValueName): ValueName => network.add("Sub", [a, b]);
  const sum = (value: ValueName): ValueName =>
    network.add("ReduceSum", [value, network.constant(int64Tensor([1]))], { keepdims: int(1) });
  const shaped = (value: ValueName, ...shape: number[]): ValueName =>
    network.add("Reshape", [value, network.constant(int64Tensor(shape))]);

  // Streams of power 1 in the mean, whatever the scale of the channel: ‖H‖² is K then.
  const power = network.add(
    "ReduceMean",
    [diagonal(network, gram, streams), network.constant(int64Tensor([1]))],
    {
      keepdims: int(1),
    },
  );
  const scaledGram = network.add("Div", [gram, shaped(power, -1, 1, 1)]);
  const [scaledFilter, scaledEnergy, scaledNoise] = [matchedFilter, energy, noise].map((value) =>
    network.add("Div", [value, power]),
  ) as [ValueName, ValueName, ValueName];
  const flat = shaped(scaledGram, -1, streams * streams);
  const squares = sum(multiply(flat, flat));

  let symbols: ValueName | undefined;
  const all: ValueName[] = [];
  let llrs: ValueName | undefined;
  for (let layer = 0; layer < layers; layer++) {
    const step = network.initializer(`layer${layer}.step`, float32Tensor([1], []));
    const spread = network.initializer(`layer${layer}.spread`, float32Tensor([1], []));
    let remaining = scaledFilter;
    let residual = scaledEnergy;
    if (symbols !== undefined) {
      const seen = shaped(network.add("MatMul", [scaledGram, shaped(symbols, -1, streams, 1)]), -1, streams);
      remaining = subtract(scaledFilter, seen);
      // ‖y - Hx‖² = ‖y‖² - x'(2H'y - H'Hx)
      residual = subtract(scaledEnergy, sum(multiply(symbols, add(scaledFilter, remaining))));
    }
    const point = symbols === undefined ? multiply(remaining, step) : add(symbols, multiply(remaining, step));
    // What ‖y - Hx‖² holds beyond noise is the error of x, seen through H.
    const unexplained = network.add("Relu", [subtract(residual, multiply(scaledNoise, observations))]);
    const error = multiply(unexplained, 1 / streams);
    // ‖I - θH'H‖² and ‖θH'‖² over K: what of the error is left, and the noise that comes with the step.
    const squaredStep = multiply(step, step);
    const left = add(
      subtract(network.constant(streams), multiply(step, 2 * streams)),
      multiply(squares, squaredStep),
    );
    const variance = multiply(
      add(multiply(left, error), multiply(multiply(scaledNoise, squaredStep), streams)),
      multiply(network.add("Abs", [spread]), 1 / streams),
    );
    llrs = multiply(network.add("Div", [point, add(variance, network.constant(1e-4))]), 2);
    if (layer < layers - 1) symbols = network.add("Tanh", [multiply(llrs, 0.5)]);
    all.push(network.add("Unsqueeze", [llrs, network.constant(int64Tensor([1]))]));
  }
  network.output("llrs", llrs!, ["batch", streams]);
  network.output("layers", network.add("Concat", all, { axis: int(1) }), ["batch", layers, streams]);
  return onnxModel(network.graph());
}
