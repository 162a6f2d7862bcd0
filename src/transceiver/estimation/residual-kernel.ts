import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  treeReduce,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { loadPilots, MOST_PILOTS } from "./pilots-kernel.js";

/** Pilots a step: rows of them end with zeros up to a multiple of it. */
const LANES = 4;

/**
 * Takes a layer's channel out of least-squares estimates at the pilots of a CDM group: `z - weight·h`. Arguments: the
 * row of pilots (planes `stride` apart, changed in place), the layer's channel from the group's first subcarrier on,
 * interleaved, its weight at even and at odd pilots, pilots, stride. What stands behind the last pilot stays 0.
 */
export const residualKernel = kernelBuilder(
  import.meta.url,
  "residualKernel",
  (configType: DmrsConfigType): Kernel => {
    const spacing = configType === 1 ? 2 : 3;
    return kernel(
      `residual_type${configType}`,
      {
        row: buffer("f32", MOST_PILOTS),
        channel: buffer("f32", 2 * spacing * MOST_PILOTS),
        even: argument("f32"),
        odd: argument("f32"),
        pilots: argument("index"),
        stride: argument("index"),
      },
      ({ row, channel, even, odd, pilots, stride }) => {
        const weights = vector.interleave(
          vector.broadcast(even, LANES / 2),
          vector.broadcast(odd, LANES / 2),
        );
        const zero = arith.constant(vectorOf("f32", LANES), 0);
        scf.for(0, pilots, LANES, (first) => {
          // What follows the channel may be anything, NaN included: a select keeps it out.
          const inside = vector.createMask(arith.subi(pilots, first), LANES);
          const parts = loadPilots(channel, arith.muli(first, 2 * spacing), configType, LANES);
          parts.forEach((part, plane) => {
            const at = plane === 0 ? first : arith.addi(first, stride);
            const left = arith.subf(vector.load(row, at, LANES), arith.mulf(part, weights));
            vector.store(arith.select(inside, left, zero), row, at);
          });
        });
      },
    );
  },
);

/**
 * Adds the sum of `e·eᴴ` over some pilots to a matrix, e being the antennas' residuals. Arguments: the row of the first
 * antenna from the first pilot on, the matrix (interleaved, by rows; only what lies on and below the diagonal is
 * written), number of pilots (whole vectors are taken: zeros must follow), numbers from one plane of a row to the other,
 * and from one antenna to the next.
 */
export const residualCovarianceKernel = kernelBuilder(
  import.meta.url,
  "residualCovarianceKernel",
  (antennas: number): Kernel => {
    return kernel(
      `residual_covariance_${antennas}`,
      {
        rows: buffer("f32", 64 * MOST_PILOTS),
        matrix: buffer("f32", 2 * antennas * antennas),
        pilots: argument("index"),
        stride: argument("index"),
        antennaStride: argument("index"),
      },
      ({ rows, matrix, pilots, stride, antennaStride }) => {
        const zero = arith.constant(vectorOf("f32", LANES), 0);
        const offsets = Array.from({ length: antennas }, (_, antenna) => arith.muli(antennaStride, antenna));
        // A pass over the few pilots for every row of the matrix keeps its sums in registers.
        for (let row = 0; row < antennas; row++) {
          const columns = offsets.slice(0, row + 1);
          const start = columns.flatMap(() => [zero, zero]);
          const sums = scf.for(0, pilots, LANES, start, (first, carried) => {
            const load = (offset: Value): [Value, Value] => {
              const at = arith.addi(first, offset);
              return [vector.load(rows, at, LANES), vector.load(rows, arith.addi(at, stride), LANES)];
            };
            const [re, im] = load(offsets[row]!);
            return columns.flatMap((offset, column) => {
              const [otherRe, otherIm] = load(offset);
              const real = arith.addf(arith.mulf(re, otherRe), arith.mulf(im, otherIm));
              const imaginary = arith.subf(arith.mulf(im, otherRe), arith.mulf(re, otherIm));
              return [
                arith.addf(carried[2 * column]!, real),
                arith.addf(carried[2 * column + 1]!, imaginary),
              ];
            });
          });
          sums.forEach((lanes, index) => {
            const at = indexSum(2 * row * antennas, index);
            memref.store(arith.addf(memref.load(matrix, at), treeReduce(lanes, arith.addf)), matrix, at);
          });
        }
      },
    );
  },
);
