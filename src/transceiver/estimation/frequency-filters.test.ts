import { describe, expect, it } from "vitest";
import { createRandom } from "../../radio/index.js";
import { dmrsPort } from "../pusch/dmrs-ports.js";
import { leastSquaresFilter, SPREADS, wienerFilter } from "./frequency-filters.js";
import { noiseSubspace } from "./noise-subspace.js";
import { eigenvectors, solvePositive } from "./symmetric-matrix.js";

const seed = 38_211_643;

function randomSymmetric(size: number): Float64Array {
  const random = createRandom(seed + size);
  const root = Float64Array.from({ length: size * size }, () => random.gaussian());
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      for (let k = 0; k < size; k++)
        matrix[row * size + column]! += root[row * size + k]! * root[column * size + k]!;
      if (row === column) matrix[row * size + column]! += 0.1;
    }
  return matrix;
}

describe("symmetric matrices", () => {
  it.each([1, 2, 5, 24])("of size %i are solved and split into orthonormal eigenvectors", (size) => {
    const matrix = randomSymmetric(size);
    const right = Float64Array.from({ length: 2 * size }, (_, k) => Math.sin(k + 1));
    const solved = right.slice();
    solvePositive(matrix, size, solved, 2);
    for (let row = 0; row < size; row++)
      for (const column of [0, 1]) {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += matrix[row * size + k]! * solved[2 * k + column]!;
        expect(Math.abs(sum - right[2 * row + column]!)).toBeLessThan(1e-9);
      }
    const { values, vectors } = eigenvectors(matrix, size);
    for (let index = 0; index < size; index++) {
      if (index > 0) expect(values[index]).toBeLessThanOrEqual(values[index - 1]!);
      for (let row = 0; row < size; row++) {
        let [applied, dot] = [0, 0];
        for (let k = 0; k < size; k++) {
          applied += matrix[row * size + k]! * vectors[index * size + k]!;
          dot += vectors[index * size + k]! * vectors[row * size + k]!;
        }
        expect(Math.abs(applied - values[index]! * vectors[index * size + row]!)).toBeLessThan(
          1e-9 * values[0]!,
        );
        expect(Math.abs(dot - (row === index ? 1 : 0))).toBeLessThan(1e-10);
      }
    }
  });
});

/** Mean square error of a filter on one path: exact, from its response to the path and its gain for noise. */
function errorOnPath(
  coefficients: Float32Array,
  variant: number,
  subcarriers: readonly number[],
  delay: number,
  block: number,
  noise: number,
): number {
  const taps = subcarriers.length;
  let error = 0;
  for (let k = 0; k < 12; k++) {
    const phase = 2 * Math.PI * delay * (12 * block + k);
    let [re, im, gain] = [-Math.cos(phase), Math.sin(phase), 0];
    subcarriers.forEach((subcarrier, tap) => {
      const weight = coefficients[12 * (variant * taps + tap) + k]!;
      re += weight * Math.cos(2 * Math.PI * delay * subcarrier);
      im -= weight * Math.sin(2 * Math.PI * delay * subcarrier);
      gain += weight * weight;
    });
    error += (re * re + im * im + noise * gain) / 12;
  }
  return error;
}

const type1 = Array.from({ length: 18 }, (_, k) => 2 * k + 1);
const geometry = { configType: 1, blocks: 10, delta: 1, bothPorts: false, weight: 1 } as const;

describe("frequency filters", () => {
  it("Wiener filters have the error that they say, on the profile they are made for", () => {
    for (const snr of [0.1, 1, 100]) {
      const spread = SPREADS[3]!;
      const { coefficients, error } = wienerFilter(geometry, spread, snr);
      let mean = 0;
      for (let step = 0; step < 400; step++)
        mean += errorOnPath(coefficients, 1, type1, spread * ((step + 0.5) / 400 - 0.5), 1, 1 / snr) / 400;
      expect(mean / error).toBeGreaterThan(0.98);
      expect(mean / error).toBeLessThan(1.02);
    }
  });

  it("least-squares fits follow every delay of their profile, at the edges too", () => {
    SPREADS.forEach((spread) => {
      const { coefficients } = leastSquaresFilter(geometry, spread);
      for (const share of [-0.45, -0.2, 0, 0.2, 0.45])
        for (const variant of [0, 1, 2])
          expect(errorOnPath(coefficients, variant, type1, spread * share, variant, 0)).toBeLessThan(1e-2);
    });
  });

  it.each([1, 2] as const)("leave the other port of a CDM pair out, type %i", (configType) => {
    const count = configType === 1 ? 18 : 12;
    for (const make of [
      (weight: 1 | -1) =>
        leastSquaresFilter({ ...geometry, configType, bothPorts: true, weight }, SPREADS[1]!),
      (weight: 1 | -1) =>
        wienerFilter({ ...geometry, configType, bothPorts: true, weight }, SPREADS[1]!, 1e4),
    ])
      for (const weight of [1, -1] as const) {
        const { coefficients } = make(weight);
        for (let k = 0; k < 12; k++) {
          let [own, other] = [0, 0];
          for (let tap = 0; tap < count; tap++) {
            const value = coefficients[12 * (count + tap) + k]!;
            own += value * (tap & 1 ? weight : 1);
            other += value * (tap & 1 ? -weight : 1);
          }
          expect(Math.abs(own - 1)).toBeLessThan(0.02);
          expect(Math.abs(other)).toBeLessThan(0.02);
        }
      }
  });
});

describe("noise subspaces", () => {
  it.each([
    [1, 1, [0]],
    [1, 51, [0]],
    [1, 51, [1]],
    [1, 51, [0, 1]],
    [2, 51, [3]],
    [2, 51, [2, 3]],
    [2, 1, [0, 1]],
  ] as const)(
    "are orthonormal and see nothing of a channel: type %i, %i blocks, ports %j",
    (type, blocks, ports) => {
      const list = ports.map((port) => dmrsPort(type, port));
      const { basis, rank, vectors, windowBlocks, leakage } = noiseSubspace(type, blocks, list, 4);
      const count = windowBlocks * (type === 1 ? 6 : 4);
      expect(rank).toBeGreaterThanOrEqual(Math.ceil(count / 6));
      expect(vectors % 4).toBe(0);
      for (let a = 0; a < rank; a++)
        for (let b = 0; b <= a; b++) {
          let dot = 0;
          for (let pilot = 0; pilot < count; pilot++)
            dot += basis[pilot * vectors + a]! * basis[pilot * vectors + b]!;
          expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(1e-5);
        }
      for (const port of list)
        for (let vector = 0; vector < rank; vector++) {
          let flat = 0;
          for (let pilot = 0; pilot < count; pilot++)
            flat += basis[pilot * vectors + vector]! * port.frequencyWeights[(pilot & 1) as 0 | 1];
          if (blocks > 1) expect(flat * flat).toBeLessThan(1e-3);
        }
      if (blocks > 1) expect(leakage).toBeLessThan(1e-3);
    },
  );
});
