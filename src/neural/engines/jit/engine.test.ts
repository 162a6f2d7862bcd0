import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { availableTargets } from "../../../compiler/index.js";
import { createRandom, type Random } from "../../../system/index.js";
import { float, int, ints, onnxModel, type ValueName } from "../../graph/graph.js";
import { elementCount, float32Tensor, int64Tensor, type Tensor } from "../../graph/tensor.js";
import { interpret } from "../../interpreter/interpret.js";
import { type NetworkBuilder, networkBuilder } from "../../network/builder.js";
import { readOnnx, writeOnnx } from "../../onnx/index.js";
import { numericTensor } from "../../operators/numeric.js";
import type { NamedTensors } from "../engine.js";
import { openSession } from "../onnxruntime/session.js";
import { jitEngine } from "./engine.js";

const normal = (random: Random, shape: readonly number[], scale = 1): Tensor<"float32"> =>
  float32Tensor(
    Float32Array.from({ length: elementCount(shape) }, () => scale * random.gaussian()),
    shape,
  );

/** The largest difference over the largest number of the reference. */
function disagreement(
  made: NamedTensors,
  reference: Readonly<Record<string, { data: ArrayLike<number> }>>,
): number {
  let worst = 0;
  for (const [name, { data }] of Object.entries(reference)) {
    const own = numericTensor(made[name]!).data;
    expect(own.length).toBe(data.length);
    const largest = Math.max(1e-3, ...Array.from(data, Math.abs));
    for (let k = 0; k < own.length; k++) {
      if (Number.isNaN(data[k])) expect(own[k]).toBeNaN();
      else worst = Math.max(worst, Math.abs(own[k]! - data[k]!) / largest);
    }
  }
  return worst;
}

type Layer = (builder: NetworkBuilder, value: ValueName, random: Random) => ValueName;

const size = (random: Random, most: number) => 1 + random.integer(most);
const featuresOf = (builder: NetworkBuilder, value: ValueName) => builder.typeOf(value).shape[1]!;
const plain =
  (operator: string): Layer =>
  (builder, value) =>
    builder.add(operator, [value]);

