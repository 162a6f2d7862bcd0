import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { prepareFunction } from "../../functions/index.js";
import type { OnnxModel } from "../../neural/graph/graph.js";
import { float32Tensor, type Tensor } from "../../neural/graph/tensor.js";
import { interpret } from "../../neural/interpreter/interpret.js";
import { builtInModel } from "../../neural/models/built-in.js";
import { createModel, portsOf } from "../../neural/models/model.js";
import { writeModelDirectory } from "../../neural/models/model-directory.js";
import type { ModelPorts } from "../../neural/models/port.js";
import { createNetwork } from "../../neural/network/specification.js";
import { readOnnx } from "../../neural/onnx/index.js";
import { storedTensor } from "../../neural/operators/numeric.js";
import { createRandom } from "../../system/index.js";
import { GRANT_FIELDS, grantFieldIndex } from "../pusch/grant-message.js";
import { goldBits } from "../pusch/index.js";
import { demapping } from "./function.js";
import { LLR_SCALE } from "./llr-scale.js";

const seed = 7;
const directory = mkdtempSync(join(tmpdir(), "neuroran-demapper-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A dense network over symbols and noise, as a researcher writes it. */
const own = createNetwork(
  {
    inputs: [
      { name: "symbols", shape: ["batch", 2] },
      { name: "noise", shape: ["batch", 1] },
    ],
    layers: [
      { type: "dense", units: 12, activation: "relu" },
      { type: "dense", units: 4 },
    ],
    outputs: [{ name: "llrs" }],
  },
  createRandom(seed),
);

let made = 0;

/** The directory of a model, whose soft bits have a sign and a scale. */
function model(
  onnx: OnnxModel,
  llr?: { positiveBit: 0 | 1; scale: number },
  ports: ModelPorts = portsOf(onnx),
): string {
  const path = join(directory, `model-${made++}`);
  const outputs = ports.outputs.map((port) => (llr === undefined ? port : { ...port, llr }));
  writeModelDirectory(path, createModel({ format: 1, name: "own", ...ports, outputs }, onnx));
  return path;
}

function grantMessage(order: number): Int32Array {
  const grant = new Int32Array(GRANT_FIELDS);
  grant[grantFieldIndex.valid] = 1;
  grant[grantFieldIndex.modulationOrder] = order;
  grant[grantFieldIndex.scramblingInit] = 4711;
  grant[grantFieldIndex.tpmi] = -1;
  return grant;
}

interface Slot {
  readonly layers: number;
  readonly re: number;
  readonly symbols: Float32Array;
  readonly noise: Float32Array;
}

function slot(layers: number, re: number): Slot {
  const random = createRandom(seed + re);
  const symbols = Float32Array.from({ length: 2 * layers * re }, () => 0.8 * random.gaussian());
  return {
    layers,
    re,
    symbols,
    noise: Float32Array.from({ length: layers * re }, () => 0.05 + random.next()),
  };
}

function demap(path: string, { layers, re, symbols, noise }: Slot, target: (typeof testTargets)[number]) {
  const prepared = prepareFunction(demapping, path, {
    dimensions: { layer: layers, re, codewordBit: 4 * layers * re, grantField: GRANT_FIELDS },
    target,
  });
  prepared.inputs.symbols.view.set(symbols);
  prepared.inputs.noise.view.set(noise);
  prepared.inputs.grant.view.set(grantMessage(4));
  prepared.process();
  const llrs = prepared.outputs.llrs.view.slice();
  prepared.release();
  return llrs;
}

/** Descrambled, in the scale of the port, of `[layer][re][bit]` natural ratios. */
function expected(ratios: ArrayLike<number>, { layers, re }: Slot): Float64Array {
  const sequence = new Uint8Array(4 * layers * re);
  goldBits(4711, sequence);
  return Float64Array.from(sequence, (scrambled, at) => {
    const symbol = Math.floor(at / 4);
    const element = (symbol % layers) * re + Math.floor(symbol / layers);
    const ratio = LLR_SCALE * ratios[4 * element + (at % 4)]!;
    return Math.max(-127, Math.min(127, scrambled === 1 ? -ratio : ratio));
  });
}

function expectLike(llrs: Int8Array, wanted: Float64Array): void {
  for (let at = 0; at < wanted.length; at++) expect(Math.abs(llrs[at]! - wanted[at]!)).toBeLessThan(0.51);
}

function ratiosOf(onnx: OnnxModel, { layers, re, symbols, noise }: Slot): ArrayLike<number> {
  const { llrs } = interpret(onnx, {
    symbols: float32Tensor(symbols, [layers * re, 2]),
    noise: float32Tensor(noise, [layers * re, 1]),
  });
  return llrs!.data as Float64Array;
}

describe.each(testTargets)(`a model as a demapper on $name, seed ${seed}`, (target) => {
  it.each([
    [1, 37],
    [3, 16],
  ])("gives what its graph says, descrambled: %i layers of %i", (layers, re) => {
    const given = slot(layers, re);
    const ratios = ratiosOf(own.model, given);
    expectLike(demap(model(own.model), given, target), expected(ratios, given));
  });

  it("takes sign and scale from the manifest", () => {
    const given = slot(2, 24);
    const ratios = Float64Array.from(ratiosOf(own.model, given), (ratio) => -ratio / 2.42);
    const path = model(own.model, { positiveBit: 1, scale: 2.42 });
    expectLike(demap(path, given, target), expected(ratios, given));
  });

  it("takes the scale of symbols from the manifest", () => {
    const given = slot(1, 24);
    const larger = {
      ...given,
      symbols: given.symbols.map((value) => 1.5 * value),
      noise: given.noise.map((variance) => 2.25 * variance),
    };
    const { inputs, outputs } = portsOf(own.model);
    const [symbols, noise] = inputs;
    const scaled = { inputs: [{ ...symbols!, symbol: { scale: 1.5 } }, noise!], outputs };
    const path = model(own.model, undefined, scaled);
    expectLike(demap(path, given, target), expected(ratiosOf(own.model, larger), given));
  });

  it("has 0 for what was not received, and answers the rest", () => {
    const given = slot(1, 20);
    given.symbols[4] = Number.NaN;
    given.noise[5] = 1e20;
    given.noise[6] = -1;
    const clean = slot(1, 20);
    const wanted = expected(ratiosOf(own.model, clean), clean);
    for (const element of [2, 5, 6]) wanted.fill(0, 4 * element, 4 * element + 4);
    expectLike(demap(model(own.model), given, target), wanted);
  });

  it("falls back to log-map where the network's answer is no number, and for other orders", () => {
    const given = slot(1, 48);
    const broken = (tensor: Tensor): Tensor => ({
      ...tensor,
      data: new Float32Array(tensor.data.length).fill(Number.NaN),
    });
    const initializers = new Map(
      [...own.model.graph.initializers].map(([name, value]) => [
        name,
        value.elementType === "float32" ? broken(value) : value,
      ]),
    );
    const path = model({ ...own.model, graph: { ...own.model.graph, initializers } });
    const wanted = demap("log-map", given, target);
    expect(demap(path, given, target)).toEqual(wanted);
    const llrnet = builtInModel("llrnet-64qam");
    expect(demap(model(llrnet.onnx, undefined, llrnet.manifest), given, target)).toEqual(wanted);
  });

  it("takes LLRnets as their own kernel does", () => {
    const given = slot(2, 40);
    const packaged = builtInModel("llrnet-16qam");
    const path = model(packaged.onnx, undefined, packaged.manifest);
    expect(demap(path, given, target)).toEqual(demap("llrnet", given, target));
  });

  const foreign = new URL(
    "../../../../../shared/data/onnx/sionna_rk_neural_demapper_16qam.onnx",
    import.meta.url,
  );
  it.skipIf(!existsSync(foreign))("takes a network of others, in float16 and without noise", () => {
    const onnx = readOnnx(readFileSync(foreign));
    const given = slot(1, 60);
    const { output_1 } = interpret(onnx, {
      y: storedTensor({ elementType: "float16", shape: [60, 2], data: Float64Array.from(given.symbols) }),
    });
    const ratios = Float64Array.from(output_1!.data as Float64Array, (logit) => -logit);
    const llrs = demap(model(onnx, { positiveBit: 1, scale: 1 }), given, target);
    const wanted = expected(ratios, given);
    // It was compared at symbols of half the precision.
    const worst = Math.max(...wanted.map((value, at) => Math.abs(value - llrs[at]!)));
    expect(worst).toBeLessThan(1.5);
    expect(Math.max(...llrs)).toBeGreaterThan(10);
  });

  it("refuses models with other ports, and names that are none", () => {
    const { model: wide } = createNetwork(
      {
        inputs: [{ name: "x", shape: ["batch", 3] }],
        layers: [{ type: "dense", units: 4 }],
        outputs: [{ name: "y" }],
      },
      createRandom(1),
    );
    expect(() => demap(model(wide), slot(1, 8), target)).toThrow(/x \[batch, 3\].*demapping takes models of/);
    expect(() => demap("unheard-of", slot(1, 8), target)).toThrow(/log-map.*or give a model/);
    expect(() => demap(join(directory, "none"), slot(1, 8), target)).toThrow(/a model is a directory/);
  });
});
