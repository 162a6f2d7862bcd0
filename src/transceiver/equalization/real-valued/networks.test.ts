import { describe, expect, it } from "vitest";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { tensor } from "../../../neural/graph/tensor.js";
import { interpret } from "../../../neural/interpreter/interpret.js";
import { createRandom } from "../../../system/index.js";
import { createDetnet } from "../detnet/network.js";
import { createMmnet } from "../mmnet/network.js";
import { detectionTensors } from "./dataset.js";
import { createDraw, drawModel, type RealValuedModel } from "./real-valued-model.js";

const model: RealValuedModel = { streams: 4, observations: 8, field: "real" };
const networks: Readonly<Record<string, OnnxModel>> = {
  detnet: createDetnet({ streams: 4, layers: 5, memory: 8, hidden: 16 }, createRandom(1)),
  mmnet: createMmnet({ streams: 4, observations: 8, layers: 5 }),
};

function ratios(
  network: OnnxModel,
  scale: number,
  snr: number,
  seed: number,
): { llrs: Float64Array; bits: Float32Array } {
  const samples = 50;
  const { named, put } = detectionTensors(model, samples);
  const random = createRandom(seed);
  const draw = createDraw(model);
  for (let sample = 0; sample < samples; sample++) {
    drawModel(model, snr, random, draw);
    put(sample, draw);
  }
  const scaled = (name: "gram" | "matchedFilter" | "energy" | "noise") =>
    tensor(
      "float32",
      named[name].shape,
      named[name].data.map((value) => scale ** 2 * value),
    );
  const inputs = Object.fromEntries(
    network.graph.inputs.map(({ name }) => [name, scaled(name as "gram")] as const),
  );
  return { llrs: interpret(network, inputs).llrs!.data as Float64Array, bits: named.bits.data };
}

describe.each(Object.keys(networks))("%s before training", (name) => {
  const network = networks[name]!;

  it("gives the same ratios whatever the scale of channel and noise", () => {
    const [one, other] = [ratios(network, 1, 10, 4), ratios(network, 0.25, 10, 4)];
    const largest = Math.max(...one.llrs.map(Math.abs));
    one.llrs.forEach((llr, index) => {
      expect(Math.abs(llr - other.llrs[index]!)).toBeLessThan(0.02 * largest);
    });
  });

  it("decides nearly all symbols right where there is hardly any noise", () => {
    const { llrs, bits } = ratios(network, 1, 1000, 9);
    const wrong = llrs.filter((llr, index) => llr < 0 !== (bits[index] === 1)).length;
    expect(wrong / llrs.length).toBeLessThan(0.1);
  });
});
