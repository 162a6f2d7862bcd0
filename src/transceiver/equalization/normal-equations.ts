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

/** Antennas up to which the sum over them is unrolled. */
const UNROLLED_ANTENNAS = 8;

/** How received signal and channel lie in memory. */
export interface SystemShape {
  readonly layers: number;
  readonly antennas: number;
  /** Resource elements from one antenna's grid to the next. */
  readonly gridStride: number;
  /** Resource elements from one (layer, antenna) pair's channel to the next. */
  readonly channelStride: number;
}

/** Grid and channel (f32, interleaved complex numbers) and weights: one over each antenna's noise variance, 0 leaves it out. */
export interface SystemBuffers {
  readonly grid: Buffer;
  readonly channel: Buffer;
  readonly weights: Buffer;
}

/** HᴴH and Hᴴy of whitened channel H and signal y. */
export interface NormalEquations {
  readonly gram: Hermitian;
  readonly matched: Complex[];
}

/** Prepares, inside a kernel, the normal equations of as many resource elements as there are lanes, from one on. */
export function normalEquations(
  { layers, antennas, gridStride, channelStride }: SystemShape,
  lanes: number,
  { grid, channel, weights }: SystemBuffers,
): (at: Value) => NormalEquations {
  const weightOf = (antenna: Operand) => vector.broadcast(memref.load(weights, antenna), lanes);
  const unrolled = antennas <= UNROLLED_ANTENNAS;
  const unrolledWeights = Array.from({ length: unrolled ? antennas : 0 }, (_, antenna) => weightOf(antenna));
  const read = (from: Buffer, at: Value, offset: Operand): Complex => {
    const first = indexSum(at, offset);
    return split(vector.load(from, first, lanes), vector.load(from, indexSum(first, lanes), lanes));
  };
  /** Adds one antenna's share to a list of all numbers. */
  const accumulate = (twice: Value, antenna: Operand, sums: readonly Value[] | undefined): Value[] => {
    const weight = typeof antenna === "number" && unrolled ? unrolledWeights[antenna]! : weightOf(antenna);
    const received = read(grid, twice, indexProduct(antenna, 2 * gridStride));
    const offset = indexProduct(antenna, 2 * channelStride);
    const h = Array.from({ length: layers }, (_, layer) =>
      read(channel, twice, indexSum(offset, 2 * layer * antennas * channelStride)),
    );
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

function indexProduct(index: Operand, factor: number): Operand {
  return typeof index === "number" ? index * factor : arith.muli(index, factor);
}
