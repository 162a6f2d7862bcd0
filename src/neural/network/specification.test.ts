import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../../../test/neural/operator-check.js";
import { InputError } from "../../errors.js";
import { createRandom } from "../../system/index.js";
import { openSession } from "../engines/onnxruntime/session.js";
import { elementCount, float32Tensor } from "../graph/tensor.js";
import { writeOnnx } from "../onnx/index.js";
import { numericTensor } from "../operators/numeric.js";
import { createNetwork } from "./specification.js";

const demapper = {
  inputs: [
    { name: "symbols", shape: ["batch", 2], meaning: "equalized symbol" },
    { name: "noise", shape: ["batch", 1] },
  ],
  layers: [
    { type: "dense", units: 16, activation: "relu" },
    { type: "layer-normalization" },
    { type: "residual", layers: [{ type: "dense", units: 16, activation: "tanh" }] },
    { type: "dense", units: 4, initialization: "glorot" },
  ],
  outputs: [{ name: "llrs", meaning: "soft bits" }],
} as const;

const receiver = {
  name: "receiver",
  inputs: [{ name: "grid", shape: ["batch", 2, "symbols", "carriers"] }],
  layers: [
    { type: "conv2d", filters: 6, kernel: [3, 3], activation: "relu" },
    { type: "batch-normalization" },
    { type: "conv2d", filters: 6, kernel: [3, 3], dilations: [1, 2], groups: 6 },
    { type: "conv2d", filters: 4, kernel: [1, 1] },
    { type: "transpose", permutation: [0, 2, 3, 1] },
    { type: "activation", activation: "softmax" },
  ],
  outputs: [{ name: "shares" }],
} as const;

const classifier = {
  inputs: [{ name: "image", shape: ["batch", 1, 8, 6] }],
  layers: [
    { type: "conv2d", filters: 3, kernel: [3, 3], strides: [2, 2], activation: "gelu" },
    { type: "flatten" },
    { type: "dense", units: 5 },
    { type: "reshape", shape: [0, 5, 1] },
  ],
  outputs: [{ name: "scores" }],
} as const;

describe("networks from specifications", () => {
  it("declare their ports with the names of dimensions", () => {
    const { ports, model } = createNetwork(demapper, createRandom(1));
    expect(ports.inputs.map(({ name, meaning }) => [name, meaning])).toEqual([
      ["symbols", "equalized symbol"],
      ["noise", "noise"],
    ]);
    expect(ports.outputs).toEqual([
      { name: "llrs", type: { elementType: "float32", shape: ["batch", 4] }, meaning: "soft bits" },
    ]);
    expect(model.graph.outputs[0]!.type.shape).toEqual(["batch", 4]);
    const shapeOf = (given: unknown) => createNetwork(given, createRandom(1)).ports.outputs[0]!.type.shape;
    expect(shapeOf(receiver)).toEqual(["batch", "symbols", "carriers", 4]);
    expect(shapeOf(classifier)).toEqual(["batch", 5, 1]);
  });

  it("run in ONNX Runtime for any size of a named dimension, as the interpreter computes them", async () => {
    const random = createRandom(2);
    for (const specification of [demapper, receiver, classifier]) {
      const { model, ports } = createNetwork(specification, random);
      const session = await openSession(writeOnnx(model));
      try {
        for (const sizes of [
          { batch: 1, symbols: 3, carriers: 4 },
          { batch: 5, symbols: 2, carriers: 7 },
        ] as Record<string, number>[]) {
          const inputs = Object.fromEntries(
            ports.inputs.map(({ name, type }) => {
              const shape = type.shape.map((size) => (typeof size === "string" ? sizes[size]! : size));
              const numbers = Array.from({ length: elementCount(shape) }, () => random.gaussian());
              return [name, float32Tensor(numbers, shape)];
            }),
          );
          const [output] = ports.outputs;
          const theirs = (await session.run(inputs))[output!.name]!;
          const ours = evaluateGraph(
            model.graph,
            Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, numericTensor(value)])),
          )[output!.name]!;
          expect(theirs.shape).toEqual(
            output!.type.shape.map((size) => (typeof size === "string" ? sizes[size]! : size)),
          );
          expect(theirs.shape).toEqual(ours.shape);
          ours.data.forEach((value, at) => {
            expect(Math.abs((theirs.data as Float32Array)[at]! - value)).toBeLessThan(1e-4);
          });
        }
      } finally {
        await session.release();
      }
    }
  });

  it("are the same for the same seed", () => {
    const bytes = (seed: number) => writeOnnx(createNetwork(demapper, createRandom(seed)).model);
    expect(bytes(7)).toEqual(bytes(7));
    expect(bytes(7)).not.toEqual(bytes(8));
  });

  it("are refused with the field that is wrong", () => {
    const field = (given: unknown): string => {
      try {
        createNetwork(given, createRandom(1));
      } catch (error) {
        if (error instanceof InputError) return error.field;
        throw error;
      }
      return "accepted";
    };
    expect(field(demapper)).toBe("accepted");
    expect(field(undefined)).toBe("network");
    expect(field({ ...demapper, inputs: [] })).toBe("network.inputs");
    expect(field({ ...demapper, surplus: 1 })).toBe("network");
    expect(field({ ...demapper, layers: [{ type: "dense", units: 0 }] })).toBe("network.layers.0.units");
    expect(field({ ...demapper, layers: [{ type: "dance" }] })).toBe("network.layers.0.type");
    expect(field({ ...demapper, outputs: [{ name: "symbols" }] })).toBe("network");
    expect(field({ ...demapper, outputs: [{ name: "Gemm" }] })).toBe("network.outputs.0.name");
    expect(field({ ...demapper, layers: [{ type: "conv2d", filters: 1, kernel: [3, 3] }] })).toMatch(
      /^network\.layers\.0: /,
    );
    expect(
      field({ ...receiver, layers: [{ type: "conv2d", filters: 4, kernel: [1, 1], groups: 3 }] }),
    ).toMatch(/^network\.layers\.0: groups/);
    expect(field({ ...receiver, layers: [{ type: "residual", layers: [{ type: "flatten" }] }] })).toMatch(
      /^network\.layers\.0: branch/,
    );
    // Weights of a size that is not known.
    expect(field({ ...receiver, layers: [{ type: "flatten" }, { type: "dense", units: 3 }] })).toBe(
      "parameter dense.weight of the network",
    );
    // An axis that is no longer what its name says.
    expect(
      field({ ...receiver, layers: [{ type: "conv2d", filters: 1, kernel: [1, 1], strides: [2, 1] }] }),
    ).toBe("axis 2 of the network's output");
  });
});
