import { describe, expect, it } from "vitest";
import { kernelMemory } from "../../../../test/kernel-memory.js";
import { testTargets } from "../../../../test/targets.js";
import { floatLanes } from "../../../compiler/index.js";
import { createRandom } from "../../../system/index.js";
import { subcarrierStride } from "../delay-rotation-kernel.js";
import { type FilterGeometry, wienerFilter } from "../frequency-filters.js";
import { pilotStride } from "../pilots-kernel.js";
import { fillStatistics, STATISTIC_LAGS, STATISTICS } from "./pilot-statistics.js";
import {
  LOWEST_PROTOTYPE_DB,
  PRIOR_PROFILES,
  PROTOTYPE_STEP_DB,
  PROTOTYPE_STEPS,
  prototypes,
  setPrototypePlace,
  WIDE_WINDOW_BLOCKS,
  wideFilterLength,
} from "./prototypes.js";
import { filterMixtureKernel, wideFilterKernel } from "./wide-filter-kernel.js";

const seed = 77;
const geometry: FilterGeometry = { configType: 1, blocks: 3, delta: 0, bothPorts: false, weight: 1 };

describe("filters of the prior", () => {
  it.each([1, 2] as const)(
    "are those of LMMSE where profile and window are the same, type %i",
    (configType) => {
      const perBlock = configType === 1 ? 6 : 4;
      for (const bothPorts of [false, true])
        for (const weight of [1, -1] as const) {
          const own = { ...geometry, configType, bothPorts, weight };
          const { coefficients, errors } = prototypes(own);
          const length = wideFilterLength(perBlock, 3);
          PRIOR_PROFILES.forEach(({ width, stray, windowBlocks }, profile) => {
            if (stray !== 0.1 || windowBlocks !== 3) return;
            for (const step of [1, 3]) {
              const snr = 10 ** ((LOWEST_PROTOTYPE_DB + PROTOTYPE_STEP_DB * step) / 10);
              const wanted = wienerFilter(own, width, snr);
              const at = step * PRIOR_PROFILES.length + profile;
              expect(errors[at]).toBeCloseTo(wanted.error, 6);
              for (let k = 0; k < 36 * 3 * perBlock; k++)
                expect(Math.abs(coefficients[at * length + k]! - wanted.coefficients[k]!)).toBeLessThan(1e-6);
            }
          });
        }
    },
  );

  it("pass a flat channel without noise, at every place of the window", () => {
    const { coefficients } = prototypes({ ...geometry, blocks: 20 });
    const length = wideFilterLength(6, 20);
    const taps = 6 * WIDE_WINDOW_BLOCKS;
    PRIOR_PROFILES.forEach((_, profile) => {
      const first = ((PROTOTYPE_STEPS - 1) * PRIOR_PROFILES.length + profile) * length;
      for (let place = 0; place < WIDE_WINDOW_BLOCKS; place++)
        for (let k = 0; k < 12; k++) {
          let sum = 0;
          for (let tap = 0; tap < taps; tap++) sum += coefficients[first + 12 * (place * taps + tap) + k]!;
          expect(Math.abs(sum - 1)).toBeLessThan(0.05);
        }
    });
  });

  it("are found between two signal to noise ratios, and at the ends beyond them", () => {
    const place = { step: 0, share: 0 };
    const at = (snr_db: number) => {
      setPrototypePlace(place, snr_db);
      return [place.step, place.share];
    };
    expect(at(LOWEST_PROTOTYPE_DB - 50)).toEqual([0, 0]);
    expect(at(LOWEST_PROTOTYPE_DB + 1.5 * PROTOTYPE_STEP_DB)).toEqual([1, 0.5]);
    expect(at(500)).toEqual([PROTOTYPE_STEPS - 2, 1]);
  });
});

describe("statistics", () => {
  it("are finite whatever was received", () => {
    const out = new Float32Array(STATISTICS);
    for (const snr_db of [-300, 0, 300])
      for (const correlation of [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        fillStatistics(
          out,
          0,
          { snr_db, spread: 3, blocks: 5, pilots: 30 },
          new Float64Array(STATISTIC_LAGS.length).fill(correlation),
        );
        expect(out.every((value) => Math.abs(value) <= 2.25)).toBe(true);
        // Lags of 1, 2 and 4 blocks are in 5 blocks, one of 8 is not.
        expect([out[4], out[6], out[8], out[9], out[10]]).toEqual([1, 1, 1, 0, 0]);
      }
  });
});

describe.each(testTargets)("kernels of learned filters on $name", (target) => {
  it.each([
    [1, 6],
    [4, 6],
    [9, 6],
    [8, 4],
  ])("filter %i blocks of %i pilots by the coefficients of each place", (blocks, perBlock) => {
    const random = createRandom(seed);
    const { floats, compile } = kernelMemory(8);
    const windowBlocks = Math.min(WIDE_WINDOW_BLOCKS, blocks);
    const taps = perBlock * windowBlocks;
    const [stride, outStride] = [pilotStride(perBlock * blocks), subcarrierStride(blocks)];
    const noise = (length: number) => Float32Array.from({ length }, () => random.gaussian());
    const pilots = floats(0, noise(2 * stride));
    const coefficients = floats(65536, noise(wideFilterLength(perBlock, blocks)));
    const rotation = floats(2 * 65536, noise(2 * outStride));
    const out = floats(3 * 65536, new Float32Array(2 * outStride));
    const run = compile(target, wideFilterKernel(perBlock, windowBlocks, floatLanes(target)));
    run(0, 65536, 2 * 65536, 3 * 65536, blocks, stride, outStride);
    for (let block = 0; block < blocks; block++) {
      const start = Math.max(0, Math.min(block - 3, blocks - windowBlocks));
      for (let k = 0; k < 12; k++) {
        let [re, im] = [0, 0];
        for (let tap = 0; tap < taps; tap++) {
          const weight = coefficients[12 * ((block - start) * taps + tap) + k]!;
          re += weight * pilots[perBlock * start + tap]!;
          im += weight * pilots[stride + perBlock * start + tap]!;
        }
        const at = 12 * block + k;
        const [c, s] = [rotation[at]!, rotation[outStride + at]!];
        expect(Math.abs(out[at]! - (re * c - im * s))).toBeLessThan(1e-3);
        expect(Math.abs(out[outStride + at]! - (re * s + im * c))).toBeLessThan(1e-3);
      }
    }
  });

  it("mix filters by their weights", () => {
    const random = createRandom(seed);
    const { floats, compile } = kernelMemory(4);
    const [filters, length] = [5, 48];
    const from = floats(
      0,
      Float32Array.from({ length: filters * length }, () => random.gaussian()),
    );
    const weights = floats(65536, [0.5, 0, 0.2, 0.3, 5e-5]);
    const sum = floats(2 * 65536, new Float32Array(length).fill(Number.NaN));
    compile(target, filterMixtureKernel(filters, floatLanes(target)))(0, 65536, 2 * 65536, length);
    for (let k = 0; k < length; k++) {
      const wanted = [...weights].reduce(
        (total, weight, filter) => total + weight * from[filter * length + k]!,
        0,
      );
      expect(Math.abs(sum[k]! - wanted)).toBeLessThan(1e-3);
    }
  });
});
