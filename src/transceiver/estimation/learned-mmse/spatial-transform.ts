import { fourierTransform } from "../../../radio/fourier.js";

/**
 * What structured estimators work in: "circulant", the unitary Fourier transform Q of the antennas, whose filters stand for
 * circulant matrices; "toeplitz", the unitary transform of twice as many points after zeros, whose filters stand for any
 * Toeplitz matrix.
 */
export type TransformKind = "circulant" | "toeplitz";

/** Bins of the transform. */
export function transformSize(kind: TransformKind, antennas: number): number {
  return kind === "circulant" ? antennas : 2 * antennas;
}

/** Q and its Hermitian for a number of antennas, a power of two. */
export interface SpatialTransform {
  readonly bins: number;
  /** z = Q y. */
  forward(fromRe: Float64Array, fromIm: Float64Array, re: Float64Array, im: Float64Array): void;
  /** y = Qᴴ z; z is overwritten. */
  inverse(zRe: Float64Array, zIm: Float64Array, re: Float64Array, im: Float64Array): void;
}

export function spatialTransform(kind: TransformKind, antennas: number): SpatialTransform {
  const bins = transformSize(kind, antennas);
  const { forward } = fourierTransform(bins);
  const scale = 1 / Math.sqrt(bins);
  const reversed = Uint32Array.from({ length: bins }, (_, k) => {
    let result = 0;
    for (let bit = 1, mirror = bins >> 1; bit < bins; bit <<= 1, mirror >>= 1) if (k & bit) result |= mirror;
    return result;
  });
  const [workRe, workIm] = [new Float64Array(bins), new Float64Array(bins)];
  return {
    bins,
    forward(fromRe, fromIm, re, im) {
      workRe.fill(0);
      workIm.fill(0);
      workRe.set(fromRe);
      workIm.set(fromIm);
      forward(workRe, workIm);
      for (let k = 0; k < bins; k++) {
        re[k] = scale * workRe[reversed[k]!]!;
        im[k] = scale * workIm[reversed[k]!]!;
      }
    },
    inverse(zRe, zIm, re, im) {
      // With real and imaginary parts exchanged on both sides the exponent's sign is the other.
      forward(zIm, zRe);
      for (let m = 0; m < antennas; m++) {
        re[m] = scale * zRe[reversed[m]!]!;
        im[m] = scale * zIm[reversed[m]!]!;
      }
    },
  };
}
