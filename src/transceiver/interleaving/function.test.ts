import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { prepareFunction, runFunction } from "../../functions/index.js";
import { deinterleaving, interleaving } from "./function.js";

const scheme = {
  modulationOrder: 2,
  circularBufferSize: 132,
  start: 0,
  fillerStart: 30,
  fillerEnd: 40,
  outputBits: [60, 62],
} as const;
const dimensions = { codeBlock: 2, circularBufferBit: 132, codewordBit: 122 };

describe.each(testTargets)("interleaving and deinterleaving on $name", (target) => {
  it("take the interleaving scheme and keep no state", () => {
    for (const definition of [interleaving, deinterleaving]) {
      expect(Object.keys(definition.parameters)).toEqual(["interleavingScheme"]);
      expect(Object.keys(definition.state)).toEqual([]);
    }
  });

  it("give filler bits as certain zeros and bits that were not sent as unknown, slot after slot", () => {
    const parameters = { interleavingScheme: scheme };
    const prepared = prepareFunction(deinterleaving, "transposition", { dimensions, parameters, target });
    for (let slot = 1; slot <= 3; slot++) {
      prepared.inputs.llrs.view.fill(slot);
      prepared.process();
      const wanted = [60, 62].flatMap((sent) => [
        ...new Array(30).fill(slot),
        ...new Array(10).fill(127),
        ...new Array(sent - 30).fill(slot),
        ...new Array(132 - 10 - sent).fill(0),
      ]);
      expect([...prepared.outputs.codeword.view]).toEqual(wanted);
    }
    prepared.release();
  });

  it("add what is repeated, and limit the sum", () => {
    const repeated = { ...scheme, start: 100, fillerEnd: 30, outputBits: [132 * 3 + 20, 132] };
    const given = {
      dimensions: { ...dimensions, codewordBit: 132 * 4 + 20 },
      parameters: { interleavingScheme: repeated },
      target,
    };
    const sums = (llr: number) => {
      const llrs = new Int8Array(132 * 4 + 20).fill(llr);
      const { outputs } = runFunction(deinterleaving, "transposition", { ...given, inputs: { llrs } });
      return [...outputs.codeword];
    };
    for (const [llr, three, four] of [
      [10, 30, 40],
      [40, 120, 127],
      [-50, -127, -127],
    ] as const)
      expect(sums(llr)).toEqual([
        ...new Array(100).fill(three),
        ...new Array(20).fill(four),
        ...new Array(12).fill(three),
        ...new Array(132).fill(llr),
      ]);
  });

  it("refuse a scheme that does not fit", () => {
    const attempt = (change: object, sizes: object = {}) => {
      const parameters = { interleavingScheme: { ...scheme, ...change } };
      return () =>
        prepareFunction(deinterleaving, "transposition", {
          dimensions: { ...dimensions, ...sizes },
          parameters,
          target,
        });
    };
    expect(attempt({ modulationOrder: 3 })).toThrow(/interleavingScheme/);
    expect(attempt({ circularBufferSize: 133 })).toThrow(/circularBufferSize: 133/);
    expect(attempt({ start: 132 })).toThrow(/start: 132/);
    expect(attempt({ fillerEnd: 20 })).toThrow(/fillerEnd: 20/);
    expect(attempt({ fillerStart: 0, fillerEnd: 132 })).toThrow(/interleavingScheme.start/);
    expect(attempt({ outputBits: [61, 61] })).toThrow(/multiples of 2/);
    expect(attempt({ outputBits: [122] })).toThrow(/2 blocks/);
    expect(attempt({}, { codewordBit: 120 })).toThrow(/sum must be 120/);
  });
});
