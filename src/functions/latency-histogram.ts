/** Bins of an octave: a bin's durations differ by less than a tenth. */
const BINS_PER_OCTAVE = 8;
/** From 2^-10 ms, the first bin's, to 2^16 ms. */
const LOWEST_EXPONENT = -10;
const BINS = 26 * BINS_PER_OCTAVE;
/** Durations after which all that were recorded count half. */
const HALF_LIFE = 2048;

/** The latest durations of something in a fixed number of bins, so that recording and asking allocate nothing. */
export interface LatencyHistogram {
  /** Adds the time from `times[begin]` to `times[end]`, in milliseconds. */
  record(times: Float64Array, begin: number, end: number): void;
  /** Writes the duration that the given share (0 to 1) does not exceed, rounded up by less than a tenth, into `to[at]`; 0 of none. */
  percentile(share: number, to: Float64Array, at: number): void;
}

export function createLatencyHistogram(): LatencyHistogram {
  const counts = new Float64Array(BINS);
  /** At 0: a variable that holds a fraction would be allocated with every change. */
  const total = new Float64Array(1);
  return {
    record(times, begin, end) {
      const octaves = Math.log2(Math.max(times[end] - times[begin], 1e-9)) - LOWEST_EXPONENT;
      counts[Math.min(BINS - 1, Math.max(0, Math.floor(octaves * BINS_PER_OCTAVE)))]++;
      total[0]++;
      if (total[0] < HALF_LIFE) return;
      total[0] = 0;
      for (let bin = 0; bin < BINS; bin++) {
        counts[bin] *= 0.5;
        total[0] += counts[bin];
      }
    },
    percentile(share, to, at) {
      let left = share * total[0];
      let bin = 0;
      while (bin < BINS - 1 && left > counts[bin]) left -= counts[bin++];
      to[at] = total[0] === 0 ? 0 : 2 ** (LOWEST_EXPONENT + (bin + 1) / BINS_PER_OCTAVE);
    },
  };
}
