import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../system/index.js";
import { addNoise, applyFrequencyOffset, applyPhaseNoise, applyTimingOffset } from "./impairments.js";

function tone(frequency: number, count: number, delay = 0): Float32Array {
  return Float32Array.from({ length: 2 * count }, (_, i) => {
    const angle = 2 * Math.PI * frequency * ((i >> 1) - delay);
    return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
}

function largestDifference(a: Float32Array, b: Float32Array, from = 0, to = a.length): number {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

describe("noise", () => {
  it("has the variance asked for, the same in both components, and no correlation", () => {
    const n = 200_000;
    for (const variance of [1, 0.01, 25]) {
      const samples = new Float32Array(2 * n).fill(3);
      addNoise(samples, variance, createRandom(1));
      let [re, im, cross, next, mean] = [0, 0, 0, 0, 0];
      for (let i = 0; i < n; i++) {
        const [x, y] = [samples[2 * i]! - 3, samples[2 * i + 1]! - 3];
        re += x * x;
        im += y * y;
        cross += x * y;
        mean += x;
        if (i > 0) next += x * (samples[2 * i - 2]! - 3);
      }
      const deviation = 4 / Math.sqrt(n);
      expect(Math.abs(re / n / (variance / 2) - 1)).toBeLessThan(deviation * Math.SQRT2);
      expect(Math.abs(im / n / (variance / 2) - 1)).toBeLessThan(deviation * Math.SQRT2);
      for (const sum of [cross, next]) expect(Math.abs(sum / n / (variance / 2))).toBeLessThan(deviation);
      expect(Math.abs(mean / n / Math.sqrt(variance / 2))).toBeLessThan(deviation);
    }
  });

  it("of variance 0 changes nothing, and repeats with the seed", () => {
    const samples = tone(0.1, 50);
    addNoise(samples, 0, createRandom(1));
    expect(samples).toEqual(tone(0.1, 50));
    const [a, b] = [new Float32Array(10), new Float32Array(10)];
    addNoise(a, 1, createRandom(2));
    addNoise(b, 1, createRandom(2));
    expect(a).toEqual(b);
  });
});

describe("frequency offset", () => {
  it("turns by exp(j2πft) over a long stretch, at all antennas alike", () => {
    const n = 300_000;
    const samples = new Float32Array(4 * n).fill(1);
    applyFrequencyOffset(samples, -1234.5, 23.04e6, 2, 0.25);
    for (const antenna of [0, 1]) {
      for (let i = 0; i < n; i += 997) {
        const angle = 2 * Math.PI * -1234.5 * (0.25 + i / 23.04e6);
        expect(samples[2 * (antenna * n + i)]).toBeCloseTo(Math.cos(angle) - Math.sin(angle), 5);
        expect(samples[2 * (antenna * n + i) + 1]).toBeCloseTo(Math.sin(angle) + Math.cos(angle), 5);
      }
    }
  });

  it("joins consecutive pieces, moves a tone by the offset and is undone by its opposite", () => {
    const whole = tone(0.01, 1000);
    applyFrequencyOffset(whole, 30, 1000);
    expect(largestDifference(whole, tone(0.04, 1000))).toBeLessThan(1e-4);
    const pieces = tone(0.01, 1000);
    applyFrequencyOffset(pieces.subarray(0, 700), 30, 1000);
    applyFrequencyOffset(pieces.subarray(700), 30, 1000, 1, 0.35);
    expect(largestDifference(whole, pieces)).toBeLessThan(1e-6);
    applyFrequencyOffset(whole, -30, 1000);
    expect(largestDifference(whole, tone(0.01, 1000))).toBeLessThan(1e-6);
  });
});

describe("timing offset", () => {
  it("delays tones by fractions of a sample within -69 dB, whatever their frequency", () => {
    for (const offset of [0.5, 0.013, -0.3, 7.25, -12.9]) {
      for (const frequency of [0, 0.1, -0.3, 0.42]) {
        const samples = tone(frequency, 200);
        applyTimingOffset(samples, offset);
        const expected = tone(frequency, 200, offset);
        expect(largestDifference(samples, expected, 2 * 40, 2 * 160)).toBeLessThan(10 ** (-69 / 20));
      }
    }
  });

  it("by whole samples is exact, brings in zeros and keeps antennas apart", () => {
    const source = Float32Array.from({ length: 20 }, (_, i) => i + 1);
    const shift = (offset: number) => {
      const samples = source.slice();
      applyTimingOffset(samples, offset, 2);
      return [...samples];
    };
    expect(shift(0)).toEqual([...source]);
    expect(shift(2)).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 11, 12, 13, 14, 15, 16]);
    expect(shift(-3)).toEqual([7, 8, 9, 10, 0, 0, 0, 0, 0, 0, 17, 18, 19, 20, 0, 0, 0, 0, 0, 0]);
    for (const far of [5, -5, 1e9, -1e300, 4000.5])
      expect(Math.max(...shift(far).map(Math.abs))).toBeLessThan(1e-9);
  });
});

describe("phase noise", () => {
  it("loses coherence as theory says: E exp(j(φ(t+τ) − φ(t))) = exp(−π·linewidth·τ)", () => {
    const n = 100_000;
    const [linewidth, rate] = [200, 1e6];
    const random = createRandom(3);
    for (const lag of [100, 1000, 3000]) {
      let [re, im, count] = [0, 0, 0];
      for (let run = 0; run < 4; run++) {
        const samples = Float32Array.from({ length: 2 * n }, (_, i) => 1 - (i % 2));
        applyPhaseNoise(samples, linewidth, rate, random);
        // Stretches that do not overlap are independent.
        for (let i = 0; i + lag < n; i += lag, count++) {
          const [a, b, c, d] = [
            samples[2 * i]!,
            samples[2 * i + 1]!,
            samples[2 * (i + lag)]!,
            samples[2 * (i + lag) + 1]!,
          ];
          re += a * c + b * d;
          im += a * d - b * c;
        }
      }
      const tolerance = 4 / Math.sqrt(2 * count);
      expect(Math.abs(re / count - Math.exp((-Math.PI * linewidth * lag) / rate))).toBeLessThan(tolerance);
      expect(Math.abs(im / count)).toBeLessThan(tolerance);
    }
  });

  it("is a Wiener process: independent normal increments of variance 2π·linewidth / rate", () => {
    const n = 100_000;
    const samples = Float32Array.from({ length: 2 * n }, (_, i) => 1 - (i % 2));
    applyPhaseNoise(samples, 10_000, 1e6, createRandom(4));
    const variance = (2 * Math.PI * 10_000) / 1e6;
    let [square, next, last] = [0, 0, 0];
    for (let i = 1; i < n; i++) {
      const [a, b, c, d] = [samples[2 * i - 2]!, samples[2 * i - 1]!, samples[2 * i]!, samples[2 * i + 1]!];
      const increment = Math.atan2(a * d - b * c, a * c + b * d);
      square += increment ** 2;
      next += increment * last;
      last = increment;
    }
    expect(Math.abs(square / n / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(next / n / variance)).toBeLessThan(4 / Math.sqrt(n));
  });

  it("is one oscillator for all antennas and goes on where the last piece ended", () => {
    const whole = new Float32Array(400).fill(1);
    applyPhaseNoise(whole, 1e4, 1e6, createRandom(5), 2);
    expect(whole.subarray(0, 200)).toEqual(whole.subarray(200));
    const random = createRandom(5);
    const pieces = new Float32Array(200).fill(1);
    const phase = applyPhaseNoise(pieces.subarray(0, 80), 1e4, 1e6, random);
    applyPhaseNoise(pieces.subarray(80), 1e4, 1e6, random, 1, phase);
    expect(pieces).toEqual(whole.subarray(0, 200));
    const still = tone(0.2, 10);
    applyPhaseNoise(still, 0, 1e6, random);
    expect(still).toEqual(tone(0.2, 10));
  });
});

describe("impairments at the edges", () => {
  it("accept no samples", () => {
    const none = new Float32Array(0);
    addNoise(none, 1, createRandom(1));
    applyFrequencyOffset(none, 1, 1);
    applyTimingOffset(none, 0.5);
    expect(applyPhaseNoise(none, 1, 1, createRandom(1), 1, 0.5)).toBe(0.5);
  });

  it("leave a NaN where it is", () => {
    const spread = (action: (samples: Float32Array) => void) => {
      const samples = new Float32Array(200).fill(1);
      samples[100] = Number.NaN;
      action(samples);
      return [...samples.keys()].filter((i) => Number.isNaN(samples[i]));
    };
    expect(spread((samples) => addNoise(samples, 1, createRandom(1)))).toEqual([100]);
    expect(spread((samples) => applyFrequencyOffset(samples, 1, 10))).toEqual([100, 101]);
    expect(spread((samples) => void applyPhaseNoise(samples, 1, 10, createRandom(1)))).toEqual([100, 101]);
    expect(spread((samples) => applyTimingOffset(samples, 3))).toEqual([106]);
    expect(spread((samples) => applyTimingOffset(samples, 0.5)).length).toBe(32);
  });

  it("refuse numbers that cannot be and leave the samples as they are", () => {
    const samples = tone(0.1, 6);
    const random = createRandom(1);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => addNoise(samples, bad, random)).toThrow(InputError);
      expect(() => applyFrequencyOffset(samples, bad, 1)).toThrow(InputError);
      expect(() => applyFrequencyOffset(samples, 1, bad)).toThrow(InputError);
      expect(() => applyTimingOffset(samples, bad)).toThrow(InputError);
      expect(() => applyPhaseNoise(samples, bad, 1, random)).toThrow(InputError);
    }
    expect(() => addNoise(samples, -1, random)).toThrow(/variance: -1.*0 or more/);
    expect(() => applyFrequencyOffset(samples, 1, 0)).toThrow(/sampleRate: 0.*above 0/);
    expect(() => applyPhaseNoise(samples, -1, 1, random)).toThrow(/linewidth_hz/);
    for (const antennas of [0, 5, 1.5, Number.NaN]) {
      expect(() => applyTimingOffset(samples, 1, antennas)).toThrow(/antennas/);
    }
    expect(samples).toEqual(tone(0.1, 6));
  });
});
