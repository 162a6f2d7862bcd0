import type { Random } from "../../../system/index.js";
import { type ArrayDraw, arrayChannel } from "./array-channel.js";
import { spatialTransform, type TransformKind } from "./spatial-transform.js";
import { inverseDiagonalSums, levinson, type ToeplitzMatrix } from "./toeplitz.js";

/** A vector of an array's antennas. */
export interface ArrayVector {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Estimates a channel from one noisy observation of it, in double precision. Only genies look at the draw. */
export type ArrayEstimator = (observation: ArrayVector, draw: ArrayDraw, estimate: ArrayVector) => void;

/** Prior covariances for each antenna that discrete estimators average over. */
const SAMPLES_PER_ANTENNA = 16;

/** The observation itself: maximum likelihood without any knowledge. */
export const leastSquares: ArrayEstimator = ({ re, im }, _, estimate) => {
  estimate.re.set(re);
  estimate.im.set(im);
};

/** The MMSE estimator that is told the covariance: nothing can be better. @param snr per antenna, linear. */
export function genieMmse(snr: number): ArrayEstimator {
  return ({ re, im }, { covarianceRe, covarianceIm }, estimate) => {
    // C (C + I/snr)⁻¹ y = y - (C + I/snr)⁻¹ y / snr.
    levinson({ re: covarianceRe, im: covarianceIm }, 1 / snr, { re, im }, estimate);
    for (let m = 0; m < re.length; m++) {
      estimate.re[m] = re[m]! - estimate.re[m]! / snr;
      estimate.im[m] = im[m]! - estimate.im[m]! / snr;
    }
  };
}

/** Maximum likelihood of a circulant covariance, then its MMSE filter: what a bin holds beyond the noise counts as channel. */
export function circulantMaximumLikelihood(antennas: number, snr: number): ArrayEstimator {
  const transform = spatialTransform("circulant", antennas);
  const [zRe, zIm] = [new Float64Array(antennas), new Float64Array(antennas)];
  return ({ re, im }, _, estimate) => {
    transform.forward(re, im, zRe, zIm);
    for (let k = 0; k < antennas; k++) {
      const power = Math.max(0, zRe[k]! ** 2 + zIm[k]! ** 2 - 1 / snr);
      zRe[k]! *= power / (power + 1 / snr);
      zIm[k]! *= power / (power + 1 / snr);
    }
    transform.inverse(zRe, zIm, estimate.re, estimate.im);
  };
}

/**
 * `(1 / bins)·Σ_d sums_d·exp(2πj·k·d / bins)` over all diagonals d of a Hermitian matrix, by whose upper half it is given: with
 * the sums along its diagonals, the diagonal of Q·W·Qᴴ.
 */
export function diagonalSpectrum({ re, im }: ToeplitzMatrix, bins: number): Float64Array {
  const angles = Float64Array.from({ length: bins }, (_, k) => (2 * Math.PI * k) / bins);
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)];
  return Float64Array.from({ length: bins }, (_, k) => {
    let sum = re[0]!;
    for (let d = 1; d < re.length; d++) {
      const at = (k * d) % bins;
      sum += 2 * (re[d]! * cosines[at]! - im[d]! * sines[at]!);
    }
    return sum / bins;
  });
}

/** The filter in the transform's domain that is nearest to the MMSE filter of a covariance, and its weight's logarithm. */
function structuredFilter(
  kind: TransformKind,
  covariance: ToeplitzMatrix,
  snr: number,
): { filter: Float64Array; bias: number } {
  const antennas = covariance.re.length;
  const inverse = inverseDiagonalSums(levinson(covariance, 1 / snr));
  // Sums along the diagonals of W = I - (C + I/snr)⁻¹ / snr.
  const sums = { re: inverse.re.map((sum) => -sum / snr), im: inverse.im.map((sum) => -sum / snr) };
  sums.re[0]! += antennas;
  if (kind === "circulant") {
    const filter = diagonalSpectrum(sums, antennas);
    return { filter, bias: filter.reduce((sum, value) => sum + Math.log(1 - value), 0) };
  }
  const means = {
    re: sums.re.map((sum, d) => sum / (antennas - d)),
    im: sums.im.map((sum, d) => sum / (antennas - d)),
  };
  const filter = diagonalSpectrum(means, 2 * antennas).map((value) => 2 * antennas * value);
  const complement = { re: means.re.map((mean) => -mean), im: means.im.map((mean) => -mean) };
  return { filter, bias: levinson(complement, 1).logDeterminant };
}

