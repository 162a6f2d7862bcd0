import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { noisy16Qam } from "../../../test/neural/noisy-16qam.js";
import { createRandom } from "../../system/index.js";
import { toFloat16 as bitsOf } from "../graph/float16.js";
import { type OnnxModel, onnxModel } from "../graph/graph.js";
import { float32Tensor, tensor } from "../graph/tensor.js";
import { interpret } from "../interpreter/interpret.js";
import { networkBuilder } from "../network/builder.js";
import { readOnnx, writeOnnx } from "../onnx/index.js";
import { numericTensor, storedTensor } from "../operators/numeric.js";
import { toFloat16, toFloat32 } from "./float-width.js";
import { binaryCrossEntropy, meanSquaredError } from "./losses.js";
import { trainableTensors } from "./parameters.js";
import { trainableForm, trained } from "./trained.js";
import { train } from "./trainer.js";
import { openTrainingSession } from "./training-session.js";

const seed = 41;

/** y ↦ Cast((y W) + b), float16 but for the output, with the weight in a Constant node. */
function halfNetwork(): OnnxModel {
  const random = createRandom(seed);
  const halves = (shape: number[]) =>
    tensor(
      "float16",
      shape,
      Uint16Array.from({ length: shape.reduce((a, b) => a * b) }, () => bitsOf(random.gaussian())),
    );
  const builder = networkBuilder("half");
  const y = builder.input("y", "float16", ["batch", 3]);
  const weight = builder.add("Constant", [], { value: { kind: "tensor", value: halves([3, 2]) } });
  const sum = builder.add("Add", [
    builder.add("MatMul", [y, weight]),
    builder.initializer("bias", halves([2])),
  ]);
  const wide = builder.add("Cast", [sum], { to: { kind: "int", value: 1 } });
  builder.output("z", wide, ["batch", 2]);
  return { ...onnxModel(builder.graph()), producer: "another" };
}

describe("a float16 network", () => {
  const half = halfNetwork();
  const single = toFloat32(half);

  it("computes the same in float32, but for the roundings between nodes", () => {
    expect(single.graph.inputs[0]!.type.elementType).toBe("float32");
    const y = float32Tensor([0.5, -1, 2, 4, 0.25, -0.125], [2, 3]);
    const [exact, rounded] = [
      interpret(single, { y }).z!.data,
      interpret(half, { y: storedTensor({ ...numericTensor(y), elementType: "float16" }) }).z!.data,
    ];
    exact.forEach((value, index) => {
      expect(Math.abs(value - rounded[index]!)).toBeLessThan(2 ** -8);
    });
  });

  it("comes back from float32 to its bits", () => {
    // All but the cast to float32, of which float16 has no need.
    const back = toFloat16(single);
    expect(back.graph.initializers).toEqual(half.graph.initializers);
    expect(back.graph.nodes.slice(0, 3)).toEqual(half.graph.nodes.slice(0, 3));
    expect(back.graph.inputs).toEqual(half.graph.inputs);
    expect(back.graph.outputs[0]!.type.elementType).toBe("float16");
  });

  it("is trained in float32, weights of Constant nodes, too, and comes back in float16", async () => {
    const form = trainableForm(half);
    const weight = half.graph.nodes[0]!.outputs[0]!;
    expect(trainableTensors(form).parameters.toSorted()).toEqual(["bias", weight].toSorted());
    const session = openTrainingSession(half, {
      targets: { target: { elementType: "float32", shape: ["batch", 2] } },
      loss: (builder, { z, target }) => meanSquaredError(builder, z!, target!),
      optimizer: { kind: "adam" },
    });
    const random = createRandom(seed);
    const gaussians = (count: number) => Float32Array.from({ length: count }, () => random.gaussian());
    for (let step = 0; step < 400; step++) {
      const y = gaussians(60);
      // A function that the network has: the first and the second number, less one.
      const target = Float32Array.from({ length: 40 }, (_, i) => y[3 * (i >> 1) + (i % 2)]! - 1);
      await session.step(
        { y: tensor("float32", [20, 3], y), target: tensor("float32", [20, 2], target) },
        0.03,
      );
    }
    const model = session.model();
    await session.release();
    expect(model.graph.inputs).toEqual(half.graph.inputs);
    const { initializers } = readOnnx(writeOnnx(model)).graph;
    expect(initializers.get("bias")!.elementType).toBe("float16");
    const learnt = Array.from(numericTensor(initializers.get(weight)!).data);
    [1, 0, 0, 1, 0, 0].forEach((value, index) => {
      expect(learnt[index]).toBeCloseTo(value, 1);
    });
  });

  it("takes no weights that it does not have", () => {
    expect(() => trained(half, { other: float32Tensor([1]) })).toThrow(/other/);
    expect(() => trained(half, { bias: float32Tensor([1]) })).toThrow(/\[2\]/);
  });
});

const path = resolve(process.cwd(), "../shared/data/onnx/sionna_rk_neural_demapper_16qam.onnx");

describe.skipIf(!existsSync(path))("the demapper of Sionna Research Kit", () => {
  /** Binary cross entropy in nats a bit of a demapper whose positive soft bits say 0, in double precision. */
  function crossEntropy(model: OnnxModel, parameters: { noiseVariance: number; gain: number }): number {
    const { y, bits } = noisy16Qam(parameters).batch(createRandom(99), 3000);
    const half = storedTensor({ ...numericTensor(y!), elementType: "float16" });
    const logits = Object.values(interpret(model, { y: half }))[0]!.data;
    let sum = 0;
    logits.forEach((logit, index) => {
      sum += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(-logit, 0) + logit * Number(bits!.data[index]);
    });
    return sum / logits.length;
  }

  it(`is fine-tuned to a receiver whose symbols it was not trained for (seed ${seed})`, async () => {
    const imported = readOnnx(readFileSync(path));
    // Symbols of power 1; it serves those of about three times as much best.
    const parameters = { noiseVariance: 0.1, gain: 1 };
    const [output] = imported.graph.outputs;
    const result = await train(
      imported,
      {
        dataset: {
          module: new URL("../../../test/neural/noisy-16qam.js", import.meta.url),
          factory: "noisy16Qam",
          parameters,
        },
        targets: { bits: { elementType: "float32", shape: [imported.graph.inputs[0]!.type.shape[0]!, 4] } },
        loss: (builder, values) =>
          binaryCrossEntropy(builder, builder.add("Neg", [values[output!.name]!]), values.bits!),
        optimizer: { kind: "adam" },
        schedule: { learningRate: 3e-3, decay: { kind: "cosine" } },
        steps: 500,
        batch: 256,
        shards: 2,
      },
      { seed },
    );
    const [before, after, matched] = [
      crossEntropy(imported, parameters),
      crossEntropy(result.model, parameters),
      crossEntropy(imported, { ...parameters, gain: 1.75 }),
    ];
    console.log(
      `cross entropy a bit: ${before} before, ${after} after; ${matched} with symbols that it is best at`,
    );
    expect(before).toBeGreaterThan(1.4 * matched);
    expect(after).toBeLessThan(matched);
    expect(result.model.graph.inputs).toEqual(imported.graph.inputs);
    expect(result.model.graph.nodes).toEqual(imported.graph.nodes);
    expect(result.model.opset).toBe(15);
  });
});
