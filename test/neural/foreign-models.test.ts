import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSession } from "../../src/neural/engines/onnxruntime/session.js";
import { differentiate } from "../../src/neural/gradients/differentiate.js";
import { sizesOf } from "../../src/neural/graph/dimensions.js";
import { elementCount, float32Tensor, type Tensor, tensor } from "../../src/neural/graph/tensor.js";
import { typeGraph } from "../../src/neural/graph/type-graph.js";
import { interpret } from "../../src/neural/interpreter/interpret.js";
import { networkBuilder } from "../../src/neural/network/builder.js";
import { summed } from "../../src/neural/network/expressions.js";
import { readOnnx, writeOnnx } from "../../src/neural/onnx/index.js";
import { numericTensor, storedTensor } from "../../src/neural/operators/numeric.js";
import { createRandom } from "../../src/system/index.js";

/** Networks that others trained. */
const directory = new URL("../../../../shared/data/onnx/", import.meta.url);

const random = createRandom(15);
const normal = (...shape: number[]) =>
  float32Tensor(
    Array.from({ length: elementCount(shape) }, () => random.gaussian()),
    shape,
  );
const halves = (...shape: number[]) =>
  storedTensor({ ...numericTensor(normal(...shape)), elementType: "float16" });
const integers = (numbers: readonly number[]) =>
  tensor("int32", [1, numbers.length], Int32Array.from(numbers));

const resourceBlocks = 1;
const subcarriers = 12 * resourceBlocks;
/** Pilots of one port: six subcarriers of a block, three symbols. */
const pilots = 18 * resourceBlocks;
const positions = {
  active_dmrs_ports: float32Tensor([1], [1, 1]),
  dmrs_ofdm_pos: integers([0, 5, 10]),
  dmrs_subcarrier_pos: integers([0, 2, 4, 6, 8, 10]),
};

const models: readonly [string, Readonly<Record<string, Tensor>>][] = [
  ["aerial_llrnet", { input: normal(100, 2) }],
  ["sionna_rk_neural_demapper_16qam", { y: halves(100, 2) }],
  [
    "aerial_neural_receiver",
    {
      rx_slot_real: normal(1, subcarriers, 12, 4),
      rx_slot_imag: normal(1, subcarriers, 12, 4),
      h_hat_real: normal(1, pilots, 1, 4),
      h_hat_imag: normal(1, pilots, 1, 4),
      ...positions,
    },
  ],
  [
    "sionna_rk_neural_receiver",
    { rx_slot: normal(1, subcarriers, 13, 1, 2), h_hat: normal(1, pilots, 1, 1, 2), ...positions },
  ],
];

describe.each(models)("the network %s", (name, inputs) => {
  const file = new URL(`${name}.onnx`, directory);

  it.skipIf(!existsSync(file))("gives in double precision what ONNX Runtime computes", async () => {
    const bytes = readFileSync(file);
    const outputs = interpret(readOnnx(bytes), inputs);
    const session = await openSession(bytes);
    const theirs = await session.run(inputs);
    await session.release();
    expect(Object.keys(theirs)).toEqual(Object.keys(outputs));
    for (const [output, value] of Object.entries(theirs)) {
      const [expected, computed] = [numericTensor(value).data, outputs[output]!];
      expect(computed.shape).toEqual(value.shape);
      const largest = Math.max(...expected.map(Math.abs));
      const worst = Math.max(...computed.data.map((number, at) => Math.abs(number - expected[at]!)));
      expect(largest).toBeGreaterThan(0.1);
      expect(worst / largest).toBeLessThan(1e-5);
    }
  });

  it.skipIf(!existsSync(file))("has types that follow from those of its inputs alone", () => {
    const model = readOnnx(readFileSync(file));
    const sizes = sizesOf(model.graph, inputs);
    const { types, graph } = typeGraph(model, sizes);
    const computed = interpret(model, inputs);
    for (const { name: output } of graph.outputs)
      expect(types.get(output)).toEqual({
        elementType: computed[output]!.elementType,
        shape: computed[output]!.shape,
      });
  });

  it.skipIf(!existsSync(file))("has gradients to its weights, which ONNX Runtime computes, too", async () => {
    const model = readOnnx(readFileSync(file));
    const { opset } = model;
    const builder = networkBuilder(name, {
      from: model.graph,
      opset,
      dimensions: sizesOf(model.graph, inputs),
    });
    const loss = builder.add(
      "Sum",
      model.graph.outputs.map((output) => {
        const { shape } = builder.typeOf(output.name);
        const weighted = builder.add("Mul", [output.name, builder.constant(normal(...shape))]);
        return summed(
          builder,
          weighted,
          shape.map((_, axis) => axis),
          false,
        );
      }),
    );
    builder.output("loss", loss);
    const weights = [...model.graph.initializers].filter(
      ([, { elementType, shape }]) => elementType === "float32" && shape.length >= 2,
    );
    const gradients = differentiate(
      builder,
      loss,
      weights.map(([weight]) => weight),
    );
    for (const [weight, gradient] of Object.entries(gradients))
      builder.output(`${weight}.gradient`, gradient);
    const graph = builder.graph();
    const computed = interpret({ ...model, graph }, inputs);
    const session = await openSession(writeOnnx({ ...model, graph }));
    const theirs = await session.run(inputs);
    await session.release();
    let reached = 0;
    for (const [weight] of weights) {
      const gradient = computed[`${weight}.gradient`]!.data;
      const other = numericTensor(theirs[`${weight}.gradient`]!).data;
      const largest = Math.max(...gradient.map(Math.abs));
      const worst = Math.max(...gradient.map((one, at) => Math.abs(one - other[at]!)));
      if (largest > 0) reached++;
      // The states of other users count nothing with one: their gradients are 0.
      expect(worst, weight).toBeLessThan(1e-4 * largest + 1e-9);
    }
    expect(reached).toBeGreaterThan(weights.length / 2);
  });
});
