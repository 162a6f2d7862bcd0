import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { openSession } from "../engines/onnxruntime/session.js";
import { float, int, ints, type OnnxModel, onnxModel } from "../graph/graph.js";
import { elementCount, float32Tensor, int64Tensor, type Tensor } from "../graph/tensor.js";
import { interpret } from "../interpreter/interpret.js";
import { networkBuilder } from "../network/builder.js";
import { writeOnnx } from "../onnx/index.js";
import { numeric } from "../operators/numeric.js";
import type { NumericTensor } from "../operators/operator.js";
import { meanSquaredError, softmaxCrossEntropy } from "./losses.js";
import { flatten } from "./parameters.js";
import {
  gradientGraph,
  inferenceGraph,
  type TrainingObjective,
  trainingGraph,
  trainingLayout,
  validationGraph,
  values,
} from "./training-graph.js";

const seed = 23;
const random = createRandom(seed);
const gaussians = (shape: readonly number[], scale = 1, offset = 0): Tensor<"float32"> =>
  float32Tensor(
    Array.from({ length: elementCount(shape) }, () => offset + scale * random.gaussian()),
    shape,
  );

/** Convolution, batch normalization and a dense layer over [batch, 2, 5, 4] images; 3 classes. */
function network(): OnnxModel {
  const builder = networkBuilder("images");
  const images = builder.input("images", "float32", ["batch", 2, 5, 4]);
  const convolved = builder.add(
    "Conv",
    [images, builder.initializer("kernel", gaussians([3, 2, 3, 3], 0.3))],
    { pads: ints([1, 1, 1, 1]) },
  );
  const normalized = builder.add(
    "BatchNormalization",
    [
      convolved,
      builder.initializer("scale", gaussians([3], 0.2, 1)),
      builder.initializer("shift", gaussians([3], 0.2)),
      builder.initializer("mean", gaussians([3], 0.2)),
      builder.initializer("variance", float32Tensor([0.5, 1, 2])),
    ],
    { epsilon: float(1e-3), momentum: float(0.8) },
  );
  const flat = builder.add("Reshape", [
    builder.add("Tanh", [normalized]),
    builder.constant(int64Tensor([0, -1])),
  ]);
  const logits = builder.add("Gemm", [
    flat,
    builder.initializer("weight", gaussians([60, 3], 0.2)),
    builder.initializer("bias", gaussians([3], 0.2)),
  ]);
  builder.output("logits", logits, ["batch", 3]);
  return onnxModel(builder.graph());
}

const objective: TrainingObjective = {
  targets: { classes: { elementType: "int64", shape: ["batch"] } },
  loss: (builder, { logits, classes }) => softmaxCrossEntropy(builder, logits!, classes!),
  metrics: {
    power: (builder, { logits }) => meanSquaredError(builder, logits!, builder.constant(0)),
  },
  optimizer: { kind: "adam" },
};
const sizes = { batch: 6 };
const model = network();
const layout = trainingLayout(model, objective);
const initial = Object.fromEntries(model.graph.initializers);
const batch = { images: gaussians([6, 2, 5, 4]), classes: int64Tensor([0, 1, 2, 2, 1, 0]) };

function given(parameters: ArrayLike<number>, statistics: ArrayLike<number>): Record<string, Tensor> {
  return {
    ...batch,
    [values.parameters]: float32Tensor(parameters),
    [values.statistics]: float32Tensor(statistics),
  };
}

const start = flatten(layout.parameters, initial);
const statistics = flatten(layout.statistics, initial);

/** The inputs with parameters in double precision. */
function doubles(parameters: Float64Array): Record<string, NumericTensor> {
  const stored = given(start, statistics);
  return Object.fromEntries(
    Object.entries(stored).map(([name, { elementType, shape, data }]) => [
      name,
      numeric(elementType, shape, name === values.parameters ? parameters : Float64Array.from(data, Number)),
    ]),
  );
}

