import { arith, math, scf, type Type, type Value } from "../../compiler/index.js";
import { add, type Complex, multiply, subtract } from "../complex-lanes.js";
import { HALF_DISTANCE, type SquareOrder } from "../mapping/axis-llr.js";
import { type Hermitian, power, scaled } from "./hermitian-kernel.js";

/** Layers up to which the steps of detection are unrolled; more of them loop, so that code stays small. */
export const UNROLLED_LAYERS = 4;

/** The linear estimate of all layers that successive detection starts from, lane by lane. */
export interface LinearEstimate {
  /** The layers' means. */
  readonly mean: readonly Complex[];
  /** Their covariance: the inverse of HᴴH plus the identity, for symbols of power 1 and whitened H. */
  readonly covariance: Hermitian;
}

/** The layer that a step of successive detection takes, in each lane its own. */
export interface Step {
  /** Which layer it is: one mask a layer, one of them set in each lane. */
  readonly isLayer: readonly Value[];
  readonly mean: Complex;
  readonly variance: Value;
  /** What an error of this layer's mean is multiplied by in the means of all layers. */
  readonly leakage: readonly Complex[];
}

/** What is left of the layers while they are detected one after the other. */
export interface Remainder extends LinearEstimate {
  /** Added to a layer's variance when one is sought: infinite for those that were taken. */
  readonly penalty: readonly Value[];
}

/** Nothing is detected yet. */
export function wholeRemainder(type: Type, { mean, covariance }: LinearEstimate): Remainder {
  return { mean, covariance, penalty: mean.map(() => arith.constant(type, 0)) };
}

/** Takes the layer of least variance, which is that of highest post-equalization SINR, of those that are left. */
export function bestLayer(type: Type, { mean, covariance, penalty }: Remainder): Step {
  const layers = mean.length;
  const number = (value: number) => arith.constant(type, value);
  let [index, least] = [number(0), arith.addf(covariance.diagonal[0]!, penalty[0]!)];
  for (let layer = 1; layer < layers; layer++) {
    const candidate = arith.addf(covariance.diagonal[layer]!, penalty[layer]!);
    const less = arith.cmpf("olt", candidate, least);
    index = arith.select(less, number(layer), index);
    least = arith.select(less, candidate, least);
  }
  const isLayer = mean.map((_, layer) => arith.cmpf("oeq", index, number(layer)));
  const variance = choose(isLayer, covariance.diagonal);
  const reciprocal = arith.divf(number(1), variance);
  const leakage = mean.map((_, row) =>
    scaled(chooseComplex(isLayer, entriesOfRow(covariance, row, number(0))), reciprocal),
  );
  return { isLayer, mean: chooseComplex(isLayer, mean), variance, leakage };
}

/**
 * What is left once the step's layer is known to lie `error` from its mean: the means of the others given that, and
 * their covariance, by a rank-one update of the inverse that needs no order of the layers. Without `error` the means stay.
 */
export function withoutLayer(type: Type, left: Remainder, step: Step, error?: Complex): Remainder {
  const { mean, covariance, penalty } = left;
  const { isLayer, variance, leakage } = step;
  const weighted = leakage.map((leak) => scaled(leak, variance));
  return {
    mean: error ? mean.map((value, layer) => add(value, multiply(leakage[layer]!, error))) : mean,
    covariance: {
      diagonal: covariance.diagonal.map((value, layer) =>
        arith.subf(value, arith.mulf(power(leakage[layer]!), variance)),
      ),
      lower: covariance.lower.map((values, row) =>
        values.map((value, column) => subtract(value, multiply(weighted[row]!, conjugate(leakage[column]!)))),
      ),
    },
    penalty: penalty.map((value, layer) =>
      arith.select(isLayer[layer]!, arith.constant(type, Number.POSITIVE_INFINITY), value),
    ),
  };
}

/**
 * Successive interference cancellation: the layer of highest post-equalization SINR is decided to the nearest point of
 * the constellation, taken out, and the others are estimated anew; the order is each resource element's own.
 *
 * Gives each layer's unbiased symbol before its decision and the variance of what it is off by. To what noise and the
 * layers that are left contribute, this adds what decisions taken before may have got wrong: a decision at distance δ,
 * with the next point at distance 2d - δ, is wrong with probability `1 / (1 + exp(((2d - δ)² - δ²)/variance))` on each
 * axis, by 2d, and leaks by the factor that its cancellation had. A layer that follows a doubtful decision so gets soft
 * bits that are just as doubtful. How later cancellations turn that leakage is neglected.
 */
export function cancelSuccessively(
  type: Type,
  order: SquareOrder,
  start: LinearEstimate,
): { symbol: Complex; variance: Value }[] {
  const layers = start.mean.length;
  const number = (value: number) => arith.constant(type, value);
  const zero = number(0);
  let state: CancellationState = {
    left: wholeRemainder(type, start),
    doubt: start.mean.map(() => zero),
    estimates: start.mean.map(() => ({ symbol: { re: zero, im: zero }, variance: zero })),
  };
  const detect = ({ left, doubt, estimates }: CancellationState): CancellationState => {
    const step = bestLayer(type, left);
    const { isLayer, leakage } = step;
    const unbias = arith.divf(number(1), arith.subf(number(1), step.variance));
    const symbol = scaled(step.mean, unbias);
    const inherited = arith.mulf(choose(isLayer, doubt), arith.mulf(unbias, unbias));
    const variance = arith.addf(arith.mulf(step.variance, unbias), inherited);
    const { point, doubt: ownDoubt } = decide(type, order, symbol, variance);
    return {
      left: withoutLayer(type, left, step, subtract(point, step.mean)),
      doubt: doubt.map((value, layer) => arith.addf(value, arith.mulf(power(leakage[layer]!), ownDoubt))),
      estimates: estimates.map((before, layer) => ({
        symbol: selectComplex(isLayer[layer]!, symbol, before.symbol),
        variance: arith.select(isLayer[layer]!, variance, before.variance),
      })),
    };
  };
  if (layers <= UNROLLED_LAYERS) for (let step = 0; step < layers; step++) state = detect(state);
  else
    state = unpack(
      layers,
      scf.for(0, layers, 1, pack(state), (_, carried) => pack(detect(unpack(layers, carried)))),
    );
  return state.estimates;
}

