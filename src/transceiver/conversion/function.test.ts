import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Target } from "../../compiler/index.js";
import { runFunction } from "../../functions/index.js";
import { analogToDigital, digitalToAnalog, fixedToFloat, floatToFixed } from "./function.js";

/** exp(j2π(turns·n + start)) for n = 0 … count - 1. */
function tone(count: number, turns: number, start = 0): Float32Array {
  return Float32Array.from({ length: 2 * count }, (_, at) => {
    const angle = 2 * Math.PI * (turns * (at >> 1) + start);
    return at & 1 ? Math.sin(angle) : Math.cos(angle);
  });
}

function toBaseband(
  target: Target,
  analog: Float32Array,
  antenna: number,
  sample: number,
  implementation = "float",
): Float32Array {
  return runFunction(analogToDigital, implementation, {
    dimensions: { antenna, sample, converterSample: analog.length / (2 * antenna) },
    parameters: { basebandSamplingFrequency: 23_040_000 },
    inputs: { analog },
    target,
  }).outputs.samples;
}

function toConverter(
  target: Target,
  samples: Float32Array,
  antenna: number,
  converterSample: number,
  implementation = "float",
): Float32Array {
  return runFunction(digitalToAnalog, implementation, {
    dimensions: { antenna, converterSample, sample: samples.length / (2 * antenna) },
    parameters: { basebandSamplingFrequency: 23_040_000 },
    inputs: { samples },
    target,
  }).outputs.analog;
}

/** Largest and mean squared distance of two signals away from the ends, where the filter meets what is outside. */
function distances(a: Float32Array, b: Float32Array, margin: number) {
  let [largest, square] = [0, 0];
  for (let at = 2 * margin; at < a.length - 2 * margin; at += 2) {
    const distance = Math.hypot(a[at]! - b[at]!, a[at + 1]! - b[at + 1]!);
    largest = Math.max(largest, distance);
    square += distance ** 2;
  }
  return { largest, mean: square / (a.length / 2 - 2 * margin) };
}

/** Converter to baseband: 30.72 to 23.04, 122.88 to 61.44, 61.44 to 23.04, 15.36 to 23.04 Msample/s and others. */
const ratios = [
  [4, 3],
  [2, 1],
  [8, 3],
  [2, 3],
  [1, 4],
  [125, 96],
  [1, 1],
] as const;

describe.each(testTargets)("on $name", (target) => {
  describe.each(ratios)("conversion of %i samples to %i", (inputs, outputs) => {
    const periods = Math.ceil(1200 / Math.max(inputs, outputs));
    const [from, to] = [inputs * periods, outputs * periods];
    const lower = Math.min(inputs, outputs);
    // The filter reaches 15 samples of the lower rate.
    const margin = Math.ceil((16 * outputs) / lower);

    it("keeps what lies within 0.82 of half the lower rate, within 2e-4, at its time", () => {
      for (const part of [0, 0.1, -0.35, 0.6, -0.82, 0.82]) {
        const turns = (part / 2) * lower;
        const got = toBaseband(target, tone(from, turns / inputs, 0.2), 1, to);
        expect(
          distances(got, tone(to, turns / outputs, 0.2), margin).largest,
          `tone at ${part}`,
        ).toBeLessThan(2e-4);
      }
    });

    it("goes back to what it was", () => {
      const turns = 0.37 * lower;
      const got = toConverter(target, tone(to, turns / outputs), 1, from);
      const reach = Math.ceil((16 * inputs) / lower);
      expect(distances(got, tone(from, turns / inputs), reach).largest).toBeLessThan(2e-4);
    });

    if (inputs > outputs)
      it("stops what would fall into the pass band by 80 dB", () => {
        for (let part = 1.18; part < inputs / outputs; part += 0.05)
          for (const sign of [-1, 1]) {
            const got = toBaseband(target, tone(from, (sign * part * lower) / 2 / inputs), 1, to);
            const level = distances(got, new Float32Array(got.length), margin).largest;
            expect(20 * Math.log10(level), `tone at ${sign * part}`).toBeLessThan(-80);
          }
      });
  });
});

describe.each(testTargets)("converters on $name", (target) => {
  it("are exact without quantization at equal rates, antenna by antenna", () => {
    const signal = tone(77 * 3, 0.123);
    expect([...toBaseband(target, signal, 3, 77)]).toEqual([...signal]);
    expect([...toConverter(target, signal, 3, 77)]).toEqual([...signal]);
  });

  it("keep antennas apart", () => {
    const [a, b] = [tone(400, 0.01), tone(400, -0.2)];
    const both = toBaseband(target, Float32Array.of(...a, ...b), 2, 300);
    expect([...both.subarray(0, 600)]).toEqual([...toBaseband(target, a, 1, 300)]);
    expect([...both.subarray(600)]).toEqual([...toBaseband(target, b, 1, 300)]);
  });

  it.each([16, 14, 12, 10, 8])("of %i bits add the noise of their steps, both ways", (bits) => {
    const signal = tone(4000, 0.0371234).map((value) => 0.9 * value);
    // A step of 2^(1-n) has an error of variance step²/12 in each part.
    const theory = 2 * (2 ** (1 - bits) / Math.sqrt(12)) ** 2;
    for (const got of [
      toBaseband(target, signal, 1, 4000, `${bits}-bit`),
      toConverter(target, signal, 1, 4000, `${bits}-bit`),
    ]) {
      const { mean } = distances(got, signal, 0);
      expect(Math.abs(10 * Math.log10(mean / theory))).toBeLessThan(0.5);
      expect([...got].every((value) => Number.isInteger(value * 2 ** (bits - 1)))).toBe(true);
    }
  });

  it("clip at full scale and give 0 for what is not a number", () => {
    const analog = Float32Array.of(1.5, -1.5, 1, -1, Number.NaN, Infinity, -Infinity, 0.25);
    const top = 1 - 2 ** -7;
    expect([...toBaseband(target, analog, 1, 4, "8-bit")]).toEqual([top, -1, top, -1, 0, top, -1, 0.25]);
    expect([...toConverter(target, analog, 1, 4, "8-bit")]).toEqual([top, -1, top, -1, 0, top, -1, 0.25]);
  });

  it("refuse ratios that are none of small numbers, and no samples", () => {
    expect(() => toBaseband(target, tone(10007, 0), 1, 9973)).toThrow(/small whole numbers/);
    expect(() => toBaseband(target, new Float32Array(0), 1, 10)).toThrow(/converterSample: 0/);
  });
});

describe.each(testTargets)("fixed point on $name", (target) => {
  const dimensions = { antenna: 2, converterSample: 3, part: 2 };

  it("goes to numbers and back", () => {
    const fixed = Int16Array.of(0, 1, -1, 32767, -32768, 100, 200, -300, 4, 5, 6, 7);
    const { analog } = runFunction(fixedToFloat, "vector", { dimensions, inputs: { fixed }, target }).outputs;
    expect([...analog]).toEqual([...fixed].map((value) => value / 32768));
    const back = runFunction(floatToFixed, "vector", { dimensions, inputs: { analog }, target });
    expect([...back.outputs.fixed]).toEqual([...fixed]);
  });

  it("refuses samples that have not two parts", () => {
    const wrong = { ...dimensions, part: 3 };
    expect(() => runFunction(fixedToFloat, "vector", { dimensions: wrong, inputs: {}, target })).toThrow(
      /part is 3 and must be 2/,
    );
  });
});
