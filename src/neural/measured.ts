/** A measured number, with its 95 % interval and the errors or draws counted where it is an estimate. */
export interface Measured {
  readonly value: number;
  readonly interval?: readonly [number, number];
  readonly count?: number;
}

/** Of a normal distribution, 95 % lies within so many standard deviations. */
const DEVIATIONS = 1.96;

/**
 * Wilson's interval of a probability of which `count` in `trials` independent trials are known.
 * @param deviations how much of a normal distribution it holds: 95 % unless given
 */
export function wilsonInterval(
  count: number,
  trials: number,
  deviations = DEVIATIONS,
): [low: number, high: number] {
  const rate = count / trials;
  const centre = rate + deviations ** 2 / (2 * trials);
  const half = deviations * Math.sqrt((rate * (1 - rate)) / trials + deviations ** 2 / (4 * trials ** 2));
  const scale = 1 + deviations ** 2 / trials;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}

/** The share of `count` in `trials` independent trials. */
export function proportion(count: number, trials: number): Measured {
  return { value: count / trials, interval: wilsonInterval(count, trials), count };
}

/**
 * The mean of independent draws between 0 and 1, such as shares of errors, of which the sum and the sum of squares are known.
 * Where none of them was above 0, as many may be as of draws that nobody has seen.
 */
export function meanOfShares(sum: number, squares: number, draws: number): Measured {
  if (sum === 0) return { value: 0, interval: wilsonInterval(0, draws), count: draws };
  const mean = meanOfDraws(sum, squares, draws);
  return { ...mean, interval: [Math.max(0, mean.interval![0]), Math.min(1, mean.interval![1])] };
}

/** The mean of independent draws of which the sum and the sum of squares are known. */
export function meanOfDraws(sum: number, squares: number, draws: number): Measured {
  const value = sum / draws;
  const half = DEVIATIONS * Math.sqrt(Math.max(0, squares / draws - value ** 2) / draws);
  return { value, interval: [value - half, value + half], count: draws };
}
