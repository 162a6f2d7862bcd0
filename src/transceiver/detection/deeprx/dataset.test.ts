import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import { deeprxDataset, trainingDraws } from "./dataset.js";
import { DEEPRX_BITS, DEEPRX_SYMBOLS, GRID_PLANES, type GridShape, isData, writeGrid } from "./features.js";

const subcarriers = 24;
const plane = DEEPRX_SYMBOLS * subcarriers;

describe("the dataset of DeepRx", () => {
  it("gives a grid that is the channel times the points of its bits, at pilots the channel itself", () => {
    const quiet = {
      ...trainingDraws,
      snr_db: [90, 90] as const,
      maximumDoppler_hz: [0, 0] as const,
      frequency_hz: 0,
    };
    const samples = 40;
    const batch = deeprxDataset({ blocks: 2, draws: quiet }).batch(createRandom(5), samples);
    const [grid, elements, signs, channel] = ["grid", "elements", "signs", "channel"].map(
      (name) => batch[name]!.data as Float32Array,
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    let [pilots, points] = [0, 0];
    for (let sample = 0; sample < samples; sample++)
      for (let at = 0; at < plane; at++) {
        const part = (values: Float32Array, count: number, index: number) =>
          values[(sample * count + index) * plane + at]!;
        const isPilot = part(elements, 3, 0) === 1;
        const isHigher = part(elements, 3, 2) === 1;
        const bits = Array.from({ length: DEEPRX_BITS }, (_, bit) => part(signs, DEEPRX_BITS, bit));
        // TS 38.211 5.1.3 and 5.1.4, from the signs 1 - 2b.
        const axis = (first: number, second: number) =>
          isHigher ? (first * (2 - second)) / Math.sqrt(10) : first / Math.sqrt(2);
        const [x, y] = isPilot ? [1, 0] : [axis(bits[0]!, bits[2]!), axis(bits[1]!, bits[3]!)];
        if (isPilot) pilots++;
        else if (part(elements, 3, 1) === 1) points++;
        // What is neither is sent as nothing.
        const sent = isPilot || part(elements, 3, 1) === 1 ? 1 : 0;
        expect(bits.some((sign) => sign !== 0)).toBe(!isPilot && sent === 1);
        for (const antenna of [0, 1]) {
          const [a, b] = [part(channel, GRID_PLANES, antenna), part(channel, GRID_PLANES, 2 + antenna)];
          expect(Math.abs(part(grid, GRID_PLANES, antenna) - sent * (a * x - b * y))).toBeLessThan(1e-3);
          expect(Math.abs(part(grid, GRID_PLANES, 2 + antenna) - sent * (a * y + b * x))).toBeLessThan(1e-3);
        }
      }
    expect(pilots).toBeGreaterThan(samples * 12);
    expect(points).toBeGreaterThan(samples * 12 * subcarriers);
  });

  it("depends on the generator alone", () => {
    const dataset = deeprxDataset({ blocks: 1, draws: trainingDraws });
    const first = dataset.batch(createRandom(3), 3);
    dataset.batch(createRandom(4), 2);
    const again = deeprxDataset({ blocks: 1, draws: trainingDraws }).batch(createRandom(3), 3);
    for (const name of Object.keys(first)) expect(again[name]!.data).toEqual(first[name]!.data);
  });
});

describe("the input of DeepRx", () => {
  const shape: GridShape = {
    subcarriers,
    dmrsSymbols: [2, 11],
    delta: 1,
    cdmGroupsWithoutData: 2,
    modulationOrder: 4,
  };
  const references = Float32Array.from({ length: 2 * subcarriers }, (_, at) => (at % 4 < 2 ? 1 : -1));

  it("is the same whatever the power and the pilots' amplitude", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: -40, max: 40, noNaN: true }), (seed, power_db) => {
        const random = createRandom(seed);
        const received = Float32Array.from({ length: 4 * plane }, () => random.gaussian());
        const factor = 10 ** (power_db / 20);
        const [plain, scaled] = [new Float32Array(4 * plane), new Float32Array(4 * plane)];
        const [scale, other] = [new Float64Array(1), new Float64Array(1)];
        const stronger = received.map((value) => factor * value);
        expect(writeGrid(shape, received, references, plain, scale)).toBe(true);
        expect(writeGrid(shape, stronger, references, scaled, other)).toBe(true);
        expect((other[0]! * factor) / scale[0]!).toBeCloseTo(1, 4);
        plain.forEach((value, at) => {
          expect(Math.abs(scaled[at]! - value)).toBeLessThan(1e-4 * (1 + Math.abs(value)));
        });
      }),
      { numRuns: 20, seed: 2 },
    );
  });

  it("is 0 where there is no pilot or no number", () => {
    for (const value of [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const out = new Float32Array(4 * plane).fill(7);
      const factor = Float64Array.of(3);
      expect(writeGrid(shape, new Float32Array(4 * plane).fill(value), references, out, factor)).toBe(false);
      expect(factor[0]).toBe(0);
      expect(out.every((one) => one === 0)).toBe(true);
    }
    const received = new Float32Array(4 * plane).fill(1);
    received[5] = Number.NaN;
    const out = new Float32Array(4 * plane);
    expect(writeGrid(shape, received, references, out, new Float64Array(1))).toBe(false);
  });

  it("has data where the standard puts it", () => {
    // TS 38.211 Table 6.4.1.1.3-1: the CDM groups of configuration type 1 are the even and the odd subcarriers.
    expect([0, 1, 2, 3].map((k) => isData({ ...shape, cdmGroupsWithoutData: 1 }, 2, k))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([0, 1].map((k) => isData(shape, 2, k))).toEqual([false, false]);
    expect([0, 1].map((k) => isData(shape, 3, k))).toEqual([true, true]);
  });
});
