import { fourierTransform } from "../../../radio/fourier.js";
import type { Random } from "../../../system/index.js";

/** Points of the power spectrum for each antenna, and the odd factor in which their transforms are taken apart. */
const OVERSAMPLING = 20;
const ODD = 5;

/** Standard deviation of the Laplacian power around the direction of a path, degrees: an exponential of it to each side. */
const ANGULAR_SPREAD = 2;

/** A channel of a uniform linear array with antennas half a wavelength apart, and what it was drawn from. */
export interface ArrayDraw {
  /** Channel coefficients of the antennas, mean power 1. */
  readonly re: Float64Array;
  readonly im: Float64Array;
  /** First row of its covariance, which is Hermitian and Toeplitz: `E h_0 conj(h_k)`. */
  readonly covarianceRe: Float64Array;
  readonly covarianceIm: Float64Array;
}

/** Draws channels; each draw overwrites the one before. */
export interface ArrayChannel {
  draw(random: Random): ArrayDraw;
  /** The same covariance for one path from an angle in degrees: what structured estimators are made of. */
  covarianceOf(
    angles: readonly number[],
    gains: readonly number[],
  ): Pick<ArrayDraw, "covarianceRe" | "covarianceIm">;
}

/**
 * The array model of "Learning the MMSE Channel Estimator" (Neumann, Wiese, Utschick 2018): given directions and powers of
 * its paths a channel is Gaussian; directions are uniform in ±90 degrees, powers uniform and scaled to 1 in sum. Each path's
 * power has a Laplacian density over the angle, which an array sees as a density over its spatial frequency, folded. It is
 * taken at 20 points an antenna; near the array's axis, where the density has poles, points above the number of points are
 * left out, as the published figures do.
 * @param antennas a power of two
 */
export function arrayChannel(antennas: number, paths: number): ArrayChannel {
  const points = OVERSAMPLING * antennas;
  const radians = Float64Array.from({ length: points }, (_, k) => {
    const x = (2 * Math.PI * k) / points;
    return x >= Math.PI ? x - 2 * Math.PI : x;
  });
  const degrees = radians.map((x) => (Math.asin(x / Math.PI) * 180) / Math.PI);
  const jacobian = radians.map((x) => 360 / Math.sqrt(Math.PI ** 2 - x ** 2));
  const rising = degrees.map((x) => Math.exp(x / ANGULAR_SPREAD));
  const behind = Math.exp(-180 / ANGULAR_SPREAD);
  const spectrum = new Float64Array(points);
  const [sourceRe, sourceIm] = [new Float64Array(points), new Float64Array(points)];
  const transform = oddTransform(points, antennas);
  const vector = () => new Float64Array(antennas);
  const drawn: ArrayDraw = { re: vector(), im: vector(), covarianceRe: vector(), covarianceIm: vector() };
  const angles = new Float64Array(paths);
  const gains = new Float64Array(paths);

  function setSpectrum(directions: ArrayLike<number>, powers: ArrayLike<number>): void {
    spectrum.fill(0);
    for (let path = 0; path < directions.length; path++) {
      const angle = directions[path]!;
      const up = Math.exp(angle / ANGULAR_SPREAD);
      const scale = powers[path]! / (2 * ANGULAR_SPREAD);
      for (let k = 0; k < points; k++) {
        const own = rising[k]!;
        // exp(-|x - angle|), and the mirrored direction beyond the array's axis, exp(-(180 - |x + angle|)).
        const near = degrees[k]! >= angle ? up / own : own / up;
        const far = degrees[k]! + angle >= 0 ? own * up : 1 / (own * up);
        spectrum[k]! += scale * (near + behind * far);
      }
    }
    let sum = 0;
    for (let k = 0; k < points; k++) {
      const density = spectrum[k]! * jacobian[k]!;
      spectrum[k] = density <= points ? density : 0;
      sum += spectrum[k]!;
    }
    if (sum > 0) for (let k = 0; k < points; k++) spectrum[k]! *= points / sum;
  }

  function setCovariance(): void {
    for (let k = 0; k < points; k++) {
      sourceRe[k] = spectrum[k]! / points;
      sourceIm[k] = 0;
    }
    transform(sourceRe, sourceIm, drawn.covarianceRe, drawn.covarianceIm);
  }

  return {
    draw(random) {
      let total = 0;
      for (let path = 0; path < paths; path++) {
        gains[path] = random.next();
        total += gains[path]!;
        angles[path] = 180 * (random.next() - 0.5);
      }
      for (let path = 0; path < paths; path++) gains[path]! /= total;
      setSpectrum(angles, gains);
      setCovariance();
      for (let k = 0; k < points; k++) {
        const scale = Math.sqrt(spectrum[k]! / 2 / points);
        sourceRe[k] = scale * random.gaussian();
        sourceIm[k] = scale * random.gaussian();
      }
      // The opposite sign in the exponent, by conjugation.
      transform(sourceRe, sourceIm, drawn.re, drawn.im);
      for (let m = 0; m < antennas; m++) drawn.im[m] = -drawn.im[m]!;
      return drawn;
    },
    covarianceOf(directions, powers) {
      setSpectrum(directions, powers);
      setCovariance();
      return { covarianceRe: drawn.covarianceRe.slice(), covarianceIm: drawn.covarianceIm.slice() };
    },
  };
}

/** The first `wanted` values of the discrete Fourier transform, exp(-j…), of `points` values: 5 times a power of two. */
function oddTransform(points: number, wanted: number) {
  const size = points / ODD;
  const { forward } = fourierTransform(size);
  const reversed = Uint32Array.from({ length: size }, (_, k) => {
    let result = 0;
    for (let bit = 1, mirror = size >> 1; bit < size; bit <<= 1, mirror >>= 1) if (k & bit) result |= mirror;
    return result;
  });
  const [partRe, partIm] = [new Float64Array(size), new Float64Array(size)];
  const cosines = Float64Array.from({ length: ODD * wanted }, (_, k) =>
    Math.cos((2 * Math.PI * Math.floor(k / wanted) * (k % wanted)) / points),
  );
  const sines = Float64Array.from({ length: ODD * wanted }, (_, k) =>
    Math.sin((-2 * Math.PI * Math.floor(k / wanted) * (k % wanted)) / points),
  );
  return (fromRe: Float64Array, fromIm: Float64Array, re: Float64Array, im: Float64Array): void => {
    re.fill(0);
    im.fill(0);
    for (let part = 0; part < ODD; part++) {
      for (let k = 0; k < size; k++) {
        partRe[k] = fromRe[ODD * k + part]!;
        partIm[k] = fromIm[ODD * k + part]!;
      }
      forward(partRe, partIm);
      for (let m = 0; m < wanted; m++) {
        const at = reversed[m]!;
        const [c, s] = [cosines[part * wanted + m]!, sines[part * wanted + m]!];
        re[m]! += partRe[at]! * c - partIm[at]! * s;
        im[m]! += partRe[at]! * s + partIm[at]! * c;
      }
    }
  };
}