/** Layers of values [batch, features]. */
const layers: Readonly<Record<string, Layer>> = {
  dense(builder, value, random) {
    const [inputs, outputs] = [featuresOf(builder, value), size(random, 20)];
    return builder.add("Gemm", [
      value,
      builder.constant(normal(random, [inputs, outputs], 1 / Math.sqrt(inputs))),
      builder.constant(normal(random, [outputs])),
    ]);
  },
  transposedDense(builder, value, random) {
    const [inputs, outputs] = [featuresOf(builder, value), size(random, 12)];
    const weights = builder.constant(normal(random, [outputs, inputs]));
    return builder.add("Gemm", [value, weights, builder.constant(normal(random, [1]))], {
      transB: int(1),
      alpha: float(0.5),
      beta: float(-2),
    });
  },
  wide(builder, value, random) {
    const inputs = featuresOf(builder, value);
    const hidden = builder.add("MatMul", [value, builder.constant(normal(random, [inputs, 70], 0.3))]);
    const active = builder.add("Tanh", [
      builder.add("Add", [hidden, builder.constant(normal(random, [70]))]),
    ]);
    return builder.add("MatMul", [active, builder.constant(normal(random, [70, 33], 0.2))]);
  },
  relu: plain("Relu"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  softplus: plain("Softplus"),
  abs: plain("Abs"),
  leakyRelu: (builder, value) => builder.add("LeakyRelu", [value], { alpha: float(0.1) }),
  scale: (builder, value, random) =>
    builder.add("Mul", [builder.constant(normal(random, [featuresOf(builder, value)])), value]),
  offset: (builder, value) => builder.add("Sub", [builder.constant(1), value]),
  residual: (builder, value) => builder.add("Add", [builder.add("Tanh", [value]), value]),
  clip: (builder, value) => builder.add("Clip", [value, builder.constant(-1), builder.constant(1.5)]),
  extremes: (builder, value, random) =>
    builder.add("Max", [
      builder.constant(-1),
      value,
      builder.add("Min", [value, builder.constant(random.gaussian())]),
    ]),
  quotient: (builder, value) =>
    builder.add("Div", [value, builder.add("Add", [builder.add("Abs", [value]), builder.constant(1)])]),
  root: (builder, value) =>
    builder.add("Sqrt", [builder.add("Exp", [builder.add("Neg", [builder.add("Abs", [value])])])]),
  softmax: (builder, value) => builder.add("Softmax", [value]),
  logSoftmax: (builder, value) => builder.add("LogSoftmax", [value], { axis: int(1) }),
  layerNormalization(builder, value, random) {
    const features = featuresOf(builder, value);
    const parameters = [normal(random, [features]), normal(random, [features])];
    return builder.add("LayerNormalization", [value, ...parameters.map((one) => builder.constant(one))]);
  },
  batchNormalization(builder, value, random) {
    const features = featuresOf(builder, value);
    const variance = normal(random, [features]);
    const parameters = [normal(random, [features]), normal(random, [features]), normal(random, [features])];
    const positive = float32Tensor(variance.data.map((one) => 0.1 + one * one));
    return builder.add("BatchNormalization", [
      value,
      ...[...parameters, positive].map((one) => builder.constant(one)),
    ]);
  },
  mean: (builder, value) =>
    builder.add("Sub", [
      value,
      builder.add("ReduceMean", [value, builder.constant(int64Tensor([1]))], { keepdims: int(1) }),
    ]),
  concatenation: (builder, value) =>
    builder.add("Concat", [value, builder.add("Relu", [builder.add("Neg", [value])])], { axis: int(-1) }),
  slice: (builder, value) =>
    builder.add("Slice", [
      value,
      ...[[0], [featuresOf(builder, value)], [1], [2]].map((numbers) =>
        builder.constant(int64Tensor(numbers)),
      ),
    ]),
  reversal: (builder, value) =>
    builder.add("Slice", [
      value,
      ...[[-1], [-1000], [-1], [-1]].map((numbers) => builder.constant(int64Tensor(numbers))),
    ]),
  table(builder, value) {
    const features = featuresOf(builder, value);
    const shape = (...sizes: number[]) => builder.constant(int64Tensor(sizes));
    const square = builder.add("Reshape", [
      builder.add("Concat", [value, value], { axis: int(1) }),
      shape(0, 2, features),
    ]);
    const turned = builder.add("Transpose", [square], { perm: ints([0, 2, 1]) });
    const more = builder.add("Unsqueeze", [turned, shape(1)]);
    return builder.add("Flatten", [builder.add("Squeeze", [more, shape(1)])]);
  },
  convolution(builder, value, random) {
    const features = featuresOf(builder, value);
    const picture = builder.add("Reshape", [value, builder.constant(int64Tensor([-1, 1, features]))]);
    const filters = builder.constant(normal(random, [2, 1, 3]));
    const convolved = builder.add("Conv", [picture, filters, builder.constant(normal(random, [2]))], {
      pads: ints([2, 2]),
      dilations: ints([2]),
      strides: ints([1 + random.integer(2)]),
    });
    return builder.add("Flatten", [builder.add("Relu", [convolved])]);
  },
};

function randomNetwork(names: readonly string[], features: number, random: Random) {
  const builder = networkBuilder("random");
  let value = builder.input("x", "float32", ["batch", features]);
  for (const name of names) {
    // Layers that double the features would make the network large.
    if (featuresOf(builder, value) <= 64 || name.startsWith("dense"))
      value = layers[name]!(builder, value, random);
  }
  builder.output("y", value, ["batch", featuresOf(builder, value)]);
  return onnxModel(builder.graph());
}

describe.each(availableTargets())("the engine jit on %s", (target) => {
  const engine = jitEngine(target);

  it("agrees with the interpreter on random networks and batches", async () => {
    const seed = 20241121;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(layers)), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200 })),
        fc.integer(),
        async (names, features, batch, drawn) => {
          const random = createRandom(drawn);
          const model = randomNetwork(names, features, random);
          const inputs = { x: normal(random, [batch, features]) };
          const instance = await engine.instantiate(model, { dimensions: { batch } });
          const made = await instance.run(inputs);
          await instance.release();
          expect(disagreement(made, interpret(model, inputs))).toBeLessThan(2e-5);
        },
      ),
      { seed, numRuns: 60 },
    );
  });

  it.each(Object.keys(layers))("has the layer %s", async (name) => {
    const random = createRandom(7);
    const model = randomNetwork(["dense", name, "dense"], 5, random);
    const inputs = { x: normal(random, [37, 5]) };
    const instance = await engine.instantiate(model, { dimensions: { batch: 37 } });
    expect(disagreement(await instance.run(inputs), interpret(model, inputs))).toBeLessThan(1e-5);
    expect(instance.outputs.y!.shape[0]).toBe(37);
    await instance.release();
  });

  it.each(["aerial_llrnet", "sionna_rk_neural_demapper_16qam"])(
    "agrees with ONNX Runtime on %s",
    async (name) => {
      const model = readOnnx(readFileSync(`../shared/data/onnx/${name}.onnx`));
      const input = model.graph.inputs[0]!;
      const batch = 1000;
      const random = createRandom(3);
      const drawn = numericTensor(normal(random, [batch, 2]));
      const { storedTensor } = await import("../../operators/numeric.js");
      const inputs = { [input.name]: storedTensor({ ...drawn, elementType: input.type.elementType }) };
      const session = await openSession(writeOnnx(model));
      const reference = await session.run(inputs);
      const dimensions = { [input.type.shape[0]!]: batch };
      const instance = await engine.instantiate(model, { dimensions });
      const made = await instance.run(inputs);
      const numbers = Object.fromEntries(
        Object.entries(reference).map(([port, one]) => [port, numericTensor(one)]),
      );
      expect(disagreement(made, numbers)).toBeLessThan(1e-4);
      await instance.release();
      await session.release();
    },
  );

  it("loses nothing that is no number", async () => {
    const builder = networkBuilder("nothing");
    const x = builder.input("x", "float32", ["batch", 2]);
    const clipped = builder.add("Clip", [builder.add("Relu", [x]), builder.constant(0), builder.constant(6)]);
    builder.output("y", builder.add("Tanh", [clipped]), ["batch", 2]);
    const instance = await engine.instantiate(onnxModel(builder.graph()), { dimensions: { batch: 1 } });
    const { y } = await instance.run({ x: float32Tensor([Number.NaN, 2], [1, 2]) });
    expect(y!.data[0]).toBeNaN();
    expect(y!.data[1]).toBeCloseTo(Math.tanh(2), 6);
    await instance.release();
  });

  it("stays as large over 1,000 networks", { timeout: 60_000 }, async () => {
    const random = createRandom(5);
    const model = randomNetwork(["dense", "relu", "dense"], 2, random);
    const inputs = { x: normal(random, [64, 2]) };
    const cycle = async () => {
      const instance = await engine.instantiate(model, { dimensions: { batch: 64 } });
      await instance.run(inputs);
      await instance.release();
    };
    for (let k = 0; k < 200; k++) await cycle();
    const before = process.memoryUsage().rss;
    for (let k = 0; k < 1000; k++) await cycle();
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 2 ** 20);
  });
});

