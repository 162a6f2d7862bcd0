import { floatLanes } from "../../compiler/index.js";
import { type Context, complex64, defineFunction, float32, type Process } from "../../functions/index.js";
import { findLeastNoise } from "./equalization.js";
import { whiteningKernel } from "./whitening-kernel.js";

/**
 * Makes noise and interference white: with their covariance R = L·Lᴴ it multiplies grid and channel by L⁻¹, so that any
 * implementation of equalization, behind it, rejects the interference (interference rejection combining).
 *
 * `covariance` is that of groups of resource blocks, as many in each but the last. `noise` is that of the white grid:
 * 1 at each antenna.
 *
 * Degenerate inputs: an antenna whose variance is not a number, or infinite, comes out as zeros with infinite noise;
 * a variance below the least one that equalization tells from 0 is taken for it, and so is what the antennas
 * before leave of an antenna's.
 */
export const whitening = defineFunction({
  name: "whitening",
  inputs: {
    grid: complex64("antenna", "symbol", "subcarrier"),
    channel: complex64("layer", "antenna", "symbol", "subcarrier"),
    covariance: complex64("interferenceGroup", "antenna", "antenna"),
  },
  outputs: {
    grid: complex64("antenna", "symbol", "subcarrier"),
    channel: complex64("layer", "antenna", "symbol", "subcarrier"),
    noise: float32("antenna"),
  },
});

whitening.implement("cholesky", { kind: "model", prepare: prepareWhitening });

type WhiteningContext = Context<
  typeof whitening.inputs,
  typeof whitening.outputs,
  typeof whitening.parameters
>;

function prepareWhitening({
  dimensions,
  inputs,
  outputs,
  compile,
  scratch,
  target,
}: WhiteningContext): Process {
  const { antenna: antennas, layer: layers, symbol: symbols, subcarrier: subcarriers } = dimensions;
  const groups = dimensions.interferenceGroup;
  const groupSubcarriers = 12 * Math.ceil(subcarriers / 12 / groups);
  const whiten = compile(whiteningKernel(antennas, floatLanes(target)));
  const matrix = scratch("matrix", "float32", antennas, antennas, 2);
  const factor = prepareInverseFactor(antennas);
  const noise = outputs.noise.view;
  const covariance = inputs.covariance.view;
  const least = new Float64Array(1);
  const bytesOfLayer = 8 * antennas * symbols * subcarriers;
  return () => {
    findLeastNoise(inputs.channel.view, least);
    for (let group = 0; group < groups; group++) {
      factor(covariance, 2 * antennas * antennas * group, least, matrix.view);
      const first = group * groupSubcarriers;
      const count = Math.min(groupSubcarriers, subcarriers - first);
      const from = inputs.grid.offset + 8 * first;
      const to = outputs.grid.offset + 8 * first;
      whiten(from, to, matrix.offset, symbols, count, subcarriers, symbols * subcarriers);
      for (let layer = 0; layer < layers; layer++) {
        const at = layer * bytesOfLayer + 8 * first;
        const response = inputs.channel.offset + at;
        whiten(
          response,
          outputs.channel.offset + at,
          matrix.offset,
          symbols,
          count,
          subcarriers,
          symbols * subcarriers,
        );
      }
    }
    for (let antenna = 0; antenna < antennas; antenna++) {
      const variance = covariance[2 * (antenna * antennas + antenna)]!;
      noise[antenna] = Number.isFinite(variance) ? 1 : Number.POSITIVE_INFINITY;
    }
  };
}

/**
 * Prepares L⁻¹ of Cholesky's factorization R = L·Lᴴ of an interleaved Hermitian matrix, `[row][column]` from an index on.
 * What it returns writes the rows, zeros for antennas that are left out, and allocates nothing.
 */
function prepareInverseFactor(
  antennas: number,
): (covariance: Float32Array, first: number, least: Float64Array, out: Float32Array) => void {
  const size = 2 * antennas * antennas;
  const lower = new Float64Array(size);
  const inverse = new Float64Array(size);
  const at = (row: number, column: number) => 2 * (row * antennas + column);

  /**
   * Numbers below the diagonal of row `row` of L, and one over the diagonal's, which is that of L⁻¹; 0 where the antenna is
   * left out.
   */
  const factorRow = (covariance: Float32Array, first: number, row: number, least: Float64Array): void => {
    const own = covariance[first + at(row, row)]!;
    if (!Number.isFinite(own)) {
      lower.fill(0, at(row, 0), at(row + 1, 0));
      inverse[at(row, row)] = 0;
      return;
    }
    let rest = Math.max(own, least[0]!);
    for (let column = 0; column < row; column++) {
      let re = covariance[first + at(row, column)]!;
      let im = covariance[first + at(row, column) + 1]!;
      for (let k = 0; k < column; k++) {
        const a = at(row, k);
        const b = at(column, k);
        re -= lower[a]! * lower[b]! + lower[a + 1]! * lower[b + 1]!;
        im -= lower[a + 1]! * lower[b]! - lower[a]! * lower[b + 1]!;
      }
      const by = inverse[at(column, column)]!;
      lower[at(row, column)] = re * by;
      lower[at(row, column) + 1] = im * by;
      rest -= (re * re + im * im) * by * by;
    }
    inverse[at(row, row)] = 1 / Math.sqrt(Math.max(rest, least[0]!, own * 1e-7));
  };

  return (covariance, first, least, out) => {
    for (let row = 0; row < antennas; row++) {
      factorRow(covariance, first, row, least);
      const reciprocal = inverse[at(row, row)]!;
      for (let column = 0; column < row; column++) {
        let re = 0;
        let im = 0;
        for (let k = column; k < row; k++) {
          const a = at(row, k);
          const b = at(k, column);
          re += lower[a]! * inverse[b]! - lower[a + 1]! * inverse[b + 1]!;
          im += lower[a]! * inverse[b + 1]! + lower[a + 1]! * inverse[b]!;
        }
        inverse[at(row, column)] = -re * reciprocal;
        inverse[at(row, column) + 1] = -im * reciprocal;
      }
    }
    out.set(inverse);
  };
}
