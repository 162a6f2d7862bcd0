/** Detectors over real numbers in the slot path: what they are asked, and what becomes of their soft bits. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openTarget } from "../../../compiler/index.js";
import { prepareFunction } from "../../../functions/index.js";
import { int, type OnnxModel, onnxModel } from "../../../neural/graph/graph.js";
import { int64Tensor } from "../../../neural/graph/tensor.js";
import { createModel, portsOf } from "../../../neural/models/model.js";
import { writeModelDirectory } from "../../../neural/models/model-directory.js";
import { networkBuilder } from "../../../neural/network/builder.js";
import { createRandom } from "../../../system/index.js";
import { createDetnet } from "../detnet/network.js";
import { equalization } from "../function.js";
import { createMmnet } from "../mmnet/network.js";

const [layers, antennas, symbols, subcarriers, dmrsSymbol] = [4, 8, 14, 12, 2];
const size = symbols * subcarriers;
const re = (symbols - 1) * subcarriers;

const directory = mkdtempSync(join(tmpdir(), "neuroran-detectors-"));
afterAll(() => rmSync(directory, { recursive: true }));
let made = 0;
function modelOf(onnx: OnnxModel, observations?: number): string {
  const dataset = { parameters: { observations: observations ?? null } };
  const training = { system: "test", dataset };
  const path = join(directory, `model-${made++}`);
  writeModelDirectory(path, createModel({ format: 1, name: "detector", training, ...portsOf(onnx) }, onnx));
  return path;
}

/** What is exact where streams do not disturb one another: 2/σ² times the matched filter. */
function matchedFilterOnly(
  elementType: "float32" | "float16" = "float32",
  filter = "matchedFilter",
  layers = 4,
) {
  const network = networkBuilder("matched");
  const gram = network.input("gram", elementType, ["batch", 2 * layers, 2 * layers]);
  const matched = network.input(filter, elementType, ["batch", 2 * layers]);
  const sum = network.add("ReduceSum", [gram, network.constant(int64Tensor([1]))], { keepdims: int(0) });
  const none = network.add("Sub", [sum, sum]);
  const doubled = network.add("Add", [matched, matched]);
  const llrs = network.add("Add", [network.add("Add", [doubled, doubled]), none]);
  network.output("llrs", llrs, ["batch", 2 * layers]);
  return onnxModel(network.graph());
}

function prepare(model: string, modulationOrder: 2 | 4 = 2, layer = layers, transformPrecoding = false) {
  return prepareFunction(equalization, model, {
    target: openTarget(),
    dimensions: { antenna: antennas, symbol: symbols, subcarrier: subcarriers, layer, re },
    parameters: {
      modulationOrder,
      signalType: {
        startSymbolIndex: 0,
        dmrsConfigType: 1,
        dmrsSymbPos: [dmrsSymbol],
        numDmrsCdmGrpsNoData: 2,
        transformPrecoding,
      },
    },
  });
}

/** QPSK of all layers over a channel, received with noise. */
function slot(
  noise: number,
  channelAt: (layer: number, antenna: number, at: number) => readonly [number, number],
) {
  const random = createRandom(31);
  const channel = new Float32Array(2 * layers * antennas * size);
  const grid = new Float32Array(2 * antennas * size);
  const sent = new Float32Array(2 * layers * size);
  for (let at = 0; at < sent.length; at++) sent[at] = random.next() < 0.5 ? -Math.SQRT1_2 : Math.SQRT1_2;
  for (let antenna = 0; antenna < antennas; antenna++)
    for (let at = 0; at < size; at++) {
      let [y, z] = [0, 0];
      for (let layer = 0; layer < layers; layer++) {
        const [a, b] = channelAt(layer, antenna, at);
        channel.set([a, b], 2 * ((layer * antennas + antenna) * size + at));
        const [c, d] = [sent[2 * (layer * size + at)]!, sent[2 * (layer * size + at) + 1]!];
        y += a * c - b * d;
        z += a * d + b * c;
      }
      const deviation = Math.sqrt(noise / 2);
      const noisy = [y + deviation * random.gaussian(), z + deviation * random.gaussian()];
      grid.set(noisy, 2 * (antenna * size + at));
    }
  return { channel, grid, sent, noise };
}

/** In the grid, of each data resource element. */
const positions = Array.from({ length: size }, (_, at) => at).filter(
  (at) => Math.floor(at / subcarriers) !== dmrsSymbol,
);

function run(model: string, { channel, grid, noise }: ReturnType<typeof slot>) {
  const prepared = prepare(model);
  prepared.inputs.channel.view.set(channel);
  prepared.inputs.grid.view.set(grid);
  prepared.inputs.noise.view.fill(noise);
  prepared.process();
  const [symbolsOut, variances] = [
    prepared.outputs.symbols.view.slice(),
    prepared.outputs.noise.view.slice(),
  ];
  prepared.release();
  return { symbols: symbolsOut, variances };
}

