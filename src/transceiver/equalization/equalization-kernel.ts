import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  math,
  memref,
  scf,
  type Type,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { add, type Complex, multiplyConjugate, split } from "../complex-lanes.js";
import { factorize, type Hermitian, scaled } from "./hermitian-kernel.js";

/** Zero forcing inverts the channel; MMSE weighs what it leaves of the other layers against the noise. */
export type EqualizationMethod = "zero-forcing" | "mmse";

/** Noise variance of a symbol that could not be estimated; the symbol is 0. */
export const ERASURE_NOISE = 1e20;

/** Below this share of its channel's power a layer cannot be told from the others with 24 bits: it counts as singular. */
const SINGULAR_SHARE = 1e-6;

/** What an equalization kernel is specialized on. */
export interface EqualizationShape {
  readonly method: EqualizationMethod;
  readonly layers: number;
  readonly antennas: number;
  /** Resource elements from one antenna's grid to the next. */
  readonly gridStride: number;
  /** Resource elements from one (layer, antenna) pair's channel to the next. */
  readonly channelStride: number;
  /** Resource elements from one layer's output to the next. */
  readonly outputStride: number;
  /** The number of resource elements of every call is a multiple of this. */
  readonly granularity: number;
  readonly lanes?: number;
}

/**
 * Equalizes `count` resource elements in a row. Arguments: grid from the first of them, channel from the first of
 * them, weights (f32, one over the noise variance of each antenna; 0 leaves it out), symbols and noise to be written
 * from their first element on, count. Complex numbers are interleaved.
 *
 * Lanes are resource elements. With whitened channel H and signal y it forms HᴴH (MMSE: plus the identity) and Hᴴy,
 * factors the matrix as L·D·Lᴴ in registers and gives unbiased symbols and their noise variance. Where a pivot is
 * not above 0 (for zero forcing: is a millionth of the layer's power), or anything is not finite, the result is the
 * symbol 0 with {@link ERASURE_NOISE}.
 */
export function equalizationKernel(shape: EqualizationShape): Kernel {
  const { method, layers, antennas, gridStride, channelStride, outputStride, granularity } = shape;
  const { lanes = 4 } = shape;
  const name = `equalization_${method.replace("-", "_")}_${layers}x${antennas}_${gridStride}_${channelStride}_${outputStride}_${granularity}_${lanes}`;
  return kernel(
    name,
    {
      grid: buffer("f32", 2 * antennas * gridStride),
      channel: buffer("f32", 2 * layers * antennas * channelStride),
      weights: buffer("f32", antennas),
      symbols: buffer("f32", 2 * layers * outputStride),
      noise: buffer("f32", layers * outputStride),
      count: argument("index"),
    },
    ({ grid, channel, weights, symbols, noise, count }) => {
      const whitening = Array.from({ length: antennas }, (_, antenna) =>
        vector.broadcast(memref.load(weights, antenna), lanes),
      );
      const type = vectorOf("f32", lanes);
      const read = (from: typeof grid, at: Value, row: number): Complex => {
        const first = indexSum(at, 2 * row);
        return split(vector.load(from, first, lanes), vector.load(from, indexSum(first, lanes), lanes));
      };
      const equalize = (at: Value) => {
        const twice = arith.muli(at, 2);
        const gram: Hermitian = {
          diagonal: [],
          lower: Array.from({ length: layers }, () => []),
        };
        const matched: Complex[] = [];
        for (let antenna = 0; antenna < antennas; antenna++) {
          const received = read(grid, twice, antenna * gridStride);
          const h = Array.from({ length: layers }, (_, layer) =>
            read(channel, twice, (layer * antennas + antenna) * channelStride),
          );
          for (let row = 0; row < layers; row++) {
            const weighted = scaled(h[row]!, whitening[antenna]!);
            matched[row] = addTo(matched[row], multiplyConjugate(weighted, received));
            const power = arith.addf(
              arith.mulf(weighted.re, h[row]!.re),
              arith.mulf(weighted.im, h[row]!.im),
            );
            gram.diagonal[row] = antenna === 0 ? power : arith.addf(gram.diagonal[row]!, power);
            for (let column = 0; column < row; column++)
              gram.lower[row]![column] = addTo(
                gram.lower[row]![column],
                multiplyConjugate(weighted, h[column]!),
              );
          }
        }
        return solve(method, layers, type, gram, matched);
      };
      const whole = (
        granularity % lanes === 0 ? count : arith.muli(arith.divui(count, lanes), lanes)
      ) as Value;
      scf.for(0, whole, lanes, (at) => {
        const twice = arith.muli(at, 2);
        equalize(at).forEach(({ symbol, variance }, layer) => {
          const both = vector.interleave(symbol.re, symbol.im);
          vector.store(both, symbols, indexSum(twice, 2 * layer * outputStride));
          vector.store(variance, noise, indexSum(at, layer * outputStride));
        });
      });
      if (granularity % lanes === 0) return;
      scf.for(whole, count, lanes, (at) => {
        const twice = arith.muli(at, 2);
        const rest = arith.subi(count, at);
        const mask = vector.createMask(rest, lanes);
        const bothMask = vector.createMask(arith.muli(rest, 2), 2 * lanes);
        equalize(at).forEach(({ symbol, variance }, layer) => {
          const both = vector.interleave(symbol.re, symbol.im);
          vector.maskedStore(both, symbols, indexSum(twice, 2 * layer * outputStride), bothMask);
          vector.maskedStore(variance, noise, indexSum(at, layer * outputStride), mask);
        });
      });
    },
  );
}

