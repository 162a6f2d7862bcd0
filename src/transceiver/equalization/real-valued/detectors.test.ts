import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import { createRealValuedDataset } from "./dataset.js";
import { type Detector, mmse, mmseSic, zeroForcing } from "./detectors.js";
import { kBest } from "./k-best.js";
import { createDraw, type Draw, drawModel, type RealValuedModel } from "./real-valued-model.js";

const bpsk: RealValuedModel = { streams: 10, observations: 20, field: "real" };

function symbolErrorRate(model: RealValuedModel, detect: Detector, snr_db: number, draws: number): number {
  const random = createRandom(11).fork(snr_db);
  const draw = createDraw(model);
  const decided = new Float64Array(model.streams);
  let errors = 0;
  for (let i = 0; i < draws; i++) {
    drawModel(model, 10 ** (snr_db / 10), random, draw);
    detect(draw, decided);
    for (let k = 0; k < model.streams; k++) if (decided[k] !== draw.sent[k]) errors++;
  }
  return errors / draws / model.streams;
}

/** The symbols of the smallest ‖y - Hx‖², by trying all. */
function exhaustive({ streams, observations }: RealValuedModel, { channel, received }: Draw): number[] {
  let best: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let word = 0; word < 2 ** streams; word++) {
    const symbols = Array.from({ length: streams }, (_, k) => ((word >> k) & 1 ? -1 : 1));
    let distance = 0;
    for (let n = 0; n < observations; n++) {
      let rest = received[n]!;
      for (let k = 0; k < streams; k++) rest -= channel[n * streams + k]! * symbols[k]!;
      distance += rest ** 2;
    }
    if (distance < least) [best, least] = [symbols, distance];
  }
  return best;
}

describe("baselines of learned detection", () => {
  // Computed independently on the same model, with a few per cent of statistical error.
  it.each([
    ["ZF", zeroForcing(bpsk), [0.043, 0.03, 0.019]],
    ["MMSE", mmse(bpsk), [0.031, 0.02, 0.014]],
    ["MMSE-SIC", mmseSic(bpsk), [2.08e-2, 1.06e-2, 6.1e-3]],
  ] as const)("%s meets the rates computed elsewhere for 10×20 BPSK", (_, detector, expected) => {
    expected.forEach((rate, index) => {
      const measured = symbolErrorRate(bpsk, detector, 8 + index, 8000);
      expect(measured / rate).toBeGreaterThan(0.85);
      expect(measured / rate).toBeLessThan(1.15);
    });
  });

  it.each(["real", "complex"] as const)("K-best with all survivors is maximum likelihood, %s", (field) => {
    const model: RealValuedModel = { streams: 4, observations: 6, field };
    const detect = kBest(model, 16);
    const random = createRandom(3);
    const draw = createDraw(model);
    const decided = new Float64Array(4);
    for (let i = 0; i < 300; i++) {
      drawModel(model, 1.5, random, draw);
      detect(draw, decided);
      expect([...decided]).toEqual(exhaustive(model, draw));
    }
  });

  it("agree for one stream, at the error rate of an antipodal signal", () => {
    const one: RealValuedModel = { streams: 1, observations: 4, field: "real" };
    // Q(√2.512) of the normal distribution.
    for (const detect of [zeroForcing(one), mmse(one), mmseSic(one), kBest(one, 2)]) {
      const rate = symbolErrorRate(one, detect, 4, 40_000);
      expect(Math.abs(rate - 0.0565)).toBeLessThan(0.004);
    }
  });
});

describe("draws of the detection problem", () => {
  it.each(["real", "complex"] as const)("hold H'H, H'y and ‖y‖² of their channel, %s", (field) => {
    const model: RealValuedModel = { streams: 4, observations: 8, field };
    const draw = createDraw(model);
    drawModel(model, 10, createRandom(5), draw);
    const { channel, received, gram, matchedFilter, energy, noise } = draw;
    const column = (k: number) => Array.from({ length: 8 }, (_, n) => channel[n * 4 + k]!);
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).reduce((sum, value, index) => sum + value * b[index]!, 0);
    let power = 0;
    for (let i = 0; i < 4; i++) {
      power += dot(column(i), column(i)) / 4;
      expect(matchedFilter[i]).toBeCloseTo(dot(column(i), received), 10);
      for (let j = 0; j < 4; j++) expect(gram[i * 4 + j]).toBeCloseTo(dot(column(i), column(j)), 10);
    }
    expect(energy).toBeCloseTo(dot(received, received), 10);
    expect(noise).toBeCloseTo(power / 10, 10);
    // The columns of a complex number's two parts are orthogonal.
    if (field === "complex") expect(gram[2]).toBeCloseTo(0, 10);
  });

  it("come out alike for the same seed, whatever was drawn before", () => {
    const dataset = createRealValuedDataset({ ...bpsk, snr_db: [7, 14], inputs: ["gram", "noise"] });
    const first = structuredClone(dataset.batch(createRandom(7).fork("a"), 3));
    dataset.batch(createRandom(8), 5);
    expect(dataset.batch(createRandom(7).fork("a"), 3)).toEqual(first);
  });
});
