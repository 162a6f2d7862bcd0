/** Random numbers for the tests from a seed: the generator mulberry32. */
export interface RandomGenerator {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Whole number in [from, to]. */
  integer(from: number, to: number): number;
  /** One of the values. */
  choose<T>(values: readonly T[]): T;
  /** Standard normal. */
  normal(): number;
  /** 0 or 1 each. */
  bits(count: number): number[];
}

/** The generator of a seed, a whole number below 2³². */
export function randomGenerator(seed: number): RandomGenerator {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (from: number, to: number) => from + Math.floor(uniform() * (to - from + 1));
  return {
    uniform,
    integer,
    choose: (values) => values[integer(0, values.length - 1)]!,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    bits: (count) => Array.from({ length: count }, () => integer(0, 1)),
  };
}
