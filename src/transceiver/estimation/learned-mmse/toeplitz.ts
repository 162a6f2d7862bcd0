/**
 * Hermitian Toeplitz matrices, none of whose leading minors is 0, in double precision by Levinson's recursion.
 *
 * A matrix is given by its first row `t`, `T[i][j] = t[j - i]` and `t[-d] = conj(t[d])`, as real and imaginary parts.
 */
export interface ToeplitzMatrix {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** What the recursion finds: all that solving and inverting take. */
export interface ToeplitzFactors {
  readonly size: number;
  /** Prediction polynomial of the highest order; its first coefficient is 1. */
  readonly polynomialRe: Float64Array;
  readonly polynomialIm: Float64Array;
  /** Its prediction error: the inverse of the inverse matrix's first element. */
  readonly error: number;
  /** Logarithm of the determinant's magnitude. */
  readonly logDeterminant: number;
}

/**
 * Levinson's recursion. With a right side `x`, which is not changed, it also solves `T·solution = x`.
 * @param diagonal is added to the matrix's diagonal.
 */
export function levinson(
  { re, im }: ToeplitzMatrix,
  diagonal: number,
  right?: ToeplitzMatrix,
  solution?: ToeplitzMatrix,
): ToeplitzFactors {
  const size = re.length;
  // Column of the forward vector a: T·a = (error, 0, …, 0).
  const aRe = new Float64Array(size);
  const aIm = new Float64Array(size);
  aRe[0] = 1;
  let error = re[0]! + diagonal;
  let logDeterminant = Math.log(Math.abs(error));
  if (right && solution) {
    solution.re.fill(0);
    solution.im.fill(0);
    solution.re[0] = right.re[0]! / error;
    solution.im[0] = right.im[0]! / error;
  }
  for (let order = 1; order < size; order++) {
    // Row `order` of T times a: T[order][k] = conj(t[order - k]).
    let [sumRe, sumIm] = [0, 0];
    for (let k = 0; k < order; k++) {
      const [tRe, tIm] = [re[order - k]!, -im[order - k]!];
      sumRe += tRe * aRe[k]! - tIm * aIm[k]!;
      sumIm += tRe * aIm[k]! + tIm * aRe[k]!;
    }
    const [kRe, kIm] = [-sumRe / error, -sumIm / error];
    // The backward vector is the reversed conjugate of the forward one.
    for (let low = 0, high = order; low <= high; low++, high--) {
      const [lRe, lIm, hRe, hIm] = [aRe[low]!, aIm[low]!, aRe[high]!, aIm[high]!];
      aRe[low] = lRe + kRe * hRe + kIm * hIm;
      aIm[low] = lIm + kIm * hRe - kRe * hIm;
      if (low === high) break;
      aRe[high] = hRe + kRe * lRe + kIm * lIm;
      aIm[high] = hIm + kIm * lRe - kRe * lIm;
    }
    error *= 1 - kRe * kRe - kIm * kIm;
    logDeterminant += Math.log(Math.abs(error));
    if (!right || !solution) continue;
    let [restRe, restIm] = [right.re[order]!, right.im[order]!];
    for (let k = 0; k < order; k++) {
      const [tRe, tIm] = [re[order - k]!, -im[order - k]!];
      restRe -= tRe * solution.re[k]! - tIm * solution.im[k]!;
      restIm -= tRe * solution.im[k]! + tIm * solution.re[k]!;
    }
    restRe /= error;
    restIm /= error;
    for (let k = 0; k <= order; k++) {
      const [bRe, bIm] = [aRe[order - k]!, -aIm[order - k]!];
      solution.re[k]! += restRe * bRe - restIm * bIm;
      solution.im[k]! += restRe * bIm + restIm * bRe;
    }
  }
  return { size, polynomialRe: aRe, polynomialIm: aIm, error, logDeterminant };
}

/** Sums along the diagonals 0, 1, … above the main one of the inverse matrix, from its factors (Gohberg and Semencul). */
export function inverseDiagonalSums({
  size,
  polynomialRe,
  polynomialIm,
  error,
}: ToeplitzFactors): ToeplitzMatrix {
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let distance = 0; distance < size; distance++) {
    for (let k = 0; k + distance < size; k++) {
      const weight = (size - distance - 2 * k) / error;
      const [aRe, aIm] = [polynomialRe[k]!, polynomialIm[k]!];
      const [bRe, bIm] = [polynomialRe[k + distance]!, polynomialIm[k + distance]!];
      // a_k·conj(a_(k + distance))
      re[distance]! += weight * (aRe * bRe + aIm * bIm);
      im[distance]! += weight * (aIm * bRe - aRe * bIm);
    }
  }
  return { re, im };
}
