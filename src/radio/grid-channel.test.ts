import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../system/index.js";
import type { DelayProfileName } from "./delay-profiles.js";
import { createGridChannel, meanDelay_s } from "./grid-channel.js";
import { createChannel } from "./tapped-delay-line.js";

const sampleRate = 15.36e6;
const size = 1024;
const prefix = 80;
const symbols = 5;
const subcarriers = 48;

/** exp(j2πnm / size) for the whole turn. */
const roots = Float64Array.from({ length: 2 * size }, (_, index) => {
  const angle = (2 * Math.PI * (index >> 1)) / size;
  return index % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
});

/** OFDM by the sum of its subcarriers, symbols of equal length. */
function modulate(grid: Float32Array): Float32Array {
  const samples = new Float32Array(2 * symbols * (prefix + size));
  for (let symbol = 0; symbol < symbols; symbol++)
    for (let n = -prefix; n < size; n++) {
      let [re, im] = [0, 0];
      for (let k = 0; k < subcarriers; k++) {
        const root = 2 * ((((n * k) % size) + size) % size);
        const at = 2 * (symbol * subcarriers + k);
        re += grid[at]! * roots[root]! - grid[at + 1]! * roots[root + 1]!;
        im += grid[at]! * roots[root + 1]! + grid[at + 1]! * roots[root]!;
      }
      const to = 2 * (symbol * (prefix + size) + prefix + n);
      samples[to] = re;
      samples[to + 1] = im;
    }
  return samples;
}

/** Elements of one antenna's samples. */
function demodulate(samples: Float32Array): Float32Array {
  const grid = new Float32Array(2 * symbols * subcarriers);
  for (let symbol = 0; symbol < symbols; symbol++)
    for (let k = 0; k < subcarriers; k++) {
      let [re, im] = [0, 0];
      for (let n = 0; n < size; n++) {
        const root = 2 * ((n * k) % size);
        const from = 2 * (symbol * (prefix + size) + prefix + n);
        re += samples[from]! * roots[root]! + samples[from + 1]! * roots[root + 1]!;
        im += samples[from + 1]! * roots[root]! - samples[from]! * roots[root + 1]!;
      }
      grid[2 * (symbol * subcarriers + k)] = re / size;
      grid[2 * (symbol * subcarriers + k) + 1] = im / size;
    }
  return grid;
}