describe("the gradient graph", () => {
  const graph = gradientGraph(model, objective, sizes);

  it("has the parameters and statistics that are trained", () => {
    expect(layout.parameters.parts.map(({ name }) => name)).toEqual([
      "kernel",
      "scale",
      "shift",
      "weight",
      "bias",
    ]);
    expect(layout.parameters.length).toBe(54 + 3 + 3 + 180 + 3);
    expect(layout.statistics.parts.map(({ name }) => name)).toEqual(["mean", "variance"]);
  });

  it("gives the slope of the loss, by finite differences in double precision", () => {
    const at = Float64Array.from(start);
    const gradient = interpret(graph, doubles(at))[values.gradient]!.data;
    const lossAt = (index: number, change: number): number => {
      const moved = Float64Array.from(at);
      moved[index]! += change;
      return interpret(graph, doubles(moved))[values.loss]!.data[0]!;
    };
    const step = 1e-5;
    for (let index = 0; index < at.length; index += index < 60 ? 3 : 11) {
      const slope = (lossAt(index, step) - lossAt(index, -step)) / (2 * step);
      expect(Math.abs(gradient[index]! - slope), `parameter ${index}`).toBeLessThan(1e-8);
    }
    expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it("normalizes by the batch, and moves the running statistics towards it", () => {
    const outputs = interpret(graph, given(start, statistics));
    const other = interpret(graph, given(start, [9, 9, 9, 9, 9, 9]));
    expect(other[values.loss]!.data).toEqual(outputs[values.loss]!.data);
    const inUse = validationGraph(model, objective, sizes);
    const [used, usedOther] = [
      interpret(inUse, given(start, statistics)),
      interpret(inUse, given(start, [9, 9, 9, 9, 9, 9])),
    ];
    expect(usedOther[values.loss]!.data[0]).not.toBeCloseTo(used[values.loss]!.data[0]!, 3);
    // Of the convolution's own output.
    const convolution = { ...model.graph, outputs: [], nodes: model.graph.nodes.slice(0, 1) };
    const convolved = interpret(
      {
        ...convolution,
        outputs: [
          { name: convolution.nodes[0]!.outputs[0]!, type: { elementType: "float32", shape: [6, 3, 5, 4] } },
        ],
      },
      { images: batch.images },
    )[convolution.nodes[0]!.outputs[0]!]!.data;
    for (let channel = 0; channel < 3; channel++) {
      const own = convolved.filter((_, index) => Math.floor(index / 20) % 3 === channel);
      const mean = own.reduce((a, b) => a + b) / own.length;
      const variance = own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / own.length;
      const moved = outputs[values.newStatistics]!.data;
      expect(moved[channel]).toBeCloseTo(0.8 * statistics[channel]! + 0.2 * mean, 6);
      expect(moved[3 + channel]).toBeCloseTo(0.8 * statistics[3 + channel]! + 0.2 * variance, 6);
    }
  });

  it("gives in ONNX Runtime what the interpreter gives", async () => {
    const session = await openSession(writeOnnx(graph));
    const [computed, exact] = [
      await session.run(given(start, statistics)),
      interpret(graph, given(start, statistics)),
    ];
    for (const name of Object.keys(exact)) {
      const largest = Math.max(...exact[name]!.data.map(Math.abs));
      Array.from(computed[name]!.data as Float32Array).forEach((value, index) => {
        expect(Math.abs(value - exact[name]!.data[index]!), `${name} ${index}`).toBeLessThan(3e-6 * largest);
      });
    }
    await session.release();
  });
});

describe("the training graph", () => {
  it("is the gradient and the optimizer's step in one", () => {
    const sgd = { ...objective, optimizer: { kind: "sgd" } } as const;
    const outputs = interpret(trainingGraph(model, sgd, sizes), {
      ...given(start, statistics),
      [values.learningRate]: float32Tensor([0.5], []),
      [values.step]: int64Tensor([1], []),
    });
    const gradient = interpret(gradientGraph(model, objective, sizes), given(start, statistics));
    outputs[values.newParameters]!.data.forEach((value, index) => {
      expect(value).toBeCloseTo(start[index]! - 0.5 * gradient[values.gradient]!.data[index]!, 12);
    });
    expect(outputs[values.newStatistics]!.data).toEqual(gradient[values.newStatistics]!.data);
    expect(outputs[values.loss]!.data).toEqual(gradient[values.loss]!.data);
    expect(outputs[values.metric("power")]!.data[0]).toBeGreaterThan(0);
  });

  it("leaves frozen tensors alone, and normalizes by frozen statistics", () => {
    const frozen = { ...objective, frozen: ["kernel", "mean", "variance"] };
    const thawed = trainingLayout(model, frozen);
    expect(thawed.parameters.parts.map(({ name }) => name)).toEqual(["scale", "shift", "weight", "bias"]);
    expect(thawed.statistics.length).toBe(0);
    const graph = gradientGraph(model, frozen, sizes);
    const outputs = interpret(graph, {
      ...batch,
      [values.parameters]: float32Tensor(flatten(thawed.parameters, initial)),
    });
    const inUse = interpret(validationGraph(model, objective, sizes), given(start, statistics));
    expect(outputs[values.loss]!.data[0]).toBeCloseTo(inUse[values.loss]!.data[0]!, 12);
    expect(outputs[values.newStatistics]).toBeUndefined();
  });

  it("is refused for what does not fit", () => {
    const build = (changes: Partial<TrainingObjective>) => () =>
      trainingGraph(model, { ...objective, ...changes }, sizes);
    expect(build({ frozen: ["nothing"] })).toThrow(/frozen.*nothing/);
    expect(build({ frozen: layout.parameters.parts.map(({ name }) => name) })).toThrow(/at least one/);
    expect(
      build({ targets: { ...objective.targets, logits: { elementType: "float32", shape: [] } } }),
    ).toThrow(/targets.*logits/);
    expect(build({ loss: (_, { logits }) => logits! })).toThrow(/loss.*scalar/);
    expect(build({ metrics: { all: (_, { logits }) => logits! } })).toThrow(/metrics.all.*scalar/);
    expect(() => trainingGraph(model, objective, {})).toThrow(/batch/);
  });
});

describe("the inference graph", () => {
  it("computes what the network does", () => {
    const outputs = interpret(inferenceGraph(model, objective, sizes), {
      images: batch.images,
      [values.parameters]: float32Tensor(start),
      [values.statistics]: float32Tensor(statistics),
    });
    expect(outputs.logits).toEqual(interpret(model, { images: batch.images }).logits);
  });
});

it("takes constants of one element for no weights where a file does not tell", () => {
  const imported = { ...network(), producer: "another" };
  const { initializers, nodes } = imported.graph;
  const withEpsilon = {
    ...imported,
    graph: {
      ...imported.graph,
      initializers: new Map([...initializers, ["small", float32Tensor([0.1])], ["offset", gaussians([3])]]),
      nodes: nodes.concat(
        {
          name: "e",
          operator: "Add",
          domain: "",
          inputs: ["logits", "small"],
          outputs: ["e"],
          attributes: {},
        },
        {
          name: "o",
          operator: "Reshape",
          domain: "",
          inputs: ["offset", "shape"],
          outputs: ["o"],
          attributes: { allowzero: int(0) },
        },
        { name: "f", operator: "Add", domain: "", inputs: ["e", "o"], outputs: ["f"], attributes: {} },
      ),
    },
  };
  expect(trainingLayout(withEpsilon, {}).parameters.parts.map(({ name }) => name)).toEqual([
    "kernel",
    "scale",
    "shift",
    "weight",
    "bias",
    "offset",
  ]);
});
