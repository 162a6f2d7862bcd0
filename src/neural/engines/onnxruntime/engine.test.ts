import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import { toFloat16 } from "../../graph/float16.js";
import { type GraphNode, type OnnxModel, onnxModel } from "../../graph/graph.js";
import { float32Tensor, type Tensor, tensor } from "../../graph/tensor.js";
import { readOnnx } from "../../onnx/index.js";
import { onnxruntime } from "./engine.js";

/** Networks that others trained. */
const trained = "../shared/data/onnx";

/** y = x · gain + x, over a batch. */
function affine(gain: readonly number[]): OnnxModel {
  const type = { elementType: "float32", shape: ["batch", gain.length] } as const;
  const node = (operator: string, inputs: string[], output: string) => ({
    name: operator,
    operator,
    domain: "",
    inputs,
    outputs: [output],
    attributes: {},
  });
  return onnxModel({
    name: "affine",
    inputs: [{ name: "x", type }],
    outputs: [{ name: "y", type }],
    initializers: new Map([["gain", float32Tensor(gain)]]),
    nodes: [node("Mul", ["x", "gain"], "scaled"), node("Add", ["scaled", "x"], "y")],
  });
}

/** A model of one node whose types nobody has inferred. */
function bare(node: Partial<GraphNode>, elementType: "float32" | "float64", domains = {}): OnnxModel {
  const type = { elementType, shape: [1, 1, 4, 4] };
  return {
    ...onnxModel({
      name: "bare",
      inputs: [{ name: "x", type }],
      outputs: [{ name: "y", type }],
      initializers: new Map([["w", tensor(elementType, [1, 1, 1, 1])]]),
      nodes: [
        {
          name: "the one",
          operator: "Conv",
          domain: "",
          inputs: ["x", "w"],
          outputs: ["y"],
          attributes: {},
          ...node,
        },
      ],
    }),
    domains,
  };
}

describe("the engine onnxruntime", () => {
  it("binds dimensions, computes in other threads, and copies what it is given", async () => {
    const instance = await onnxruntime.instantiate(affine([1, 2, -1]), { dimensions: { batch: 2 } });
    expect(instance.inputs).toEqual({ x: { elementType: "float32", shape: [2, 3] } });
    expect(instance.outputs).toEqual({ y: { elementType: "float32", shape: [2, 3] } });
    const x = float32Tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    const runs = [instance.run({ x }), instance.run({ x })];
    x.data.fill(0);
    for (const { y } of await Promise.all(runs))
      expect(y).toEqual(float32Tensor([2, 6, 0, 8, 15, 0], [2, 3]));
    expect(Array.from(x.data)).toEqual([0, 0, 0, 0, 0, 0]);
    await instance.release();
  });

  it("finishes calls under way before it releases, and refuses others", async () => {
    const instance = await onnxruntime.instantiate(affine([1]), { dimensions: { batch: 1 } });
    const calls = Array.from({ length: 50 }, (_, k) => instance.run({ x: float32Tensor([k], [1, 1]) }));
    await Promise.all([instance.release(), instance.release()]);
    expect((await Promise.all(calls)).map(({ y }) => y!.data[0])).toEqual(calls.map((_, k) => 2 * k));
    const late = instance.run({ x: float32Tensor([1], [1, 1]) });
    await expect(late).rejects.toMatchObject({ code: "INSTANCE_RELEASED" });
  });

  it("refuses dimensions that are missing, no sizes or too large", async () => {
    const refused = (dimensions: Record<string, number>) =>
      expect(onnxruntime.instantiate(affine([1, 2]), { dimensions })).rejects.toMatchObject({
        code: "INPUT_INVALID",
      });
    await refused({});
    await refused({ batch: 0 });
    await refused({ batch: 1.5 });
    await refused({ batch: 2 ** 40 });
  });

  it("refuses inputs that are not its own", async () => {
    const instance = await onnxruntime.instantiate(affine([1, 2]), { dimensions: { batch: 1 } });
    const x = float32Tensor([1, 2], [1, 2]);
    await expect(instance.run({})).rejects.toThrow("input x: nothing is given; give float32[1, 2]");
    await expect(instance.run({ x, z: x })).rejects.toThrow(/input z: .* the model has x/);
    await expect(instance.run({ x: float32Tensor([1, 2]) })).rejects.toThrow(
      /float32\[2\].*give float32\[1, 2\]/,
    );
    await expect(instance.run({ x: tensor("float64", [1, 2]) })).rejects.toThrow(/float64\[1, 2\]/);
    const short = { ...x, data: new Float32Array(1) };
    await expect(instance.run({ x: short })).rejects.toThrow(/data of input x: "Float32Array of 1"/);
    await instance.release();
  });

  it("names operator and node that ONNX Runtime lacks", async () => {
    const refused = (model: OnnxModel) => expect(onnxruntime.instantiate(model, { dimensions: {} })).rejects;
    const field = "operator of node the one";
    await refused(bare({ operator: "Frobnicate" }, "float32")).toMatchObject({ field, value: "Frobnicate" });
    await refused(bare({}, "float64")).toMatchObject({ field, value: "Conv" });
    await refused(bare({ operator: "Xor" }, "float32")).toMatchObject({ field, value: "Xor" });
    const foreign = bare({ operator: "Special", domain: "com.example" }, "float32", { "com.example": 1 });
    await refused(foreign).toMatchObject({ field, value: "com.example.Special" });
  });

  it("says where shapes do not fit", async () => {
    const type = { elementType: "float32", shape: ["row", "column"] } as const;
    const { graph } = affine([1, 2]);
    const model = onnxModel({
      ...graph,
      inputs: [
        { name: "x", type },
        { name: "gain", type: { ...type, shape: ["gain"] } },
      ],
      initializers: new Map(),
    });
    const refused = onnxruntime.instantiate(model, { dimensions: { row: 2, column: 3, gain: 4 } });
    await expect(refused).rejects.toThrow(/shapes at node Mul: "x\[2, 3\], gain\[4\]"/);
  });
});

