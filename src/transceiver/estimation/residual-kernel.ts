import {
  argument,
  arith,
  type Buffer,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  memref,
  scf,
  treeReduce,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { pilotStride } from "./pilots-kernel.js";

const LANES = 4;

/**
 * Takes a layer's channel out of least-squares estimates at the pilots of a CDM group: `z - weight·h`. Arguments: the
 * row of pilots (planes, changed in place), the layer's channel from the group's first subcarrier on, interleaved, and
 * its weight at even and at odd pilots. What stands behind the last pilot stays 0.
 */
export function residualKernel(configType: DmrsConfigType, pilots: number): Kernel {
  const stride = pilotStride(pilots);
  const spacing = configType === 1 ? 2 : 3;
  return kernel(
    `residual_type${configType}_${pilots}`,
    {
      row: buffer("f32", 2 * stride),
      channel: buffer("f32", 2 * spacing * pilots),
      even: argument("f32"),
      odd: argument("f32"),
    },
    ({ row, channel, even, odd }) => {
      const weights = vector.interleave(vector.broadcast(even, LANES / 2), vector.broadcast(odd, LANES / 2));
      const subtract = (first: Value, valid: number): void => {
        const from = arith.muli(first, 2 * spacing);
        const [re, im] = pilotValues(configType, channel, from);
        [re, im].forEach((part, plane) => {
          const at = indexSum(first, plane * stride);
          const left = arith.subf(vector.load(row, at, LANES), arith.mulf(part, weights));
          // What follows the channel may be anything, NaN included.
          const inside = vector.createMask(valid, LANES);
          const zero = arith.constant(vectorOf("f32", LANES), 0);
          vector.store(valid < LANES ? arith.select(inside, left, zero) : left, row, at);
        });
      };
      const whole = pilots - (pilots % LANES);
      scf.for(0, whole, LANES, (first) => subtract(first, LANES));
      if (whole < pilots) subtract(indexSum(whole, 0), pilots - whole);
    },
  );
}

/** Real and imaginary parts at four pilots in a row. */
function pilotValues(configType: DmrsConfigType, row: Buffer, from: Value): [Value, Value] {
  const at = (subcarrier: number) => vector.load(row, indexSum(from, 2 * subcarrier), LANES);
  if (configType === 2) return vector.deinterleave(at(0), at(6));
  const even = (a: Value, b: Value) => vector.shuffle(a, b, [0, 1, 4, 5]);
  return vector.deinterleave(even(at(0), at(2)), even(at(4), at(6)));
}

/**
 * Adds the sum of `e·eᴴ` over some pilots to a matrix, e being the antennas' residuals. Arguments: the row of the first
 * antenna from the first pilot on, number of pilots (counted up to whole vectors: zeros must follow), and the matrix:
 * interleaved, by rows; only what lies on and below the diagonal is written.
 */
export function residualCovarianceKernel(antennas: number, pilots: number, antennaStride: number): Kernel {
  const stride = pilotStride(pilots);
  return kernel(
    `residual_covariance_${antennas}_${pilots}_${antennaStride}`,
    {
      rows: buffer("f32", antennas * antennaStride),
      count: argument("index"),
      matrix: buffer("f32", 2 * antennas * antennas),
    },
    ({ rows, count, matrix }) => {
      const zero = arith.constant(vectorOf("f32", LANES), 0);
      const pairs = Array.from({ length: antennas }, (_, row) =>
        Array.from({ length: row + 1 }, (_, column) => [row, column] as const),
      ).flat();
      // A pass over the few pilots for every row of the matrix keeps its sums in registers.
      for (let row = 0; row < antennas; row++) {
        const own = pairs.filter(([r]) => r === row);
        const sums = scf.for(
          0,
          count,
          LANES,
          own.flatMap(() => [zero, zero]),
          (first, carried) => {
            const load = (antenna: number): [Value, Value] => {
              const at = indexSum(first, antenna * antennaStride);
              return [vector.load(rows, at, LANES), vector.load(rows, indexSum(at, stride), LANES)];
            };
            const [re, im] = load(row);
            return own.flatMap(([, column], index) => {
              const [otherRe, otherIm] = load(column);
              const real = arith.addf(arith.mulf(re, otherRe), arith.mulf(im, otherIm));
              const imaginary = arith.subf(arith.mulf(im, otherRe), arith.mulf(re, otherIm));
              return [arith.addf(carried[2 * index]!, real), arith.addf(carried[2 * index + 1]!, imaginary)];
            });
          },
        );
        own.forEach(([, column], index) => {
          for (const part of [0, 1]) {
            const at = 2 * (row * antennas + column) + part;
            const sum = treeReduce(sums[2 * index + part]!, arith.addf);
            memref.store(arith.addf(memref.load(matrix, at), sum), matrix, at);
          }
        });
      }
    },
  );
}
