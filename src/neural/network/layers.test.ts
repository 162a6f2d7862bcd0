import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../../../test/neural/operator-check.js";
import { InputError } from "../../errors.js";
import { createRandom } from "../../system/index.js";
import type { Graph } from "../graph/graph.js";
import { elementCount, float32Tensor } from "../graph/tensor.js";
import { errorFunction } from "../operators/functions.js";
import { numeric } from "../operators/numeric.js";
import type { NumericTensor } from "../operators/operator.js";
import { type NetworkBuilder, networkBuilder } from "./builder.js";
import {
  activated,
  activations,
  batchNormalization,
  conv2d,
  dense,
  layerNormalization,
  residual,
} from "./layers.js";

const random = createRandom(5);

function drawn(shape: readonly number[]): NumericTensor {
  return numeric(
    "float32",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => random.gaussian()),
  );
}

/** The graph of layers on one input. */
function graphOf(shape: readonly number[], build: (builder: NetworkBuilder, x: string) => string): Graph {
  const builder = networkBuilder("layers");
  builder.output("y", build(builder, builder.input("x", "float32", shape)));
  return builder.graph();
}

/** The graph with other weights. */
function withWeights(graph: Graph, weights: Readonly<Record<string, readonly number[]>>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, numbers] of Object.entries(weights))
    initializers.set(name, float32Tensor(numbers, initializers.get(name)!.shape));
  return { ...graph, initializers };
}

describe("dense", () => {
  it("is weights times features plus bias, for each row of any number of axes", () => {
    for (const shape of [
      [4, 3],
      [2, 2, 3],
    ]) {
      const graph = withWeights(
        graphOf(shape, (builder, x) => dense(builder, random, x, { units: 2, activation: "relu" })),
        { "dense.weight": [1, -1, 2, 0.5, -3, 4], "dense.bias": [0.25, -0.5] },
      );
      const x = drawn(shape);
      const y = evaluateGraph(graph, { x }).y!;
      expect(y.shape).toEqual([...shape.slice(0, -1), 2]);
      for (let row = 0; row < 4; row++) {
        const [a, b, c] = x.data.slice(3 * row, 3 * row + 3) as unknown as [number, number, number];
        expect(y.data[2 * row]).toBeCloseTo(Math.max(0, a + 2 * b - 3 * c + 0.25), 12);
        expect(y.data[2 * row + 1]).toBeCloseTo(Math.max(0, -a + 0.5 * b + 4 * c - 0.5), 12);
      }
    }
  });

  it("names its parameters by the layer", () => {
    const graph = graphOf([4, 3], (builder, x) => {
      const first = dense(builder, random, x, { units: 2 });
      const second = dense(builder, random, first, { units: 2, hasBias: false });
      return dense(builder, random, second, { units: 1, name: "last" });
    });
    expect([...graph.initializers.keys()]).toEqual([
      "dense.weight",
      "dense.bias",
      "dense_1.weight",
      "last.weight",
      "last.bias",
    ]);
  });
});

describe("conv2d", () => {
  it("keeps rows and columns, or divides them by the stride, rounded up", () => {
    const small = fc.integer({ min: 1, max: 4 });
    const pair = fc.tuple(small, small);
    fc.assert(
      fc.property(
        pair,
        pair,
        pair,
        fc.tuple(fc.integer({ min: 5, max: 12 }), fc.integer({ min: 5, max: 12 })),
        (kernel, strides, dilations, sizes) => {
          // Runtimes do not stride and dilate at once when they pad by themselves.
          const spread = strides.some((stride) => stride > 1) ? ([1, 1] as const) : dilations;
          const graph = graphOf([2, 3, ...sizes], (builder, x) =>
            conv2d(builder, random, x, { filters: 4, kernel, strides, dilations: spread }),
          );
          expect(graph.outputs[0]!.type.shape).toEqual([
            2,
            4,
            ...sizes.map((size, axis) => Math.ceil(size / strides[axis]!)),
          ]);
        },
      ),
      { seed: 6, numRuns: 200 },
    );
  });

  it("has its kernel's middle over each element", () => {
    const shape = [1, 2, 5, 6];
    for (const dilations of [
      [1, 1],
      [2, 3],
    ] as const) {
      const layer = { filters: 2, kernel: [3, 3], dilations, groups: 2 } as const;
      const graph = withWeights(
        graphOf(shape, (builder, x) => conv2d(builder, random, x, layer)),
        { "conv2d.weight": [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0], "conv2d.bias": [0, 0.5] },
      );
      const x = drawn(shape);
      const y = evaluateGraph(graph, { x }).y!;
      y.data.forEach((value, at) => {
        expect(value).toBeCloseTo(at < 30 ? x.data[at]! : 2 * x.data[at]! + 0.5, 12);
      });
    }
  });

  it("refuses groups that do not divide, and other ranks", () => {
    const layer = { filters: 4, kernel: [1, 1] } as const;
    expect(() =>
      graphOf([1, 3, 4, 4], (builder, x) => conv2d(builder, random, x, { ...layer, groups: 2 })),
    ).toThrow(InputError);
    expect(() => graphOf([1, 3], (builder, x) => conv2d(builder, random, x, layer))).toThrow(InputError);
  });
});

