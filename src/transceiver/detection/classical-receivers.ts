import {
  type EvaluationLink,
  prepareDetection,
  prepareGivenChannel,
  prepareLeastSquares,
} from "./evaluation-link.js";
import type { ComparedReceiver } from "./receiver-comparison.js";

/** Names of the classical receivers, from the plainest to the one that knows the channel. */
export const classicalNames = {
  nearest: "LS + ZF",
  linear: "LS linear + LMMSE",
  blocks: "LMMSE + LMMSE",
  known: "known channel + LMMSE",
} as const;

/**
 * What neural receivers are measured against on one layer.
 *
 * - "LS + ZF": raw least squares, the nearest pilot's, and zero forcing.
 * - "LS linear + LMMSE": raw least squares, straight lines over frequency and time.
 * - "LMMSE + LMMSE": the receiver's own blocks, Wiener filters for the delay and Doppler spreads found in the slot.
 * - "known channel + LMMSE": the channel in the middle of each symbol.
 *
 * All but the blocks are told the noise's variance, what leaks between subcarriers included. Zero forcing and LMMSE of one layer
 * combine the antennas alike.
 */
export function classicalReceivers(link: EvaluationLink): ComparedReceiver[] {
  const [zeroForcing, mmse] = [prepareGivenChannel(link, "zero-forcing"), prepareGivenChannel(link, "mmse")];
  const nearest = prepareLeastSquares(link, "nearest");
  const linear = prepareLeastSquares(link, "linear");
  const blocks = prepareDetection(link, { estimation: "lmmse", equalization: "mmse", demapping: "log-map" });
  return [
    {
      name: classicalNames.nearest,
      receive: ({ references, leakage }, grids, variances, take) => {
        grids.forEach((grid, index) => {
          take(index, zeroForcing(grid, nearest(grid, references), variances[index]! + leakage));
        });
      },
    },
    {
      name: classicalNames.linear,
      receive: ({ references, leakage }, grids, variances, take) => {
        grids.forEach((grid, index) => {
          take(index, mmse(grid, linear(grid, references), variances[index]! + leakage));
        });
      },
    },
    {
      name: classicalNames.blocks,
      receive: (_, grids, __, take) => {
        grids.forEach((grid, index) => {
          take(index, blocks(grid));
        });
      },
    },
    {
      name: classicalNames.known,
      isGenie: true,
      receive: ({ response, leakage }, grids, variances, take) => {
        grids.forEach((grid, index) => {
          take(index, mmse(grid, response, variances[index]! + leakage));
        });
      },
    },
  ];
}
