import {
  arith,
  type Buffer,
  indexSum,
  memref,
  type Operand,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import { type Complex, multiplyConjugate, split } from "../complex-lanes.js";
import { type Hermitian, scaled } from "./hermitian-kernel.js";

/** Bound of the numbers in a grid, a channel or what is made of them, for the types of kernels' memory. */
export const MOST_NUMBERS = 2 ** 28;

/** Antennas up to which the sum over them is unrolled. */
const UNROLLED_ANTENNAS = 8;

/** Size of the systems to be solved. */
export interface SystemShape {
  readonly layers: number;
  readonly antennas: number;
}

/** Where they lie: grid and channel are f32, interleaved complex numbers. */
export interface SystemArguments {
  readonly grid: Buffer;
  readonly channel: Buffer;
  /** One over each antenna's noise variance; 0 leaves it out. */
  readonly weights: Buffer;
  /** Resource elements from one antenna's grid to the next, and from one (layer, antenna) pair's channel to the next. */
  readonly stride: Value;
}

/** HᴴH and Hᴴy of whitened channel H and signal y. */
export interface NormalEquations {
  readonly gram: Hermitian;
  readonly matched: Complex[];
}

/** Prepares, inside a kernel, the normal equations of as many resource elements as there are lanes, from one on. */
export function normalEquations(
  { layers, antennas }: SystemShape,
  lanes: number,
  { grid, channel, weights, stride }: SystemArguments,
): (at: Value) => NormalEquations {
  const weightOf = (antenna: Operand) => vector.broadcast(memref.load(weights, antenna), lanes);
  const unrolled = antennas <= UNROLLED_ANTENNAS;
  const unrolledWeights = Array.from({ length: unrolled ? antennas : 0 }, (_, antenna) => weightOf(antenna));
  // Few values, shared by all rows: an offset for each (layer, antenna) pair would not find room in registers.
  const antennaOffsets = Array.from({ length: unrolled ? antennas : 0 }, (_, k) => arith.muli(stride, 2 * k));
  const layerOffsets = Array.from({ length: layers }, (_, k) => arith.muli(stride, 2 * k * antennas));
  const read = (from: Buffer, at: Value): Complex =>
    split(vector.load(from, at, lanes), vector.load(from, indexSum(at, lanes), lanes));
  /** Adds one antenna's share to a list of all numbers. */
  const accumulate = (twice: Value, antenna: Operand, sums: readonly Value[] | undefined): Value[] => {
    const known = typeof antenna === "number" && unrolled;
    const weight = known ? unrolledWeights[antenna]! : weightOf(antenna);
    const offset = known ? antennaOffsets[antenna]! : arith.muli(arith.muli(stride, 2), antenna);
    const first = arith.addi(twice, offset);
    const received = read(grid, first);
    const h = layerOffsets.map((offset) => read(channel, arith.addi(first, offset)));
    const terms = h.flatMap((own, row) => {
      const weighted = scaled(own, weight);
      const others = h.slice(0, row).map((other) => multiplyConjugate(weighted, other));
      const matched = multiplyConjugate(weighted, received);
      const power = arith.addf(arith.mulf(weighted.re, own.re), arith.mulf(weighted.im, own.im));
      return [matched, ...others].flatMap(({ re, im }) => [re, im]).concat(power);
    });
    return sums ? terms.map((term, index) => arith.addf(sums[index]!, term)) : terms;
  };
  return (at) => {
    const twice = arith.muli(at, 2);
    let sums = accumulate(twice, 0, undefined);
    if (unrolled)
      for (let antenna = 1; antenna < antennas; antenna++) sums = accumulate(twice, antenna, sums);
    else sums = scf.for(1, antennas, 1, sums, (antenna, carried) => accumulate(twice, antenna, carried));
    return fromList(layers, sums);
  };
}

/** The list of a row: Hᴴy's number, those of HᴴH left of the diagonal, the diagonal's. */
function fromList(layers: number, sums: readonly Value[]): NormalEquations {
  const gram: Hermitian = { diagonal: [], lower: [] };
  const matched: Complex[] = [];
  let at = 0;
  const next = (): Complex => ({ re: sums[at++]!, im: sums[at++]! });
  for (let row = 0; row < layers; row++) {
    matched.push(next());
    gram.lower.push(Array.from({ length: row }, next));
    gram.diagonal.push(sums[at++]!);
  }
  return { gram, matched };
}