describe("normalizations", () => {
  it("have the mean 0 and the variance 1 of the last axis before they are trained", () => {
    const graph = graphOf([4, 50], (builder, x) => layerNormalization(builder, x, { epsilon: 1e-12 }));
    const y = evaluateGraph(graph, { x: drawn([4, 50]) }).y!.data;
    for (let row = 0; row < 4; row++) {
      const part = y.slice(50 * row, 50 * row + 50);
      expect(part.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 9);
      expect(part.reduce((sum, value) => sum + value * value, 0) / 50).toBeCloseTo(1, 6);
    }
  });

  it("of channels follow their running statistics", () => {
    const graph = withWeights(
      graphOf([3, 2, 4], (builder, x) => batchNormalization(builder, x)),
      { "normalization.mean": [1, -1], "normalization.variance": [4, 0.25], "normalization.scale": [1, 3] },
    );
    const x = drawn([3, 2, 4]);
    const y = evaluateGraph(graph, { x }).y!;
    y.data.forEach((value, at) => {
      const isFirst = Math.floor(at / 4) % 2 === 0;
      const expected = isFirst ? (x.data[at]! - 1) / 2 : ((x.data[at]! + 1) / 0.5) * 3;
      expect(Math.abs(value - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
    });
  });
});

describe("residual", () => {
  it("adds its branch, and nothing while that begins at zeros", () => {
    const x = drawn([4, 3]);
    const graph = graphOf([4, 3], (builder, value) =>
      residual(builder, value, (start) =>
        dense(builder, random, start, { units: 3, initialization: "zeros", name: "branch" }),
      ),
    );
    expect([...evaluateGraph(graph, { x }).y!.data]).toEqual([...x.data]);
    const moved = evaluateGraph(withWeights(graph, { "branch.bias": [1, 2, 3] }), { x }).y!;
    expect(moved.data[4]).toBeCloseTo(x.data[4]! + 2, 12);
  });

  it("refuses a branch of another shape", () => {
    expect(() =>
      graphOf([4, 3], (builder, value) =>
        residual(builder, value, (start) => dense(builder, random, start, { units: 1 })),
      ),
    ).toThrow(InputError);
  });
});

describe("activations", () => {
  it("are the functions of their names", () => {
    const logistic = (x: number) => 1 / (1 + Math.exp(-x));
    const expected: Partial<Record<(typeof activations)[number], (x: number) => number>> = {
      linear: (x) => x,
      relu: (x) => Math.max(x, 0),
      "leaky-relu": (x) => Math.max(x, 0.01 * x),
      elu: (x) => (x > 0 ? x : Math.exp(x) - 1),
      gelu: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
      swish: (x) => x * logistic(x),
      mish: (x) => x * Math.tanh(Math.log(1 + Math.exp(x))),
      tanh: (x) => 1 - 2 / (Math.exp(2 * x) + 1),
      sigmoid: logistic,
      softplus: (x) => Math.log(1 + Math.exp(x)),
    };
    const x = drawn([2, 5]);
    for (const activation of activations) {
      const y = evaluateGraph(
        graphOf([2, 5], (builder, value) => activated(builder, value, activation)),
        { x },
      ).y!.data;
      if (activation === "softmax") {
        expect(y.slice(0, 5).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
        expect(Math.log(y[0]! / y[1]!)).toBeCloseTo(x.data[0]! - x.data[1]!, 9);
        continue;
      }
      // Constants of a graph are single: 1e-7.
      y.forEach((value, at) => {
        expect(value, activation).toBeCloseTo(expected[activation]!(x.data[at]!), 6);
      });
    }
  });
});