describe("what the engine jit refuses", () => {
  const refused = (build: (builder: NetworkBuilder, x: ValueName) => ValueName) => {
    const builder = networkBuilder("refused");
    const x = builder.input("x", "float32", ["batch", 4]);
    builder.output("y", build(builder, x));
    return jitEngine().instantiate(onnxModel(builder.graph()), { dimensions: { batch: 3 } });
  };

  it("names the operator and the node that it lacks", async () => {
    await expect(refused((builder, x) => builder.add("Erf", [x]))).rejects.toThrow(/node Erf.*Erf/s);
  });

  it("mixes no samples", async () => {
    const overBatch = refused((builder, x) =>
      builder.add("ReduceMean", [x, builder.constant(int64Tensor([0]))], { keepdims: int(1) }),
    );
    await expect(overBatch).rejects.toThrow(/ReduceMean.*keep the samples of a batch apart/s);
    const turned = refused((builder, x) =>
      builder.add("Reshape", [builder.add("Transpose", [x]), builder.constant(int64Tensor([-1, 4]))]),
    );
    await expect(turned).rejects.toThrow(/keep the samples of a batch apart/);
    const product = refused((builder, x) => builder.add("MatMul", [x, builder.add("Transpose", [x])]));
    await expect(product).rejects.toThrow(/MatMul/);
  });

  it("refuses dimensions and inputs that do not fit", async () => {
    const builder = networkBuilder("fit");
    const x = builder.input("x", "float32", ["batch", 4]);
    builder.output("y", builder.add("Relu", [x]), ["batch", 4]);
    const model = onnxModel(builder.graph());
    await expect(jitEngine().instantiate(model, { dimensions: {} })).rejects.toThrow(/dimensions.batch/);
    const instance = await jitEngine().instantiate(model, { dimensions: { batch: 2 } });
    await expect(instance.run({ x: float32Tensor([1, 2, 3, 4], [1, 4]) })).rejects.toThrow(/input x/);
    await instance.release();
    await expect(instance.run({ x: float32Tensor([1], [1, 1]) })).rejects.toThrow(/released/);
  });
});
