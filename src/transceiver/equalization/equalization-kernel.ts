import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  math,
  scf,
  type Type,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { InputError } from "../../errors.js";
import type { Complex } from "../complex-lanes.js";
import type { SquareOrder } from "../mapping/axis-llr.js";
import { cancelSuccessively } from "./cancellation-kernel.js";
import { factorize, type Hermitian, inverseOf, scaled } from "./hermitian-kernel.js";
import { MOST_NUMBERS, normalEquations, type SystemShape } from "./normal-equations.js";

/**
 * Zero forcing inverts the channel; MMSE weighs what it leaves of the other layers against the noise; MMSE-SIC decides
 * one layer after the other and takes it out.
 */
export type EqualizationMethod = "zero-forcing" | "mmse" | "mmse-sic";

/** Noise variance of a symbol that could not be estimated; the symbol is 0. */
export const ERASURE_NOISE = 1e20;

/** Below this share of its channel's power a layer cannot be told from the others with 24 bits: it counts as singular. */
const SINGULAR_SHARE = 1e-6;

/** What an equalization kernel is specialized on. */
export interface EqualizationShape extends SystemShape {
  readonly method: EqualizationMethod;
  /** The number of resource elements of every call is a multiple of this. */
  readonly granularity: number;
  /** Of all layers; "mmse-sic" decides by it where there are several. */
  readonly modulationOrder?: SquareOrder;
  readonly lanes?: number;
}

/**
 * Equalizes `count` resource elements in a row. Arguments: grid from the first of them, channel from the first of
 * them, weights (f32, one over the noise variance of each antenna; 0 leaves it out), symbols and noise to be written
 * from their first element on, count, stride (resource elements from one antenna's grid to the next, and from one
 * (layer, antenna) pair's channel to the next), output stride (from one layer's symbols and noise to the next). Complex
 * numbers are interleaved.
 *
 * Lanes are resource elements. With whitened channel H and signal y it forms HᴴH (MMSE: plus the identity) and Hᴴy,
 * factors the matrix as L·D·Lᴴ in registers and gives unbiased symbols and their noise variance. Where a pivot is
 * not above 0 (for zero forcing: is a millionth of the layer's power), or anything is not finite, the result is the
 * symbol 0 with {@link ERASURE_NOISE}. Any number of layers and antennas will do; beyond those of PUSCH parts of it
 * loop.
 */
export const equalizationKernel = kernelBuilder(
  import.meta.url,
  "equalizationKernel",
  (shape: EqualizationShape): Kernel => {
    const { method, layers, antennas, granularity, lanes = 4, modulationOrder } = shape;
    const cancels = method === "mmse-sic" && layers > 1;
    if (cancels && modulationOrder === undefined)
      throw new InputError("modulationOrder", modulationOrder, "give 2, 4, 6 or 8: MMSE-SIC decides by it");
    const variant = cancels ? `${method}_qm${modulationOrder}` : method;
    // Only in whether something is left over do the numbers of resource elements matter.
    const rest = granularity % lanes !== 0;
    const name = `equalization_${variant.replaceAll("-", "_")}_${layers}x${antennas}_v${lanes}${rest ? "_rest" : ""}`;
    return kernel(
      name,
      {
        grid: buffer("f32", MOST_NUMBERS),
        channel: buffer("f32", MOST_NUMBERS),
        weights: buffer("f32", antennas),
        symbols: buffer("f32", MOST_NUMBERS),
        noise: buffer("f32", MOST_NUMBERS),
        count: argument("index"),
        stride: argument("index"),
        outputStride: argument("index"),
      },
      ({ grid, channel, weights, symbols, noise, count, stride, outputStride }) => {
        const type = vectorOf("f32", lanes);
        const equations = normalEquations(shape, lanes, { grid, channel, weights, stride });
        const layerOffsets = Array.from({ length: layers }, (_, layer) => arith.muli(outputStride, layer));
        const equalize = (at: Value) => {
          const { gram, matched } = equations(at);
          return solve(shape, type, gram, matched);
        };
        const whole = rest ? arith.muli(arith.divui(count, lanes), lanes) : count;
        scf.for(0, whole, lanes, (at) => {
          equalize(at).forEach(({ symbol, variance }, layer) => {
            const both = vector.interleave(symbol.re, symbol.im);
            const to = arith.addi(at, layerOffsets[layer]!);
            vector.store(both, symbols, arith.muli(to, 2));
            vector.store(variance, noise, to);
          });
        });
        if (!rest) return;
        scf.for(whole, count, lanes, (at) => {
          const left = arith.subi(count, at);
          const mask = vector.createMask(left, lanes);
          const bothMask = vector.createMask(arith.muli(left, 2), 2 * lanes);
          equalize(at).forEach(({ symbol, variance }, layer) => {
            const both = vector.interleave(symbol.re, symbol.im);
            const to = arith.addi(at, layerOffsets[layer]!);
            vector.maskedStore(both, symbols, arith.muli(to, 2), bothMask);
            vector.maskedStore(variance, noise, to, mask);
          });
        });
      },
    );
  },
);

interface Estimate {
  readonly symbol: Complex;
  readonly variance: Value;
}

/** From the whitened HᴴH and Hᴴy to unbiased symbols and their noise variances. */
function solve(
  { method, layers, modulationOrder }: EqualizationShape,
  type: Type,
  gram: Hermitian,
  matched: readonly Complex[],
): Estimate[] {
  const number = (value: number) => arith.constant(type, value);
  if (layers === 1) {
    // All methods are maximum ratio combining once unbiased.
    const power = gram.diagonal[0]!;
    const variance = arith.divf(number(1), power);
    const usable = arith.cmpf("ogt", power, number(1 / ERASURE_NOISE));
    return [estimate(number, scaled(matched[0]!, variance), variance, usable)];
  }
  const mmse = method !== "zero-forcing";
  const matrix: Hermitian = mmse
    ? { diagonal: gram.diagonal.map((power) => arith.addf(power, number(1))), lower: gram.lower }
    : gram;
  const factorization = factorize(matrix, matched, number(1));
  const { pivots, solution, inverseDiagonal } = factorization;
  const floors = mmse
    ? pivots.map(() => number(0))
    : gram.diagonal.map((power) => arith.mulf(power, number(SINGULAR_SHARE)));
  const usable = pivots
    .map((pivot, layer) => arith.cmpf("ogt", pivot, floors[layer]!))
    .reduce((all, one) => arith.andi(all, one));
  if (method === "mmse-sic") {
    const start = { mean: solution, covariance: inverseOf(factorization) };
    return cancelSuccessively(type, modulationOrder!, start).map(({ symbol, variance }) =>
      estimate(number, symbol, variance, usable),
    );
  }
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
