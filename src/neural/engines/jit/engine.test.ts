import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { disagreement, layers, normal, randomNetwork } from "../../../../test/neural/random-networks.js";
import { availableTargets } from "../../../compiler/index.js";
import { createRandom } from "../../../system/index.js";
import { int, onnxModel, type ValueName } from "../../graph/graph.js";
import { float32Tensor, int64Tensor } from "../../graph/tensor.js";
import { interpret } from "../../interpreter/interpret.js";
import { type NetworkBuilder, networkBuilder } from "../../network/builder.js";
import { readOnnx, writeOnnx } from "../../onnx/index.js";
import { numericTensor, storedTensor } from "../../operators/numeric.js";
import { openSession } from "../onnxruntime/session.js";
import { jitEngine } from "./engine.js";

/** Networks that others trained. */
const foreign = "../shared/data/onnx";

describe.each(availableTargets())("the engine jit on %s", (target) => {
  const engine = jitEngine(target);

  it.each(Object.keys(layers))("has the layer %s", async (name) => {
    const random = createRandom(7);
    const model = randomNetwork(["dense", name, "dense"], 5, random);
    const inputs = { x: normal(random, [37, 5]) };
    const instance = await engine.instantiate(model, { dimensions: { batch: 37 } });
    expect(disagreement(await instance.run(inputs), interpret(model, inputs))).toBeLessThan(1e-5);
    expect(instance.outputs.y!.shape[0]).toBe(37);
    await instance.release();
  });

  it.skipIf(!existsSync(foreign)).each(["aerial_llrnet", "sionna_rk_neural_demapper_16qam"])(
    "agrees with ONNX Runtime on %s",
    async (name) => {
      const model = readOnnx(readFileSync(`${foreign}/${name}.onnx`));
      const input = model.graph.inputs[0]!;
      const batch = 1000;
      const random = createRandom(3);
      const drawn = numericTensor(normal(random, [batch, 2]));
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

  it("folds a constant into a layer of more weights than a call takes arguments", async () => {
    const units = 400;
    const random = createRandom(4);
    const builder = networkBuilder("wide");
    const x = builder.input("x", "float32", ["batch", units]);
    const weights = builder.constant(float32Tensor(normal(random, [units, units]).data, [units, units]));
    const product = builder.add("MatMul", [x, weights]);
    builder.output("y", builder.add("Mul", [product, builder.constant(0.5)]), ["batch", units]);
    const model = onnxModel(builder.graph());
    const inputs = { x: normal(random, [1, units]) };
    const instance = await engine.instantiate(model, { dimensions: { batch: 1 } });
    expect(disagreement(await instance.run(inputs), interpret(model, inputs))).toBeLessThan(1e-4);
    await instance.release();
  });

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

  it("computes nothing from the size of the batch", async () => {
    const scaled = refused((builder, x) => {
      const size = builder.add("Gather", [builder.add("Shape", [x]), builder.constant(int64Tensor([0]))]);
      return builder.add("Mul", [x, builder.add("Cast", [size], { to: int(1) })]);
    });
    await expect(scaled).rejects.toThrow(/compute nothing from the size of the batch/);
    const reshaped = await refused((builder, x) => {
      const size = builder.add("Gather", [builder.add("Shape", [x]), builder.constant(int64Tensor([0]))]);
      const shape = builder.add("Concat", [size, builder.constant(int64Tensor([2, 2]))], { axis: int(0) });
      return builder.add("Reshape", [x, shape]);
    });
    expect(reshaped.outputs.y!.shape).toEqual([3, 2, 2]);
    await reshaped.release();
  });

  it("is for small networks", async () => {
    const random = createRandom(1);
    const wide = refused((builder, x) => {
      const value = builder.add("MatMul", [x, builder.constant(normal(random, [4, 20_000]))]);
      return builder.add("Relu", [builder.add("Abs", [value])]);
    });
    await expect(wide).rejects.toThrow(/for small networks/);
    const deep = refused((builder, x) => {
      let value = x;
      for (let k = 0; k < 1100; k++) value = builder.add("Abs", [value]);
      return value;
    });
    await expect(deep).rejects.toThrow(/for small networks/);
  });

  it("takes inputs whose batches bear different names, as exporters call them, or are a number", async () => {
    for (const [a, b] of [
      ["unk__1", "unk__2"],
      [5, 5],
    ] as const) {
      const builder = networkBuilder("inputs", { dimensions: { unk__1: 5, unk__2: 5 } });
      const sum = builder.add("Add", [
        builder.input("a", "float32", [a, 2]),
        builder.input("b", "float32", [b, 2]),
      ]);
      builder.output("y", sum);
      const dimensions = typeof a === "string" ? { [a]: 5, [b]: 5 } : {};
      const instance = await jitEngine().instantiate(onnxModel(builder.graph()), { dimensions });
      const inputs = { a: normal(createRandom(1), [5, 2]), b: normal(createRandom(2), [5, 2]) };
      const { y } = await instance.run(inputs);
      y!.data.forEach((one, k) => {
        expect(one).toBe(Math.fround(inputs.a.data[k]! + inputs.b.data[k]!));
      });
      await instance.release();
    }
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