describe("a channel per resource element", () => {
  it("gives what the channel in time gives after OFDM, leakage between subcarriers included", () => {
    const draws = fc.record({
      seed: fc.nat(),
      profile: fc.constantFrom<DelayProfileName>("TDL-A", "TDL-B", "TDL-C", "TDL-D", "TDL-E"),
      delaySpread_s: fc.double({ min: 10e-9, max: 150e-9, noNaN: true }),
      maximumDoppler_hz: fc.double({ min: 1, max: 500, noNaN: true }),
    });
    fc.assert(
      fc.property(draws, ({ seed, profile, delaySpread_s, maximumDoppler_hz }) => {
        const shape = { profile, delaySpread_s, maximumDoppler_hz, receiveAntennas: 2 };
        const random = createRandom(seed);
        const sent = Float32Array.from({ length: 2 * symbols * subcarriers }, () => random.gaussian());
        const samples = modulate(sent);
        const received = new Float32Array(2 * samples.length);
        const inTime = createChannel({ ...shape, sampleRate, transmitAntennas: 1, random: random.fork(0) });
        inTime.apply(samples, 0, received);
        const channel = createGridChannel({
          ...shape,
          symbols,
          subcarriers,
          subcarrierSpacing_hz: sampleRate / size,
          symbolPeriod_s: (prefix + size) / sampleRate,
          startTime_s: (prefix + (size - 1) / 2) / sampleRate,
          random: random.fork(0),
        });
        const out = new Float32Array(2 * sent.length);
        channel.apply(sent, out);
        for (let antenna = 0; antenna < 2; antenna++) {
          const expected = demodulate(
            received.subarray(antenna * samples.length, (antenna + 1) * samples.length),
          );
          let [error, withoutLeakage, total] = [0, 0, 0];
          for (let at = 0; at < sent.length; at += 2) {
            const [hRe, hIm] = [
              channel.response[antenna * sent.length + at]!,
              channel.response[antenna * sent.length + at + 1]!,
            ];
            const [re, im] = [expected[at]!, expected[at + 1]!];
            error += (out[antenna * sent.length + at]! - re) ** 2;
            error += (out[antenna * sent.length + at + 1]! - im) ** 2;
            withoutLeakage += (hRe * sent[at]! - hIm * sent[at + 1]! - re) ** 2;
            withoutLeakage += (hRe * sent[at + 1]! + hIm * sent[at]! - im) ** 2;
            total += re * re + im * im;
          }
          expect(10 * Math.log10(error / total)).toBeLessThan(-36);
          // At high Doppler leakage is far above that error: it is counted, and with the right sign.
          if (maximumDoppler_hz > 400 && withoutLeakage / total > 10 ** -2.7)
            expect(error).toBeLessThan(withoutLeakage / 6);
        }
      }),
      { numRuns: 10, seed: 11 },
    );
  }, 30_000);

  it("turns by the residual offsets of timing and frequency", () => {
    const shape = {
      profile: "TDL-C",
      delaySpread_s: 100e-9,
      maximumDoppler_hz: 200,
      receiveAntennas: 2,
      symbols: 14,
      subcarriers: 72,
      subcarrierSpacing_hz: 15e3,
      symbolPeriod_s: 1e-3 / 14,
      startTime_s: 3e-5,
    } as const;
    const plain = createGridChannel({ ...shape, random: createRandom(3) }).response;
    const [timing_s, frequency_hz] = [70e-9, 40];
    const turned = createGridChannel({ ...shape, timing_s, frequency_hz, random: createRandom(3) }).response;
    for (let at = 0; at < plain.length; at += 2) {
      const element = at / 2;
      const time = shape.startTime_s + (Math.floor(element / 72) % 14) * shape.symbolPeriod_s;
      const angle = 2 * Math.PI * (frequency_hz * time + (element % 72) * 15e3 * timing_s);
      const [re, im] = [plain[at]!, plain[at + 1]!];
      expect(turned[at]!).toBeCloseTo(re * Math.cos(angle) - im * Math.sin(angle), 4);
      expect(turned[at + 1]!).toBeCloseTo(re * Math.sin(angle) + im * Math.cos(angle), 4);
    }
  });

  it("is of mean power 1, and its profile's mean delay is what centres it", () => {
    let [power, lagRe, lagIm] = [0, 0, 0];
    const count = 400;
    for (let seed = 0; seed < count; seed++) {
      const { response } = createGridChannel({
        profile: "TDL-C",
        delaySpread_s: 300e-9,
        maximumDoppler_hz: 0,
        receiveAntennas: 2,
        symbols: 1,
        subcarriers: 12,
        subcarrierSpacing_hz: 15e3,
        symbolPeriod_s: 1e-3 / 14,
        timing_s: meanDelay_s("TDL-C", 300e-9),
        random: createRandom(seed),
      });
      for (let at = 0; at < response.length; at += 2) power += response[at]! ** 2 + response[at + 1]! ** 2;
      // The phase from one subcarrier to the next is the mean delay's.
      for (const at of [0, 24]) {
        lagRe += response[at]! * response[at + 2]! + response[at + 1]! * response[at + 3]!;
        lagIm += response[at]! * response[at + 3]! - response[at + 1]! * response[at + 2]!;
      }
    }
    expect(power / (count * 24)).toBeGreaterThan(0.9);
    expect(power / (count * 24)).toBeLessThan(1.1);
    expect(Math.abs(Math.atan2(lagIm, lagRe))).toBeLessThan(0.006);
  });
});
