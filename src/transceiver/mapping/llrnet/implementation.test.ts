import { describe, expect, it } from "vitest";
import { testTargets } from "../../../../test/targets.js";
import { defineFunction, prepareFunction } from "../../../functions/index.js";
import { float32Tensor } from "../../../neural/graph/tensor.js";
import { interpret } from "../../../neural/interpreter/interpret.js";
import { createRandom } from "../../../system/index.js";
import { GRANT_FIELDS, grantFieldIndex } from "../../pusch/grant-message.js";
import { goldBits } from "../../pusch/index.js";
import type { SquareOrder } from "../axis-llr.js";
import { demapping } from "../function.js";
import { LLR_SCALE } from "../llr-scale.js";
import { axisNetwork } from "./axis-network.js";
import { prepareLlrnet } from "./implementation.js";
import { llrnet } from "./network.js";

const seed = 42;

/** Demapping by untrained networks: what they say is of no use, and the same for kernel and interpreter. */
const untrained = defineFunction({
  name: "demapping",
  inputs: demapping.inputs,
  outputs: demapping.outputs,
  state: demapping.state,
});
untrained.implement("llrnet", {
  kind: "neural",
  prepare: (context) => prepareLlrnet(context, (order) => llrnet(order, createRandom(seed))),
});

function grantMessage(order: number, scramblingInit: number): Int32Array {
  const grant = new Int32Array(GRANT_FIELDS);
  grant[grantFieldIndex.valid] = 1;
  grant[grantFieldIndex.modulationOrder] = order;
  grant[grantFieldIndex.scramblingInit] = scramblingInit;
  grant[grantFieldIndex.tpmi] = -1;
  return grant;
}

describe.each(testTargets)(`demapping by a network on $name, seed ${seed}`, (target) => {
  it.each([2, 4, 6, 8] as const)(
    "of order %i gives what its graph says, descrambled",
    (order: SquareOrder) => {
      const random = createRandom(seed);
      const graph = llrnet(order, createRandom(seed));
      for (const [layers, re] of [
        [1, 37],
        [3, 16],
      ] as const) {
        const symbols = Float32Array.from({ length: 2 * layers * re }, () => 1.2 * random.gaussian());
        const noise = Float32Array.from({ length: layers * re }, () => 10 ** (1 - 4 * random.next()));
        symbols.set([0, -0], 4);
        const codewordBit = layers * re * order;
        const prepared = prepareFunction(untrained, "llrnet", {
          dimensions: { layer: layers, re, codewordBit, grantField: GRANT_FIELDS },
          target,
        });
        prepared.inputs.symbols.view.set(symbols);
        prepared.inputs.noise.view.set(noise);
        prepared.inputs.grant.view.set(grantMessage(order, 4711));
        prepared.process();
        const { llrs } = interpret(graph, {
          symbols: float32Tensor(symbols, [layers * re, 2]),
          noise: float32Tensor(noise, [layers * re, 1]),
        });
        const sequence = new Uint8Array(codewordBit);
        goldBits(4711, sequence);
        for (let at = 0; at < codewordBit; at++) {
          const symbol = Math.floor(at / order);
          const element = (symbol % layers) * re + Math.floor(symbol / layers);
          const ratio = llrs!.data[element * order + (at % order)]! * LLR_SCALE;
          const wanted = Math.max(-127, Math.min(127, sequence[at] === 1 ? -ratio : ratio));
          expect(Math.abs(prepared.outputs.llrs.view[at]! - wanted)).toBeLessThan(0.51);
        }
        prepared.release();
      }
    },
  );

  it("says nothing of what was not received", () => {
    const prepared = prepareFunction(untrained, "llrnet", {
      dimensions: { layer: 1, re: 5, codewordBit: 20, grantField: GRANT_FIELDS },
      target,
    });
    const { inputs, outputs, process, release } = prepared;
    inputs.symbols.view.set([NaN, 0.3, 1, Infinity, 1, 1, 1, 1, 1, 1]);
    inputs.noise.view.set([1, 1, -1, NaN, Infinity]);
    inputs.grant.view.set(grantMessage(4, 1));
    process();
    const llrs = [...outputs.llrs.view];
    const axes = [llrs.filter((_, at) => at % 2 === 0), llrs.filter((_, at) => at % 2 === 1)];
    // [axis][element and bit]: only the second axis of the first element and the first of the second were received.
    expect(axes[0]!.map((llr, at) => (at === 2 || at === 3 ? 0 : llr))).toEqual(axes[0]!.map(() => 0));
    expect(axes[1]!.map((llr, at) => (at < 2 ? 0 : llr))).toEqual(axes[1]!.map(() => 0));
    expect(axes[0]!.some((llr) => llr !== 0)).toBe(true);
    expect(axes[1]!.some((llr) => llr !== 0)).toBe(true);
    release();
  });
});

describe("the axis network", () => {
  it("refuses a network of another order, by the initializer", () => {
    expect(() => axisNetwork(llrnet(4, createRandom(1)), 6, LLR_SCALE)).toThrow(
      /llr\.weight.*LLRnet of modulation order 6/,
    );
  });
});