function addTo(sum: Complex | undefined, term: Complex): Complex {
  return sum ? add(sum, term) : term;
}

interface Estimate {
  readonly symbol: Complex;
  readonly variance: Value;
}

/** From the whitened HᴴH and Hᴴy to unbiased symbols and their noise variances. */
function solve(
  method: EqualizationMethod,
  layers: number,
  type: Type,
  gram: Hermitian,
  matched: readonly Complex[],
): Estimate[] {
  const number = (value: number) => arith.constant(type, value);
  if (layers === 1) {
    // Both methods are maximum ratio combining once unbiased.
    const power = gram.diagonal[0]!;
    const variance = arith.divf(number(1), power);
    const usable = arith.cmpf("ogt", power, number(1 / ERASURE_NOISE));
    return [estimate(number, scaled(matched[0]!, variance), variance, usable)];
  }
  const mmse = method === "mmse";
  const matrix: Hermitian = mmse
    ? { diagonal: gram.diagonal.map((power) => arith.addf(power, number(1))), lower: gram.lower }
    : gram;
  const { pivots, solution, inverseDiagonal } = factorize(matrix, matched, number(1));
  const floors = mmse
    ? pivots.map(() => number(0))
    : gram.diagonal.map((power) => arith.mulf(power, number(SINGULAR_SHARE)));
  const usable = pivots
    .map((pivot, layer) => arith.cmpf("ogt", pivot, floors[layer]!))
    .reduce((all, one) => arith.andi(all, one));
  return solution.map((symbol, layer) => {
    const diagonal = inverseDiagonal[layer]!;
    if (!mmse) return estimate(number, symbol, diagonal, usable);
    const unbias = arith.divf(number(1), arith.subf(number(1), diagonal));
    return estimate(number, scaled(symbol, unbias), arith.mulf(diagonal, unbias), usable);
  });
}

/** The estimate where it is usable, positive and finite, else the erasure; every comparison fails on NaN. */
function estimate(
  number: (value: number) => Value,
  symbol: Complex,
  variance: Value,
  usable: Value,
): Estimate {
  const size = arith.addf(math.absf(symbol.re), math.absf(symbol.im));
  const good = [
    usable,
    arith.cmpf("olt", size, number(ERASURE_NOISE)),
    arith.cmpf("ogt", variance, number(0)),
    arith.cmpf("olt", variance, number(ERASURE_NOISE)),
  ].reduce((all, one) => arith.andi(all, one));
  return {
    symbol: {
      re: arith.select(good, symbol.re, number(0)),
      im: arith.select(good, symbol.im, number(0)),
    },
    variance: arith.select(good, variance, number(ERASURE_NOISE)),
  };
}
