/**
 * Fourier transform of one power-of-two size for convolutions: spectra stand in bit-reversed order, which
 * multiplication does not mind and which saves the reordering.
 */
export interface FourierTransform {
  readonly size: number;
  /** In place, natural order to bit-reversed spectrum, exp(−j…), unscaled. */
  forward(re: Float64Array, im: Float64Array): void;
  /** In place, bit-reversed spectrum to natural order, exp(+j…), unscaled: divide by the size. */
  inverse(re: Float64Array, im: Float64Array): void;
}

const transforms = new Map<number, FourierTransform>();

/** The transform of `size` points, a power of two; kept for the next who asks. */
export function fourierTransform(size: number): FourierTransform {
  let transform = transforms.get(size);
  if (transform === undefined) {
    transform = prepare(size);
    transforms.set(size, transform);
  }
  return transform;
}

function prepare(size: number): FourierTransform {
  const cosines = new Float64Array(size / 2);
  const sines = new Float64Array(size / 2);
  for (let i = 0; i < size / 2; i++) {
    cosines[i] = Math.cos((2 * Math.PI * i) / size);
    sines[i] = -Math.sin((2 * Math.PI * i) / size);
  }

  /** Gentleman-Sande: halves are combined first, twiddled after. */
  function forward(re: Float64Array, im: Float64Array): void {
    for (let half = size >> 1, stride = 1; half >= 1; half >>= 1, stride <<= 1) {
      for (let block = 0; block < size; block += 2 * half) {
        for (let k = 0, twiddle = 0; k < half; k++, twiddle += stride) {
          const upper = block + k;
          const lower = upper + half;
          const differenceRe = re[upper]! - re[lower]!;
          const differenceIm = im[upper]! - im[lower]!;
          const cosine = cosines[twiddle]!;
          const sine = sines[twiddle]!;
          re[upper]! += re[lower]!;
          im[upper]! += im[lower]!;
          re[lower] = differenceRe * cosine - differenceIm * sine;
          im[lower] = differenceRe * sine + differenceIm * cosine;
        }
      }
    }
  }

  /** Cooley-Tukey, the mirror image of the above. */
  function inverse(re: Float64Array, im: Float64Array): void {
    for (let half = 1, stride = size >> 1; half < size; half <<= 1, stride >>= 1) {
      for (let block = 0; block < size; block += 2 * half) {
        for (let k = 0, twiddle = 0; k < half; k++, twiddle += stride) {
          const upper = block + k;
          const lower = upper + half;
          const cosine = cosines[twiddle]!;
          const sine = sines[twiddle]!;
          const turnedRe = re[lower]! * cosine + im[lower]! * sine;
          const turnedIm = im[lower]! * cosine - re[lower]! * sine;
          re[lower] = re[upper]! - turnedRe;
          im[lower] = im[upper]! - turnedIm;
          re[upper]! += turnedRe;
          im[upper]! += turnedIm;
        }
      }
    }
  }

  return { size, forward, inverse };
}