describe("detection over real numbers as equalization", () => {
  it("hands on symbols and noise under which QPSK has the exact soft bits, where layers do not disturb", () => {
    // Columns of a Hadamard matrix, turned by a phase of each layer and resource element.
    const given = slot(0.5, (layer, antenna, at) => {
      let ones = 0;
      for (let bits = layer & antenna; bits > 0; bits >>= 1) ones += bits & 1;
      const angle = layer + 0.7 * at;
      const sign = ones % 2 === 0 ? 0.5 : -0.5;
      return [sign * Math.cos(angle), sign * Math.sin(angle)];
    });
    const { symbols: estimates, variances } = run(modelOf(matchedFilterOnly()), given);
    for (let layer = 0; layer < layers; layer++)
      for (let element = 0; element < re; element++) {
        const at = positions[element]!;
        let [filterRe, filterIm] = [0, 0];
        for (let antenna = 0; antenna < antennas; antenna++) {
          const h = 2 * ((layer * antennas + antenna) * size + at);
          const [a, b] = [given.channel[h]!, given.channel[h + 1]!];
          const [y, z] = [given.grid[2 * (antenna * size + at)]!, given.grid[2 * (antenna * size + at) + 1]!];
          filterRe += a * y + b * z;
          filterIm += a * z - b * y;
        }
        const to = layer * re + element;
        const variance = variances[to]!;
        for (const [part, filter] of [filterRe, filterIm].entries()) {
          const exact = (2 * Math.SQRT2 * filter) / given.noise;
          const handedOn = (2 * Math.SQRT2 * estimates[2 * to + part]!) / variance;
          expect(Math.abs(handedOn - exact)).toBeLessThan(1e-3 * Math.abs(exact) + 1e-3);
        }
      }
  });

  it("decides by an untrained MMNet what was sent, over channels of independent entries", () => {
    const random = createRandom(5);
    const entries = Float64Array.from({ length: 2 * layers * antennas * size }, () => random.gaussian());
    const given = slot(0.02, (layer, antenna, at) => {
      const from = 2 * ((layer * antennas + antenna) * size + at);
      return [entries[from]! / 2, entries[from + 1]! / 2];
    });
    const onnx = createMmnet({ streams: 2 * layers, observations: 2 * antennas, layers: 10 });
    const { symbols: estimates } = run(modelOf(onnx), given);
    let wrong = 0;
    for (let layer = 0; layer < layers; layer++)
      for (let element = 0; element < re; element++)
        for (const part of [0, 1]) {
          const sent = given.sent[2 * (layer * size + positions[element]!) + part]!;
          if (Math.sign(estimates[2 * (layer * re + element) + part]!) !== Math.sign(sent)) wrong++;
        }
    expect(wrong / (2 * layers * re)).toBeLessThan(0.05);
  });

  it.each(["detnet", "mmnet"])("erases a layer that is not received and decides the others, %s", (name) => {
    const random = createRandom(6);
    const entries = Float64Array.from({ length: 2 * layers * antennas * size }, () => random.gaussian());
    const given = slot(0.02, (layer, antenna, at) => {
      if (layer === 1) return [0, 0];
      const from = 2 * ((layer * antennas + antenna) * size + at);
      return [entries[from]! / 2, entries[from + 1]! / 2];
    });
    const onnx =
      name === "mmnet"
        ? createMmnet({ streams: 2 * layers, observations: 2 * antennas, layers: 10 })
        : createDetnet({ streams: 2 * layers, layers: 5, memory: 8, hidden: 32 }, createRandom(1));
    const { symbols: estimates, variances } = run(modelOf(onnx), given);
    let wrong = 0;
    for (let layer = 0; layer < layers; layer++)
      for (let element = 0; element < re; element++) {
        const at = layer * re + element;
        for (const part of [0, 1]) {
          const estimate = estimates[2 * at + part]!;
          expect(estimate).not.toBeNaN();
          const sent = given.sent[2 * (layer * size + positions[element]!) + part]!;
          if (layer !== 1 && Math.sign(estimate) !== Math.sign(sent)) wrong++;
          if (layer === 1) expect((2 * Math.SQRT2 * Math.abs(estimate)) / variances[at]!).toBeLessThan(1);
        }
      }
    expect(wrong / (6 * re)).toBeLessThan(0.05);
  });

  it("refuses models of other ports, and transmissions that a model is not for", () => {
    for (const model of [matchedFilterOnly("float16"), matchedFilterOnly("float32", "filter")])
      expect(() => prepare(modelOf(model))).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
    expect(() => prepare(modelOf(matchedFilterOnly()), 4)).toThrow(/detects QPSK/);
    expect(() => prepare(modelOf(matchedFilterOnly(), antennas))).toThrow(/trained for 4 antennas/);
    prepare(modelOf(matchedFilterOnly(), 2 * antennas)).release();
    const one = modelOf(matchedFilterOnly("float32", "matchedFilter", 1));
    expect(() => prepare(one)).toThrow(/detects 1 layers/);
    expect(() => prepare(one, 2, 1, true)).toThrow(/transformPrecoding/);
    prepare(one, 2, 1).release();
  });
});
