import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { prepareFunction, runFunction } from "../../functions/index.js";
import { GRANT_FIELDS, grantFieldIndex } from "../pusch/grant-message.js";
import { demapping, mapping } from "./function.js";
import { modulationSchemeIndex } from "./modulation-scheme.js";

function grantMessage(modulationOrder: number, scramblingInit: number, tpmi = -1, valid = 1): Int32Array {
  const grant = new Int32Array(GRANT_FIELDS);
  grant[grantFieldIndex.valid] = valid;
  grant[grantFieldIndex.modulationOrder] = modulationOrder;
  grant[grantFieldIndex.scramblingInit] = scramblingInit;
  grant[grantFieldIndex.tpmi] = tpmi;
  return grant;
}

const bitsOf = (count: number, seed: number) =>
  Uint8Array.from({ length: count }, (_, bit) => (Math.imul(bit + seed, 0x9e3779b1) >>> 17) & 1);

describe.each(testTargets)("mapping and demapping on $name", (target) => {
  it("are each other's inverse for every order, number of layers and length", () => {
    for (const order of [1, 2, 4, 6, 8])
      for (const layers of [1, 2, 3, 4])
        for (const re of [1, 7, 8, 30]) {
          const dimensions = { layer: layers, port: layers, re, codewordBit: layers * re * order };
          const sizes = { ...dimensions, grantField: GRANT_FIELDS };
          const bits = bitsOf(dimensions.codewordBit, re);
          const grant = grantMessage(order, 0x4601 * 2 ** 15 + re);
          const sent = runFunction(mapping, "plain", { dimensions: sizes, inputs: { bits, grant } });
          for (const method of re === 30 ? demapping.implementations.keys() : ["max-log"]) {
            const received = runFunction(demapping, method, {
              dimensions: sizes,
              target,
              inputs: {
                symbols: sent.outputs.symbols,
                noise: new Float32Array(layers * re).fill(1e-3),
                grant,
              },
            });
            expect(received.outputs.llrs.map((llr) => (llr < 0 ? 1 : 0))).toEqual(Int8Array.from(bits));
            expect(received.state.modulationScheme).toEqual(sent.state.modulationScheme);
          }
        }
  });

  it("keep the modulation scheme until the next valid grant", () => {
    const dimensions = { layer: 1, port: 1, re: 12, codewordBit: 24, grantField: GRANT_FIELDS };
    const sender = prepareFunction(mapping, "plain", { dimensions });
    const receiver = prepareFunction(demapping, "max-log", { dimensions, target });
    receiver.inputs.noise.view.fill(0.01);
    const slot = (grant: Int32Array, bits: Uint8Array) => {
      for (const one of [sender, receiver]) one.inputs.grant.view.set(grant);
      sender.inputs.bits.view.set(bits);
      sender.process();
      receiver.inputs.symbols.view.set(sender.outputs.symbols.view);
      receiver.process();
      return Array.from(receiver.outputs.llrs.view, Math.sign);
    };
    const wanted = (bits: Uint8Array) => Array.from(bits, (bit) => 1 - 2 * bit);
    // No grant yet.
    expect(slot(grantMessage(2, 5, -1, 0), bitsOf(24, 1))).toEqual(new Array(24).fill(0));
    expect(slot(grantMessage(2, 5), bitsOf(24, 2))).toEqual(wanted(bitsOf(24, 2)));
    const first = sender.outputs.symbols.view.slice();
    // None in this slot: nothing else of the message counts.
    expect(slot(grantMessage(8, 77, 3, 0), bitsOf(24, 2))).toEqual(wanted(bitsOf(24, 2)));
    expect(sender.outputs.symbols.view).toEqual(first);
    expect(receiver.state.modulationScheme.view[modulationSchemeIndex.scramblingInit]).toBe(5);
    // Another scrambling.
    expect(slot(grantMessage(2, 6), bitsOf(24, 2))).toEqual(wanted(bitsOf(24, 2)));
    expect(sender.outputs.symbols.view).not.toEqual(first);
    // An order that these sizes are not for.
    expect(slot(grantMessage(4, 6), bitsOf(24, 2))).toEqual(new Array(24).fill(0));
    expect(sender.outputs.symbols.view.every((x) => x === 0)).toBe(true);
    sender.release();
    receiver.release();
  });

  it("tell the modulation order apart where sizes do not: 16QAM on one layer and QPSK on two", () => {
    const dimensions = { port: 2, re: 6, codewordBit: 24, grantField: GRANT_FIELDS };
    const run = (grant: Int32Array) =>
      runFunction(mapping, "plain", { dimensions, inputs: { bits: bitsOf(24, 3), grant } }).outputs.symbols;
    const qpsk = run(grantMessage(2, 1));
    expect(qpsk.every((x) => Math.abs(Math.abs(x) - Math.SQRT1_2) < 1e-6)).toBe(true);
    // TPMI 2 of one layer on two ports sends the same on both, with half the power each.
    const one = run(grantMessage(4, 1, 2));
    expect(one.subarray(0, 12)).toEqual(one.subarray(12));
    // Without a TPMI one layer is for one port.
    expect(run(grantMessage(4, 1)).every((x) => x === 0)).toBe(true);
  });

  it("refuse sizes that no modulation gives", () => {
    const attempt = (dimensions: Record<string, number>) => () =>
      prepareFunction(demapping, "max-log", {
        dimensions: { grantField: GRANT_FIELDS, ...dimensions },
        target,
      });
    expect(attempt({ layer: 1, re: 12, codewordBit: 36 })).toThrow(/dimensions.codewordBit: 36/);
    expect(attempt({ layer: 5, re: 12, codewordBit: 120 })).toThrow(/dimensions.layer: 5/);
    expect(() =>
      prepareFunction(mapping, "plain", {
        dimensions: { grantField: GRANT_FIELDS, port: 2, re: 12, codewordBit: 36 },
      }),
    ).toThrow(/dimensions.codewordBit: 36/);
  });
});