/**
 * The structured MMSE estimator: over a prior drawn in advance, the mean of its MMSE filters, each taken as a filter in the
 * transform's domain and weighted by how likely the observation is under it.
 */
export function structuredMmse(
  kind: TransformKind,
  antennas: number,
  paths: number,
  snr: number,
  random: Random,
): ArrayEstimator {
  const prior = arrayChannel(antennas, paths);
  const filters = Array.from({ length: SAMPLES_PER_ANTENNA * antennas }, () => {
    const { covarianceRe, covarianceIm } = prior.draw(random);
    return structuredFilter(kind, { re: covarianceRe, im: covarianceIm }, snr);
  });
  const transform = spatialTransform(kind, antennas);
  const { bins } = transform;
  const [zRe, zIm] = [new Float64Array(bins), new Float64Array(bins)];
  const powers = new Float64Array(bins);
  const exponents = new Float64Array(filters.length);
  const mean = new Float64Array(bins);
  return ({ re, im }, _, estimate) => {
    transform.forward(re, im, zRe, zIm);
    for (let k = 0; k < bins; k++) powers[k] = zRe[k]! ** 2 + zIm[k]! ** 2;
    let largest = Number.NEGATIVE_INFINITY;
    filters.forEach(({ filter, bias }, index) => {
      let fit = 0;
      for (let k = 0; k < bins; k++) fit += filter[k]! * powers[k]!;
      exponents[index] = snr * fit + bias;
      largest = Math.max(largest, exponents[index]!);
    });
    mean.fill(0);
    let total = 0;
    filters.forEach(({ filter }, index) => {
      const weight = Math.exp(exponents[index]! - largest);
      // What weighs less than the precision of the sum adds nothing.
      if (weight < 1e-12) return;
      total += weight;
      for (let k = 0; k < bins; k++) mean[k]! += weight * filter[k]!;
    });
    for (let k = 0; k < bins; k++) {
      zRe[k]! *= mean[k]! / total;
      zIm[k]! *= mean[k]! / total;
    }
    transform.inverse(zRe, zIm, estimate.re, estimate.im);
  };
}

/** The circulant MMSE filter of one path from direction 0: of every other direction it is turned around the bins. */
export function fastPrototype(antennas: number, snr: number): Float64Array {
  const { covarianceRe, covarianceIm } = arrayChannel(antennas, 1).covarianceOf([0], [1]);
  const sums = {
    re: covarianceRe.map((value, d) => (antennas - d) * value),
    im: covarianceIm.map((value, d) => (antennas - d) * value),
  };
  return diagonalSpectrum(sums, antennas).map((power) => power / (power + 1 / snr));
}

/**
 * The fast MMSE estimator: as the structured circulant one, for a prior of one path, whose filters are all shifts of the one
 * for direction 0.
 */
export function fastMmse(antennas: number, snr: number): ArrayEstimator {
  const prototype = fastPrototype(antennas, snr);
  const transform = spatialTransform("circulant", antennas);
  const [zRe, zIm] = [new Float64Array(antennas), new Float64Array(antennas)];
  const powers = new Float64Array(antennas);
  const weights = new Float64Array(antennas);
  return ({ re, im }, _, estimate) => {
    transform.forward(re, im, zRe, zIm);
    for (let k = 0; k < antennas; k++) powers[k] = zRe[k]! ** 2 + zIm[k]! ** 2;
    let largest = Number.NEGATIVE_INFINITY;
    for (let shift = 0; shift < antennas; shift++) {
      let fit = 0;
      for (let k = 0; k < antennas; k++) fit += prototype[k]! * powers[(k + shift) % antennas]!;
      weights[shift] = snr * fit;
      largest = Math.max(largest, weights[shift]!);
    }
    let total = 0;
    for (let shift = 0; shift < antennas; shift++) {
      weights[shift] = Math.exp(weights[shift]! - largest);
      total += weights[shift]!;
    }
    for (let k = 0; k < antennas; k++) {
      let filter = 0;
      for (let shift = 0; shift < antennas; shift++)
        filter += weights[shift]! * prototype[(k - shift + antennas) % antennas]!;
      zRe[k]! *= filter / total;
      zIm[k]! *= filter / total;
    }
    transform.inverse(zRe, zIm, estimate.re, estimate.im);
  };
}
