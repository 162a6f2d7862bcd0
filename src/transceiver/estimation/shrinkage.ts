/**
 * Prepares the step from sums of `e·eᴴ` over the residuals of each group to covariance matrices. Both are interleaved,
 * `[group][row][column]`; of the sums what lies on and below the diagonal is read. Allocates nothing when it runs.
 * @param counts residuals in each group.
 * @param noise variance of each antenna, which the diagonals' mean over the residuals becomes.
 */
export function prepareShrinkage(
  antennas: number,
  counts: Float64Array,
  sums: Float32Array,
  noise: Float32Array,
  covariance: Float32Array,
): () => void {
  const size = 2 * antennas * antennas;
  const groups = counts.length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const mean = new Float64Array(size);
  const scales = new Float64Array(antennas);
  const diagonal = (row: number) => 2 * (row * antennas + row);

  /** The mean over all residuals, and what makes its diagonal 1. */
  const average = () => {
    mean.fill(0);
    for (let at = 0; at < groups * size; at++) mean[at % size]! += sums[at]! / total;
    for (let row = 0; row < antennas; row++) {
      const power = mean[diagonal(row)]!;
      const usable = power > 0 && power < Number.POSITIVE_INFINITY;
      scales[row] = usable ? 1 / Math.sqrt(power) : 0;
    }
  };

  /** |coherence|² of what is off the diagonal, summed, for one matrix less another times a factor. */
  const energy = (
    values: ArrayLike<number>,
    first: number,
    count: number,
    less: number,
    withDiagonal: boolean,
  ) => {
    let sum = 0;
    for (let row = 0; row < antennas; row++)
      for (let column = 0; column <= row; column++) {
        if (column === row && !withDiagonal) continue;
        const at = 2 * (row * antennas + column);
        const by = scales[row]! * scales[column]!;
        const re = (values[first + at]! / count - less * mean[at]!) * by;
        const im = (values[first + at + 1]! / count - less * mean[at + 1]!) * by;
        sum += (column === row ? 1 : 2) * (re * re + im * im);
      }
    return sum;
  };

  return () => {
    average();
    let present = 0;
    let differing = 0;
    let byChance = 0;
    for (let row = 0; row < antennas; row++) if (scales[row]! > 0) present++;
    for (let group = 0; group < groups; group++) {
      differing += energy(sums, group * size, counts[group]!, 1, true);
      byChance += present * present * Math.max(0, 1 / counts[group]! - 1 / total);
    }
    const offDiagonal = energy(mean, 0, 1, 0, false);
    // Comparisons with NaN are false: of what is no number nothing is kept.
    const own = differing > byChance ? 1 - byChance / differing : 0;
    const chance = (present * (present - 1)) / total;
    const joint = offDiagonal > chance ? 1 - chance / offDiagonal : 0;
    for (let group = 0; group < groups; group++)
      for (let row = 0; row < antennas; row++) {
        const rowOut = !Number.isFinite(noise[row]!);
        for (let column = 0; column <= row; column++) {
          const at = 2 * (row * antennas + column);
          const to = group * size;
          const out = rowOut || !Number.isFinite(noise[column]!);
          const by = out
            ? 0
            : scales[row]! * scales[column]! * Math.sqrt(Math.max(0, noise[row]! * noise[column]!));
          let re = 0;
          let im = 0;
          if (by > 0) {
            const kept = column === row ? 1 : joint;
            const share = own / counts[group]!;
            re = by * kept * (share * sums[to + at]! + (1 - own) * mean[at]!);
            im = by * kept * (share * sums[to + at + 1]! + (1 - own) * mean[at + 1]!);
          }
          if (column === row) {
            if (rowOut) re = Number.POSITIVE_INFINITY;
            else if (!(re > 0)) re = Math.max(0, noise[row]!);
            im = 0;
          }
          covariance[to + at] = re;
          covariance[to + at + 1] = im;
          const mirrored = to + 2 * (column * antennas + row);
          covariance[mirrored] = re;
          covariance[mirrored + 1] = 0 - im;
        }
        covariance[group * size + diagonal(row) + 1] = 0;
      }
  };
}
