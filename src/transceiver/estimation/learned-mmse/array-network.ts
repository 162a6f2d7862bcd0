import { int, type OnnxModel, onnxModel, type ValueName } from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor, type Tensor } from "../../../neural/graph/tensor.js";
import type { ModelPorts } from "../../../neural/models/port.js";
import { type NetworkBuilder, networkBuilder } from "../../../neural/network/builder.js";
import type { Random } from "../../../system/index.js";
import { spatialTransform, type TransformKind, transformSize } from "./spatial-transform.js";

/** A learned MMSE estimator: what it filters in, and the activation between its two layers. */
export interface ArrayVariant {
  readonly transform: TransformKind;
  readonly activation: "softmax" | "relu";
}

/** The weights of a network: kernel and bias of both layers, one number a bin each. */
export type ArrayWeights = readonly [
  kernel1: Float64Array,
  bias1: Float64Array,
  kernel2: Float64Array,
  bias2: Float64Array,
];

const WEIGHT_NAMES = ["weights.kernel", "weights.bias", "filter.kernel", "filter.bias"] as const;

export function arrayPorts(antennas: number): ModelPorts {
  const shape = ["batch", "snapshots", 2 * antennas];
  return {
    inputs: [
      {
        name: "observations",
        type: { elementType: "float32", shape },
        meaning: `channel of ${antennas} antennas under noise of variance 1, real parts then imaginary ones, of snapshots with one covariance`,
      },
    ],
    outputs: [
      {
        name: "channels",
        type: { elementType: "float32", shape },
        meaning: "estimated channel, real parts then imaginary ones",
      },
    ],
  };
}

/** Kernels and biases as the paper draws them: normal with deviation 0.1 within ±0.3, and 0.1. */
export function initialArrayWeights(
  { transform }: ArrayVariant,
  antennas: number,
  random: Random,
): ArrayWeights {
  const bins = transformSize(transform, antennas);
  const kernel = () =>
    Float64Array.from({ length: bins }, () => {
      for (;;) {
        const drawn = 0.1 * random.gaussian();
        if (Math.abs(drawn) < 0.3) return drawn;
      }
    });
  const bias = () => new Float64Array(bins).fill(0.1);
  return [kernel(), bias(), kernel(), bias()];
}

/**
 * The network of "Learning the MMSE Channel Estimator" (Neumann, Wiese, Utschick 2018) with these weights: the mean power of the
 * snapshots in each bin of the transform goes through two circular convolutions, with an activation between, and gives a
 * filter, by which the bins are multiplied. With softmax it has the structure of the fast MMSE estimator, whose prototype
 * filters are shifts of one: the second kernel; the first kernel tells how likely each shift is.
 */
export function arrayNetwork(variant: ArrayVariant, antennas: number, weights: ArrayWeights): OnnxModel {
  const { transform, activation } = variant;
  const bins = transformSize(transform, antennas);
  const builder = networkBuilder(`learned-mmse-${transform}-${activation}-${antennas}`);
  const { add, constant } = builder;
  const parameters = WEIGHT_NAMES.map((name, index) =>
    builder.initializer(name, float32Tensor(weights[index]!, [bins])),
  );
  const observations = builder.input("observations", "float32", ["batch", "snapshots", 2 * antennas]);
  const transformed = add("MatMul", [observations, constant(forwardMatrix(transform, antennas))]);
  // [batch, snapshots, part, bin], once by the size of the batch.
  const parts = add("Reshape", [transformed, constant(int64Tensor([0, 0, 2, bins]))]);
  const powers = add(
    "ReduceMean",
    [
      add("ReduceSum", [add("Mul", [parts, parts]), constant(int64Tensor([2]))], { keepdims: int(0) }),
      constant(int64Tensor([1])),
    ],
    { keepdims: int(0) },
  );
  const likelihoods = add("Add", [correlated(builder, powers, parameters[0]!, bins), parameters[1]!]);
  const hidden =
    activation === "softmax" ? add("Softmax", [likelihoods], { axis: int(-1) }) : add("Relu", [likelihoods]);
  const filter = add("Add", [correlated(builder, hidden, parameters[2]!, bins), parameters[3]!]);
  const filtered = add("Mul", [parts, add("Reshape", [filter, constant(int64Tensor([-1, 1, 1, bins]))])]);
  const channels = add("MatMul", [
    add("Reshape", [filtered, constant(int64Tensor([0, 0, 2 * bins]))]),
    constant(inverseMatrix(transform, antennas)),
  ]);
  builder.output("channels", channels, ["batch", "snapshots", 2 * antennas]);
  return onnxModel(builder.graph());
}

/** The weights of a network of {@link arrayNetwork}. */
export function arrayWeights({ graph }: OnnxModel): ArrayWeights {
  return WEIGHT_NAMES.map((name) =>
    Float64Array.from(graph.initializers.get(name)!.data as Float32Array),
  ) as unknown as ArrayWeights;
}

/**
 * `Σ_j values[j]·kernel[(i + j) mod bins]`: a circular convolution whose result runs backwards, which that of the second
 * layer undoes. As a product with the matrix of the kernel's rotations, for matrix products are what runtimes are quick at: a
 * row of the kernel written `bins + 1` times and read in rows one longer is turned by one more from row to row.
 */
function correlated(builder: NetworkBuilder, values: ValueName, kernel: ValueName, bins: number): ValueName {
  const { add, constant } = builder;
  const repeated = add("Expand", [kernel, constant(int64Tensor([bins + 1, bins]))]);
  const rotations = add("Reshape", [repeated, constant(int64Tensor([bins, bins + 1]))]);
  const square = add("Slice", [
    rotations,
    constant(int64Tensor([0])),
    constant(int64Tensor([bins])),
    constant(int64Tensor([1])),
  ]);
  return add("MatMul", [values, square]);
}

/** Q as a real matrix that row vectors are multiplied by from the left: `[antennas' parts][bins' parts]`. */
function forwardMatrix(kind: TransformKind, antennas: number): Tensor<"float32"> {
  const { bins, forward } = spatialTransform(kind, antennas);
  const matrix = new Float32Array(2 * antennas * 2 * bins);
  const [unitRe, unitIm] = [new Float64Array(antennas), new Float64Array(antennas)];
  const [re, im] = [new Float64Array(bins), new Float64Array(bins)];
  for (let row = 0; row < 2 * antennas; row++) {
    unitRe.fill(0);
    unitIm.fill(0);
    (row < antennas ? unitRe : unitIm)[row % antennas] = 1;
    forward(unitRe, unitIm, re, im);
    matrix.set(re, row * 2 * bins);
    matrix.set(im, row * 2 * bins + bins);
  }
  return float32Tensor(matrix, [2 * antennas, 2 * bins]);
}

/** The same of Qᴴ: the transpose, Q being unitary or the part of a unitary matrix. */
function inverseMatrix(kind: TransformKind, antennas: number): Tensor<"float32"> {
  const { shape, data } = forwardMatrix(kind, antennas);
  const [rows, columns] = shape as [number, number];
  const transposed = Float32Array.from(data, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)]!);
  return float32Tensor(transposed, [columns, rows]);
}
