import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import type { SquareOrder } from "../axis-llr.js";
import { constellation } from "../modulate.js";
import { AXIS_BITS, exactRatios, maxLogRatios, scaledMaxLogRatios } from "./axis-ratios.js";
import { formulaResponse, mutualInformation } from "./mutual-information.js";

/** Figures that others computed: order, Es/N0 in dB, bit a symbol of log-MAP, and what max-log loses. */
const figures = [
  [4, 4, 1.688, 0.02],
  [4, 6, 2.174, 0.007],
  [4, 8, 2.68, 0.001],
  [6, 8, 2.581, 0.062],
  [6, 10, 3.174, 0.035],
  [6, 12, 3.781, 0.011],
  [6, 14, 4.382, 0.002],
  [8, 12, 3.617, 0.12],
  [8, 14, 4.253, 0.081],
  [8, 16, 4.905, 0.041],
  [8, 18, 5.575, 0.013],
] as const;

describe("mutual information of demappers", () => {
  it.each(figures)("of order %i at %i dB is the one that others found", (order, snr_db, exact, loss) => {
    const of = (ratios: typeof exactRatios) =>
      mutualInformation(order, snr_db, formulaResponse(order, ratios));
    const [best, maxLog] = [of(exactRatios), of(maxLogRatios)];
    // Those figures are means over draws, the same ones for both demappers: their difference is the more exact.
    expect(Math.abs(best - exact)).toBeLessThan(0.012);
    expect(Math.abs(best - maxLog - loss)).toBeLessThan(0.004);
    expect(of(scaledMaxLogRatios)).toBeGreaterThan(maxLog);
    expect(of(scaledMaxLogRatios)).toBeLessThan(best);
  });

  it.each([2, 4, 6, 8] as const)("of order %i is what drawn symbols give", (order) => {
    const random = createRandom(5);
    const points = constellation(order);
    const snr_db = 2 * order - 2;
    const noise = 10 ** (-snr_db / 10);
    const draws = 20_000;
    let [sum, squares] = [0, 0];
    for (let draw = 0; draw < draws; draw++) {
      const pattern = random.integer(2 ** order);
      const re = points[2 * pattern]! + Math.sqrt(noise / 2) * random.gaussian();
      const im = points[2 * pattern + 1]! + Math.sqrt(noise / 2) * random.gaussian();
      // Over all points of the plane, without the separation into axes.
      const terms = Array.from({ length: 2 ** order }, (_, other) =>
        Math.exp(-((re - points[2 * other]!) ** 2 + (im - points[2 * other + 1]!) ** 2) / noise),
      );
      const all = terms.reduce((total, term) => total + term, 0);
      let known = order;
      for (let bit = 0; bit < order; bit++) {
        const value = (pattern >> bit) & 1;
        const same = terms.reduce(
          (total, term, other) => total + (((other >> bit) & 1) === value ? term : 0),
          0,
        );
        known += Math.log2(same / all);
      }
      sum += known;
      squares += known ** 2;
    }
    const mean = sum / draws;
    const deviation = Math.sqrt((squares / draws - mean ** 2) / draws);
    const found = mutualInformation(order, snr_db, formulaResponse(order, exactRatios));
    expect(Math.abs(found - mean)).toBeLessThan(4 * deviation);
  });

  it("goes from 0 without signal to all bits without noise, and is lost on soft bits of the wrong sign", () => {
    for (const order of [2, 4, 6, 8] as const) {
      const of = (snr_db: number, ratios = exactRatios) =>
        mutualInformation(order, snr_db, formulaResponse(order, ratios));
      expect(of(-40)).toBeLessThan(0.001);
      expect(of(-40)).toBeGreaterThan(0);
      expect(of(45)).toBeCloseTo(order, 6);
      expect(
        of(10, (t, unit, of, out) => {
          exactRatios(t, unit, of, out);
          out.forEach((ratio, bit) => {
            out[bit] = -ratio;
          });
        }),
      ).toBeLessThan(0);
    }
  });
});

describe("bits of an axis", () => {
  it.each([2, 4, 6, 8] as const)("of order %i are those of the modulation mapper", (order: SquareOrder) => {
    const points = constellation(order);
    const bits = AXIS_BITS[order];
    const count = 2 ** bits.length;
    const amplitudes = [...new Set(points.filter((_, at) => at % 2 === 0))].sort((a, b) => a - b);
    expect(amplitudes).toHaveLength(count);
    for (let pattern = 0; pattern < 2 ** order; pattern++)
      for (const axis of [0, 1]) {
        const index = amplitudes.indexOf(points[2 * pattern + axis]!);
        bits.forEach((values, bit) => {
          expect(values[index]).toBe((pattern >> (order - 1 - 2 * bit - axis)) & 1);
        });
      }
  });
});
