import { int, ints, type OnnxModel, onnxModel } from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor } from "../../../neural/graph/tensor.js";
import type { ModelPorts } from "../../../neural/models/port.js";
import { networkBuilder } from "../../../neural/network/builder.js";
import type { Random } from "../../../system/index.js";
import { HALF_DISTANCE, type SquareOrder } from "../axis-llr.js";

/** Numbers of the hidden layer, an axis, by modulation order. */
export const HIDDEN_SIZE: Readonly<Record<SquareOrder, number>> = { 2: 2, 4: 8, 6: 16, 8: 24 };

/**
 * The largest `4·d²/N0` that a network sees: less noise counts as this, at which every soft bit of a point is beyond 32
 * and as good as certain.
 */
export const LARGEST_UNIT = 32;

/** Amplitudes from so many times the outermost point on count as that. */
export const AMPLITUDE_LIMIT = 4;

/** The ports of every network of LLRnet. */
export function llrnetPorts(order: SquareOrder): ModelPorts {
  return {
    inputs: [
      {
        name: "symbols",
        type: { elementType: "float32", shape: ["batch", 2] },
        meaning: "equalized symbol without bias, real and imaginary part, mean power 1",
      },
      {
        name: "noise",
        type: { elementType: "float32", shape: ["batch", 1] },
        meaning: "variance of the symbol's noise and interference, both parts together, above 0",
      },
    ],
    outputs: [
      {
        name: "llrs",
        type: { elementType: "float32", shape: ["batch", order] },
        meaning: "soft bits of the symbol in the order of TS 38.211 5.1, natural logarithm of P(0)/P(1)",
        llr: { positiveBit: 0, scale: 1 },
      },
    ],
  };
}

/**
 * An untrained LLRnet ("Machine LLRning", Shental and Hoydis 2019) for a modulation order: one hidden layer of rectifiers,
 * here for one axis of the square constellation at a time, whose two axes are alike and independent.
 *
 * With `t` the amplitude in half distances d of neighbouring points and `u = 4·d²/N0`, the network sees `|t|·u` and `u`. In
 * these two the exact ratio is the difference of logarithms of sums of exponentials of linear functions, whatever the
 * signal to noise ratio, and max-log the difference of their maxima: a few rectifiers come close to both, and one network
 * serves all ratios. The first bit is odd in `t`, the others are even: it takes the sign.
 */
export function llrnet(order: SquareOrder, random: Random): OnnxModel {
  const bits = order / 2;
  const points = 2 ** bits;
  const hidden = HIDDEN_SIZE[order];
  const distance = HALF_DISTANCE[order];
  const builder = networkBuilder(`llrnet-${order}`);
  const { add, constant } = builder;
  const symbols = builder.input("symbols", "float32", ["batch", 2]);
  const noise = builder.input("noise", "float32", ["batch", 1]);

  const t = add("Mul", [symbols, constant(1 / distance)]);
  const magnitude = add("Min", [add("Abs", [t]), constant(AMPLITUDE_LIMIT * points)]);
  const unit = add("Min", [add("Div", [constant(4 * distance ** 2), noise]), constant(LARGEST_UNIT)]);
  const perAxis = constant(int64Tensor([-1, 2, 1]));
  const features = add(
    "Concat",
    [
      add("Reshape", [add("Mul", [magnitude, unit]), perAxis]),
      add("Reshape", [add("Concat", [unit, unit], { axis: int(1) }), perAxis]),
    ],
    { axis: int(2) },
  );

  const [weights1, bias1, weights2] = initialWeights(points, hidden, bits, random);
  const layer = add("Relu", [
    add("Add", [
      add("MatMul", [features, builder.initializer("hidden.weight", float32Tensor(weights1!, [2, hidden]))]),
      builder.initializer("hidden.bias", float32Tensor(bias1!)),
    ]),
  ]);
  const ratios = add("Add", [
    add("MatMul", [layer, builder.initializer("llr.weight", float32Tensor(weights2!, [hidden, bits]))]),
    builder.initializer("llr.bias", float32Tensor(new Float32Array(bits))),
  ]);

  const sign = add("Reshape", [
    add("Clip", [add("Mul", [t, constant(1e30)]), constant(-1), constant(1)]),
    perAxis,
  ]);
  const signs =
    bits === 1
      ? sign
      : add("Add", [
          add("Mul", [sign, constant(Array.from({ length: bits }, (_, bit) => (bit === 0 ? 1 : 0)))]),
          constant(Array.from({ length: bits }, (_, bit) => (bit === 0 ? 0 : 1))),
        ]);
  const signed = add("Mul", [ratios, signs]);
  // Bits take turns between the axes.
  const ordered = add("Transpose", [signed], { perm: ints([0, 2, 1]) });
  builder.output("llrs", add("Reshape", [ordered, constant(int64Tensor([-1, order]))]), ["batch", order]);
  return onnxModel(builder.graph());
}

/**
 * Rectifiers that bend where amplitudes lie: a bend at amplitude `c` is at `|t|·u = c·u` for every `u`. Drawn at random
 * directions instead, few of them bend where the ratio does.
 */
function initialWeights(points: number, hidden: number, bits: number, random: Random): Float32Array[] {
  const weights1 = new Float32Array(2 * hidden);
  const bias1 = new Float32Array(hidden);
  for (let k = 0; k < hidden; k++) {
    const side = random.next() < 0.5 ? -1 : 1;
    weights1[k] = side;
    weights1[hidden + k] = -side * points * random.next();
    bias1[k] = 0.5 * random.gaussian();
  }
  const weights2 = Float32Array.from(
    { length: hidden * bits },
    () => (0.5 * random.gaussian()) / Math.sqrt(hidden),
  );
  return [weights1, bias1, weights2];
}
