import type { ModulationOrder } from "../pusch/mcs.js";

/**
 * Constellation of a modulation order (TS 38.211 5.1.2 to 5.1.6): interleaved re, im of the point of every bit
 * pattern, b(0) highest; mean power 1. Order 1 is BPSK; π/2-BPSK turns it by a quarter at odd symbols.
 */
export function constellation(order: ModulationOrder): Float32Array {
  const points = new Float32Array(2 << order);
  for (let pattern = 0; pattern < 1 << order; pattern++) {
    points[2 * pattern] = order === 1 ? bpsk(pattern) : amplitude(pattern, order, 0);
    points[2 * pattern + 1] = order === 1 ? bpsk(pattern) : amplitude(pattern, order, 1);
  }
  return points;
}

function bpsk(bit: number): number {
  return (1 - 2 * bit) * Math.SQRT1_2;
}

/** Root of the mean power of the amplitudes 1, 3, 5, … on both axes. */
const SCALES: Readonly<Record<number, number>> = {
  2: Math.sqrt(2),
  4: Math.sqrt(10),
  6: Math.sqrt(42),
  8: Math.sqrt(170),
};

/**
 * One axis: `(1 - 2·b0)·(8 - (1 - 2·b2)·(4 - (1 - 2·b4)·(2 - (1 - 2·b6))))` for 256QAM, shorter for the others.
 * @param axis 0: real, even bits; 1: imaginary, odd bits.
 */
function amplitude(pattern: number, order: number, axis: 0 | 1): number {
  const sign = (bit: number) => 1 - 2 * ((pattern >> (order - 1 - bit)) & 1);
  let value = sign(order - 2 + axis);
  for (let bit = order - 4 + axis, level = 2; bit >= 0; bit -= 2, level *= 2)
    value = sign(bit) * (level - value);
  return value / SCALES[order]!;
}

/**
 * Modulates a scrambled codeword (TS 38.211 6.3.1.2). Allocates nothing.
 * @param codeword bits, one a byte.
 * @param symbols receives one complex number, interleaved, for every `order` bits.
 */
export type Modulate = (codeword: Uint8Array, symbols: Float32Array) => void;

/** Prepares {@link Modulate} for so many bits, a multiple of the order; order 1 is π/2-BPSK. */
export function prepareModulate(order: ModulationOrder, codewordBits: number): Modulate {
  const points = constellation(order);
  const count = codewordBits / order;
  return (codeword, symbols) => {
    let bit = 0;
    for (let symbol = 0; symbol < count; symbol++) {
      let pattern = 0;
      for (let index = 0; index < order; index++) pattern = (pattern << 1) | codeword[bit++]!;
      const re = points[2 * pattern]!;
      const im = points[2 * pattern + 1]!;
      const turned = order === 1 && symbol % 2 === 1;
      symbols[2 * symbol] = turned ? -im : re;
      symbols[2 * symbol + 1] = turned ? re : im;
    }
  };
}
