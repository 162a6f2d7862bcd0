import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { evaluationConfiguration } from "./deeprx/evaluation.js";
import {
  type ChannelDraws,
  createEvaluationLink,
  prepareDecoding,
  prepareDetection,
  prepareGivenChannel,
  prepareLeastSquares,
} from "./evaluation-link.js";

const draws: ChannelDraws = {
  profiles: ["TDL-B"],
  delaySpread_s: [50e-9, 50e-9],
  maximumDoppler_hz: [5, 5],
  timing_s: 0,
  frequency_hz: 0,
};
const configuration = evaluationConfiguration([2, 11], 3);
const subcarriers = 36;
const symbols = 14;

describe("a link for evaluations", () => {
  it("carries payloads to whoever knows the channel, and to the receiver's own blocks", () => {
    const link = createEvaluationLink(configuration, 2, draws);
    const [given, own, decode] = [
      prepareGivenChannel(link, "mmse"),
      prepareDetection(link, {}),
      prepareDecoding(link),
    ];
    const random = createRandom(4);
    for (let slot = 0; slot < 5; slot++) {
      const { clean, response, payload, codeword } = link.next(random);
      const llrs = given(clean, response, 1e-3);
      expect(Array.from(llrs, (llr) => (llr < 0 ? 1 : 0))).toEqual(Array.from(codeword));
      expect(decode(llrs, payload)).toBe(true);
      expect(decode(own(clean), payload)).toBe(true);
      expect(
        decode(
          llrs,
          payload.map((byte) => byte ^ 1),
        ),
      ).toBe(false);
    }
  });

  it("gives the channel in the scale of the data: what is sent has power 1, noise variance 1", () => {
    const link = createEvaluationLink(configuration, 2, draws);
    const random = createRandom(9);
    let [received, channel, noise, leakage] = [0, 0, 0, 0];
    const power = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
    for (let slot = 0; slot < 50; slot++) {
      const drawn = link.next(random);
      received += power(drawn.clean);
      channel += power(drawn.response);
      noise += power(drawn.noise);
      leakage += drawn.leakage;
    }
    // Half of the subcarriers of both DM-RS symbols carry pilots of power 2, the others nothing.
    expect(received / channel).toBeGreaterThan(0.97);
    expect(received / channel).toBeLessThan(1.03);
    expect(noise / (50 * 2 * symbols * subcarriers)).toBeCloseTo(1, 1);
    // (2π · 5 Hz / 15 kHz)² / 24, and its truncation.
    expect(leakage / 50).toBeLessThan(1e-6);
  });

  it("interpolates least squares by straight lines: a channel that is one is found between the pilots", () => {
    const link = createEvaluationLink(configuration, 1, draws);
    const { references } = link.next(createRandom(2));
    const channel = (symbol: number, k: number): [number, number] => [
      1 + 0.02 * k - 0.1 * symbol,
      0.5 - 0.03 * k + 0.05 * symbol,
    ];
    const grid = new Float32Array(2 * symbols * subcarriers);
    [2, 11].forEach((symbol, ordinal) => {
      for (let k = 0; k < subcarriers; k++) {
        const from = 2 * (ordinal * subcarriers + k);
        const [x, y] = [references[from]!, references[from + 1]!];
        const [re, im] = channel(symbol, k);
        grid[2 * (symbol * subcarriers + k)] = re * x - im * y;
        grid[2 * (symbol * subcarriers + k) + 1] = re * y + im * x;
      }
    });
    const at = (values: Float32Array, symbol: number, k: number) => {
      const place = 2 * (symbol * subcarriers + k);
      return [values[place]!, values[place + 1]!] as const;
    };
    const linear = prepareLeastSquares(link, "linear")(grid, references);
    const nearest = prepareLeastSquares(link, "nearest")(grid, references);
    for (let symbol = 0; symbol < symbols; symbol++)
      for (let k = 0; k < subcarriers; k++) {
        // Beyond the outermost pilots, theirs.
        const within = channel(Math.min(11, Math.max(2, symbol)), Math.min(subcarriers - 2, k));
        at(linear, symbol, k).forEach((value, part) => {
          expect(value).toBeCloseTo(within[part]!, 4);
        });
        // Half way, the second of both.
        const pilot = channel(symbol < 6.5 ? 2 : 11, Math.min(subcarriers - 2, k + (k % 2)));
        at(nearest, symbol, k).forEach((value, part) => {
          expect(value).toBeCloseTo(pilot[part]!, 4);
        });
      }
  });
});
