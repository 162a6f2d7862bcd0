import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import { arrayChannel } from "./array-channel.js";
import {
  type ArrayEstimator,
  circulantMaximumLikelihood,
  fastMmse,
  genieMmse,
  leastSquares,
  structuredMmse,
} from "./array-estimators.js";
import { genieMatchingPursuit } from "./matching-pursuit.js";

const seed = 29;

/** Mean squared error an antenna that others found with the same model and estimators, from 600 draws: 3 % or so. */
const published: readonly [
  antennas: number,
  paths: number,
  snr_db: number,
  errors: Record<string, number>,
][] = [
  [64, 3, 0, { ls: 1, genie: 0.168, omp: 0.334, fast: 0.403, ml: 0.393, circulant: 0.257, toeplitz: 0.241 }],
  [
    64,
    3,
    10,
    { ls: 0.099, genie: 0.03, omp: 0.0597, fast: 0.214, ml: 0.0585, circulant: 0.0584, toeplitz: 0.0508 },
  ],
  [16, 3, 0, { genie: 0.209, omp: 0.379, ml: 0.449, circulant: 0.372, toeplitz: 0.333 }],
  [8, 3, 0, { genie: 0.26, omp: 0.429, ml: 0.508, circulant: 0.428, toeplitz: 0.396 }],
  [32, 1, 0, { genie: 0.098, omp: 0.18, fast: 0.163, ml: 0.341, circulant: 0.163, toeplitz: 0.131 }],
];

describe(`array estimators, seed ${seed}`, () => {
  it.each(published)(
    "with %i antennas, %i paths and %i dB err as much as others found",
    (antennas, paths, snr_db, errors) => {
      const random = createRandom(seed);
      const snr = 10 ** (snr_db / 10);
      const channel = arrayChannel(antennas, paths);
      const estimators: Record<string, ArrayEstimator> = {
        ls: leastSquares,
        genie: genieMmse(snr),
        omp: genieMatchingPursuit(antennas),
        fast: fastMmse(antennas, snr),
        ml: circulantMaximumLikelihood(antennas, snr),
        circulant: structuredMmse("circulant", antennas, paths, snr, random),
        toeplitz: structuredMmse("toeplitz", antennas, paths, snr, random),
      };
      const vector = () => ({ re: new Float64Array(antennas), im: new Float64Array(antennas) });
      const [observation, estimate] = [vector(), vector()];
      const draws = 600;
      const found: Record<string, number> = {};
      for (let draw = 0; draw < draws; draw++) {
        const drawn = channel.draw(random);
        for (let m = 0; m < antennas; m++) {
          observation.re[m] = drawn.re[m]! + random.gaussian() / Math.sqrt(2 * snr);
          observation.im[m] = drawn.im[m]! + random.gaussian() / Math.sqrt(2 * snr);
        }
        for (const name of Object.keys(errors)) {
          estimators[name]!(observation, drawn, estimate);
          for (let m = 0; m < antennas; m++)
            found[name] =
              (found[name] ?? 0) +
              ((estimate.re[m]! - drawn.re[m]!) ** 2 + (estimate.im[m]! - drawn.im[m]!) ** 2) /
                antennas /
                draws;
        }
      }
      for (const [name, error] of Object.entries(errors))
        expect(
          Math.abs(found[name]! / error - 1),
          `${name}: ${found[name]} instead of ${error}`,
        ).toBeLessThan(0.1);
    },
  );

  it("channels have power 1 at every antenna", () => {
    const random = createRandom(seed);
    const channel = arrayChannel(8, 3);
    const powers = new Float64Array(8);
    const draws = 4000;
    for (let draw = 0; draw < draws; draw++) {
      const { re, im, covarianceRe } = channel.draw(random);
      expect(covarianceRe[0]).toBeCloseTo(1, 9);
      for (let m = 0; m < 8; m++) powers[m]! += (re[m]! ** 2 + im[m]! ** 2) / draws;
    }
    // The power of one is exponentially distributed: its mean over the draws deviates by 1.6 %.
    for (const power of powers) expect(Math.abs(power - 1)).toBeLessThan(0.065);
  });
});
