import type { ArrayEstimator } from "./array-estimators.js";
import { spatialTransform } from "./spatial-transform.js";

/** Directions of the dictionary for each antenna. */
const OVERSAMPLING = 4;

/**
 * Orthogonal matching pursuit over four directions an antenna, by a genie that stops it where the error to the true channel
 * would grow: no rule for the number of paths can do better.
 */
export function genieMatchingPursuit(antennas: number): ArrayEstimator {
  const atoms = OVERSAMPLING * antennas;
  const transform = spatialTransform("circulant", atoms);
  const vector = (length: number) => ({ re: new Float64Array(length), im: new Float64Array(length) });
  const rest = vector(antennas);
  const correlation = vector(atoms);
  const padded = vector(atoms);
  const basis = Array.from({ length: antennas }, () => vector(antennas));

  return ({ re, im }, draw, estimate) => {
    rest.re.set(re);
    rest.im.set(im);
    estimate.re.fill(0);
    estimate.im.fill(0);
    let error = squaredDistance(draw, estimate);
    for (let found = 0; found < antennas; found++) {
      padded.re.fill(0);
      padded.im.fill(0);
      padded.re.set(rest.re);
      padded.im.set(rest.im);
      transform.forward(padded.re, padded.im, correlation.re, correlation.im);
      let best = 0;
      let most = -1;
      for (let k = 0; k < atoms; k++) {
        const power = correlation.re[k]! ** 2 + correlation.im[k]! ** 2;
        if (power > most) [most, best] = [power, k];
      }
      // The atom's part that is orthogonal to those before spans with them what the least-squares fit projects on.
      const own = basis[found]!;
      for (let m = 0; m < antennas; m++) {
        const angle = (2 * Math.PI * ((m * best) % atoms)) / atoms;
        own.re[m] = Math.cos(angle);
        own.im[m] = Math.sin(angle);
      }
      // Twice: once loses orthogonality where atoms are close.
      for (let pass = 0; pass < 2; pass++)
        for (let other = 0; other < found; other++) subtractProjection(own, basis[other]!);
      const norm = Math.sqrt(own.re.reduce((sum, value, m) => sum + value ** 2 + own.im[m]! ** 2, 0));
      if (norm < 1e-6) return;
      for (let m = 0; m < antennas; m++) {
        own.re[m]! /= norm;
        own.im[m]! /= norm;
      }
      const [partRe, partIm] = innerProduct(own, rest);
      for (let m = 0; m < antennas; m++) {
        const stepRe = partRe * own.re[m]! - partIm * own.im[m]!;
        const stepIm = partRe * own.im[m]! + partIm * own.re[m]!;
        rest.re[m]! -= stepRe;
        rest.im[m]! -= stepIm;
        estimate.re[m]! += stepRe;
        estimate.im[m]! += stepIm;
      }
      const next = squaredDistance(draw, estimate);
      if (next > error) {
        for (let m = 0; m < antennas; m++) {
          estimate.re[m]! -= partRe * own.re[m]! - partIm * own.im[m]!;
          estimate.im[m]! -= partRe * own.im[m]! + partIm * own.re[m]!;
        }
        return;
      }
      error = next;
    }
  };
}

interface Vector {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let m = 0; m < a.re.length; m++) sum += (a.re[m]! - b.re[m]!) ** 2 + (a.im[m]! - b.im[m]!) ** 2;
  return sum;
}

/** aᴴ b. */
function innerProduct(a: Vector, b: Vector): [re: number, im: number] {
  let [re, im] = [0, 0];
  for (let m = 0; m < a.re.length; m++) {
    re += a.re[m]! * b.re[m]! + a.im[m]! * b.im[m]!;
    im += a.re[m]! * b.im[m]! - a.im[m]! * b.re[m]!;
  }
  return [re, im];
}

function subtractProjection(vector: Vector, unit: Vector): void {
  const [re, im] = innerProduct(unit, vector);
  for (let m = 0; m < vector.re.length; m++) {
    vector.re[m]! -= re * unit.re[m]! - im * unit.im[m]!;
    vector.im[m]! -= re * unit.im[m]! + im * unit.re[m]!;
  }
}
