import { InputError } from "../errors.js";

/** A seeded source of randomness. The same seed and the same calls give the same numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** Uniform in 0 … n − 1, without modulo bias, for an integer n of 1 … 2^32. */
  integer(n: number): number;
  /** Normal with mean 0 and variance 1. */
  gaussian(): number;
  /** Fills the array with 0 and 1, one bit a byte. */
  bits(out: Uint8Array): void;
  /**
   * An independent generator. It depends on this generator's seed and the label only, never on how much has been
   * drawn, so that a part of a simulation keeps its numbers when another part draws more.
   */
  fork(label: string | number): Random;
}

/**
 * A generator for the seed: xoshiro128** (Blackman and Vigna), its state filled by splitmix32.
 *
 * @param seed any safe integer
 * @throws InputError when the seed is not a safe integer
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new InputError("seed", seed, "give an integer within ±2^53");
  return randomOfState(scramble([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]));
}

/** The generator whose xoshiro128** state is these four words, not all zero. */
export function randomOfState(state: Uint32Array): Random {
  const origin = Uint32Array.from(state);
  let s0 = state[0]! | 0;
  let s1 = state[1]! | 0;
  let s2 = state[2]! | 0;
  let s3 = state[3]! | 0;

  function word(): number {
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  function next(): number {
    return (word() >>> 0) * 2 ** -32;
  }

  function integer(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 32)) {
      throw new InputError("n", n, "give an integer of 1 to 2^32");
    }
    const fair = 2 ** 32 - (2 ** 32 % n);
    let drawn = word() >>> 0;
    while (drawn >= fair) drawn = word() >>> 0;
    return drawn % n;
  }

  function gaussian(): number {
    for (;;) {
      // Layer and position come from disjoint bits: sharing bits is what made the first ziggurat fail its tests.
      const drawn = word();
      const layer = drawn & 127;
      const position = (drawn >> 7) * 2 ** -24;
      const x = position * edges[layer]!;
      if (Math.abs(position) < ratios[layer]!) return x;
      if (layer === 0) return tail(position < 0);
      const upper = densities[layer]!;
      const lower = densities[layer + 1]!;
      if (upper + next() * (lower - upper) < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /** The normal distribution beyond the ziggurat's base (Marsaglia 1964). */
  function tail(negative: boolean): number {
    for (;;) {
      const x = -Math.log(1 - next()) / baseEdge;
      const y = -Math.log(1 - next());
      if (2 * y > x * x) return negative ? -baseEdge - x : baseEdge + x;
    }
  }

  function bits(out: Uint8Array): void {
    let i = 0;
    while (i < out.length) {
      let drawn = word();
      for (const end = Math.min(i + 32, out.length); i < end; i++) {
        out[i] = drawn & 1;
        drawn >>>= 1;
      }
    }
  }

  function fork(label: string | number): Random {
    const words = [...origin];
    // The kind is part of the label: fork(1) and fork("1") differ.
    for (const character of `${typeof label}:${label}`) words.push(character.codePointAt(0)!);
    return randomOfState(scramble(words));
  }

  return { next, integer, gaussian, bits, fork };
}

/** Four well-mixed words from any number of words; never all zero. */
function scramble(words: readonly number[]): Uint32Array {
  let key = 0x6a09e667;
  for (const word of words) key = splitmix32(key ^ word);
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    // Each word absorbs all input again from its own start: a single 32-bit key would let two labels collide.
    let own = Math.imul(i + 1, 0x9e3779b9) ^ key;
    for (const word of words) own = splitmix32(own ^ word);
    state[i] = own;
  }
  if (state.every((word) => word === 0)) state[0] = 1;
  return state;
}

function splitmix32(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** Ziggurat of 128 layers of equal area (Marsaglia and Tsang 2000, with Doornik's 2005 corrections). */
const baseEdge = 3.442619855899;
const layerArea = 9.91256303526217e-3;
const edges = new Float64Array(129);
const ratios = new Float64Array(128);
const densities = new Float64Array(129);
{
  const density = (x: number) => Math.exp(-0.5 * x * x);
  edges[0] = layerArea / density(baseEdge);
  edges[1] = baseEdge;
  for (let i = 2; i < 128; i++) {
    edges[i] = Math.sqrt(-2 * Math.log(layerArea / edges[i - 1]! + density(edges[i - 1]!)));
  }
  edges[128] = 0;
  for (let i = 0; i < 128; i++) ratios[i] = edges[i + 1]! / edges[i]!;
  for (let i = 0; i <= 128; i++) densities[i] = density(edges[i]!);
}