/** 16-QAM symbols of TS 38.211 5.1.4 with their bits, drawn with `seed`. */
function symbolsOf(count: number, seed: number) {
  const random = createRandom(seed);
  const bits = Array.from({ length: count }, () => Array.from({ length: 4 }, () => random.integer(2)));
  const level = (outer: number, inner: number) => ((1 - 2 * outer) * (2 - (1 - 2 * inner))) / Math.sqrt(10);
  const points = bits.map(([b0, b1, b2, b3]) => [level(b0!, b2!), level(b1!, b3!)] as const);
  return { bits, points };
}

/** Share of the symbols of which the sign of a log-likelihood ratio, positive for 0, gives bit `bit`. */
function rightBits(
  bits: readonly (readonly number[])[],
  bit: number,
  llr: (symbol: number) => number | bigint | undefined,
): number {
  const right = bits.filter((four, symbol) => llr(symbol)! > 0 === (four[bit] === 0));
  return right.length / bits.length;
}

describe("networks that others trained", () => {
  /** The bits that decide about signs; those of amplitudes depend on the scale that a network was trained for. */
  const signs = [0, 1];
  const load = (file: string) => readOnnx(readFileSync(`${trained}/${file}.onnx`));
  const has = (file: string) => existsSync(`${trained}/${file}.onnx`);
  const named = (model: OnnxModel) =>
    model.graph.inputs.flatMap(({ type }) => type.shape.filter((size) => typeof size === "string"));

  it.skipIf(!has("sionna_rk_neural_demapper_16qam"))("Sionna's demapper finds the bits", async () => {
    const model = load("sionna_rk_neural_demapper_16qam");
    const { bits, points } = symbolsOf(500, 1);
    const instance = await onnxruntime.instantiate(model, { dimensions: { [named(model)[0]!]: 500 } });
    const y = tensor("float16", [500, 2], Uint16Array.from(points.flat(), toFloat16));
    const { data, shape } = (await instance.run({ y })).output_1!;
    expect(shape).toEqual([500, 4]);
    for (const bit of signs) expect(rightBits(bits, bit, (symbol) => data[4 * symbol + bit])).toBe(1);
    await instance.release();
  });

  it.skipIf(!has("aerial_llrnet"))("Aerial's demapper finds the bits", async () => {
    const model = load("aerial_llrnet");
    const { bits, points } = symbolsOf(500, 2);
    const instance = await onnxruntime.instantiate(model, { dimensions: { [named(model)[0]!]: 500 } });
    const { data, shape } = (await instance.run({ input: float32Tensor(points.flat(), [500, 2]) })).dense_1!;
    expect(shape).toEqual([500, 8]);
    for (const bit of signs) expect(rightBits(bits, bit, (symbol) => data[8 * symbol + bit])).toBe(1);
    await instance.release();
  });

  // A grid [subcarrier][symbol] of symbols over a channel of gain 1, and what estimation gives on pilots: six of a
  // resource block in each of three symbols.
  const blocks = 4;
  for (const [file, ofdmSymbols, antennas, knownBits] of [
    ["sionna_rk_neural_receiver", 13, 1, [0, 1, 2, 3]],
    ["aerial_neural_receiver", 12, 4, signs],
  ] as const) {
    it.skipIf(!has(file))(`${file} finds the bits`, async () => {
      const model = load(file);
      const subcarriers = 12 * blocks;
      const { bits, points } = symbolsOf(subcarriers * ofdmSymbols, 3);
      const isEstimate = (name: string) => name.startsWith("h_hat");
      const dimensions: Record<string, number> = {};
      for (const { name, type } of model.graph.inputs)
        for (const size of type.shape)
          if (typeof size === "string") dimensions[size] = isEstimate(name) ? 18 * blocks : subcarriers;
      const instance = await onnxruntime.instantiate(model, { dimensions });
      const inputs: Record<string, Tensor> = {};
      for (const [name, { shape, elementType }] of Object.entries(instance.inputs)) {
        const one = tensor(elementType, shape);
        inputs[name] = one;
        if (name === "active_dmrs_ports") one.data.fill(1 as never);
        else if (name === "dmrs_ofdm_pos") one.data.set([0, 5, 10] as never);
        else if (name === "dmrs_subcarrier_pos") one.data.set([0, 2, 4, 6, 8, 10] as never);
        else if (name === "h_hat") for (let i = 0; i < one.data.length; i += 2) one.data[i] = 1;
        else if (name === "h_hat_real") one.data.fill(1 as never);
        else if (name === "rx_slot") one.data.set(points.flat() as never);
        else if (name !== "h_hat_imag") {
          const part = name === "rx_slot_real" ? 0 : 1;
          one.data.set(points.flatMap((point) => new Array<number>(antennas).fill(point[part]!)) as never);
        }
      }
      const {
        output_1: { data, shape },
      } = (await instance.run(inputs)) as { output_1: Tensor };
      expect(shape).toEqual([1, knownBits.length, 1, subcarriers, ofdmSymbols]);
      for (const bit of knownBits) {
        const plane = data.slice(bit * points.length, (bit + 1) * points.length);
        expect(rightBits(bits, bit, (symbol) => plane[symbol])).toBeGreaterThan(0.99);
      }
      await instance.release();
    });
  }
});