interface CancellationState {
  readonly left: Remainder;
  /** Variance of each layer's mean that stems from decisions that may be wrong. */
  readonly doubt: readonly Value[];
  readonly estimates: { symbol: Complex; variance: Value }[];
}

/** The nearest point of a square constellation of mean power 1, and the expected power of the error of choosing it. */
function decide(
  type: Type,
  order: SquareOrder,
  symbol: Complex,
  variance: Value,
): { point: Complex; doubt: Value } {
  const number = (value: number) => arith.constant(type, value);
  const distance = HALF_DISTANCE[order];
  const last = 2 ** (order / 2) - 1;
  // ((2d - δ)² - δ²)/variance = 4·d²/variance·(1 - δ/d).
  const unit = arith.divf(number(4 * distance * distance), variance);
  const axis = (value: Value) => {
    const t = arith.mulf(value, number(1 / distance));
    const odd = arith.addf(arith.mulf(math.floor(arith.mulf(t, number(0.5))), number(2)), number(1));
    const point = clamp(odd, -last, last);
    const offset = math.absf(arith.subf(t, point));
    // Beyond the last point the next one lies inwards, farther away.
    const outwards = arith.cmpf("ogt", math.absf(t), number(last));
    const away = arith.select(outwards, arith.addf(number(1), offset), arith.subf(number(1), offset));
    const odds = math.exp(clamp(arith.mulf(unit, away), 0, 80));
    return {
      value: arith.mulf(point, number(distance)),
      wrong: arith.divf(number(1), arith.addf(number(1), odds)),
    };
  };
  const [re, im] = [axis(symbol.re), axis(symbol.im)];
  return {
    point: { re: re.value, im: im.value },
    doubt: arith.mulf(arith.addf(re.wrong, im.wrong), number(4 * distance * distance)),
  };
}

function clamp(value: Value, least: number, most: number): Value {
  const [low, high] = [arith.constant(value.type, least), arith.constant(value.type, most)];
  const above = arith.select(arith.cmpf("ogt", value, low), value, low);
  return arith.select(arith.cmpf("olt", above, high), above, high);
}

function conjugate({ re, im }: Complex): Complex {
  return { re, im: arith.negf(im) };
}

function selectComplex(mask: Value, a: Complex, b: Complex): Complex {
  return { re: arith.select(mask, a.re, b.re), im: arith.select(mask, a.im, b.im) };
}

/** The value whose mask is set. */
export function choose(masks: readonly Value[], values: readonly Value[]): Value {
  return values.reduce((chosen, value, index) => arith.select(masks[index]!, value, chosen));
}

/** The complex value whose mask is set. */
export function chooseComplex(masks: readonly Value[], values: readonly Complex[]): Complex {
  return values.reduce((chosen, value, index) => selectComplex(masks[index]!, value, chosen));
}

/** A row of a Hermitian matrix. */
function entriesOfRow({ diagonal, lower }: Hermitian, row: number, zero: Value): Complex[] {
  return diagonal.map((value, column) => {
    if (column === row) return { re: value, im: zero };
    return column < row ? lower[row]![column]! : conjugate(lower[column]![row]!);
  });
}

/** A remainder as the list of values that a loop carries. */
export function packRemainder({ mean, covariance, penalty }: Remainder): Value[] {
  const numbers = [...mean, ...covariance.lower.flat()];
  return [...numbers.flatMap(({ re, im }) => [re, im]), ...covariance.diagonal, ...penalty];
}

/** The remainder in such a list, of which more may follow. */
export function unpackRemainder(layers: number, values: readonly Value[]): Remainder {
  let at = 0;
  const real = () => values[at++]!;
  const complex = (): Complex => ({ re: real(), im: real() });
  const mean = Array.from({ length: layers }, complex);
  const lower = mean.map((_, row) => Array.from({ length: row }, complex));
  const diagonal = mean.map(real);
  return { mean, covariance: { diagonal, lower }, penalty: mean.map(real) };
}

function pack({ left, doubt, estimates }: CancellationState): Value[] {
  const own = estimates.flatMap(({ symbol, variance }, layer) => [
    symbol.re,
    symbol.im,
    variance,
    doubt[layer]!,
  ]);
  return [...packRemainder(left), ...own];
}

function unpack(layers: number, values: readonly Value[]): CancellationState {
  const own = values.slice(-4 * layers);
  const estimates = Array.from({ length: layers }, (_, layer) => {
    const [re, im, variance] = own.slice(4 * layer);
    return { symbol: { re: re!, im: im! }, variance: variance! };
  });
  return {
    left: unpackRemainder(layers, values),
    doubt: estimates.map((_, layer) => own[4 * layer + 3]!),
    estimates,
  };
}
