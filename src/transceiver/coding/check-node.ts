import { arith, llvm, type Operand, type Value } from "../../compiler/index.js";

/**
 * What a check of the decoder computes, many checks at a time: vectors of i8, magnitudes without sign (128 is one).
 */

/** The two least magnitudes of some edges; of fewer than two edges not all. */
export interface Half {
  readonly least?: Value;
  readonly second?: Value;
}

/** With the magnitude of one edge more. */
export function admit({ least, second }: Half, magnitude: Value): Required<Pick<Half, "least">> & Half {
  if (!least) return { least: magnitude };
  const larger = arith.maxui(least, magnitude);
  // In this order: the other one costs WebAssembly 5 % of a row, by the registers that V8 gives.
  const next = second ? arith.minui(second, larger) : larger;
  return { least: arith.minui(least, magnitude), second: next };
}

/** Magnitudes that a check sends, negated: `toOthers`, but to the edges of the least magnitude `toOthers ^ difference`. */
export interface CheckNode {
  readonly least: Value;
  readonly toOthers: Value;
  readonly difference: Value;
  /** In the sign the product of all signs. */
  readonly signs: Value;
}

/**
 * @param halves the edges in two halves, in either order: two chains of comparisons that do not wait for each other.
 * The first has two edges at least, the second one. Least and second of 255 stand for none.
 */
export function checkNode(halves: readonly [Half, Half], signs: Value, correction: Operand): CheckNode {
  const { least, second, third } = leastThree(halves);
  const toOthers = arith.subi(0, corrected(least, second, correction));
  const toLeast = arith.subi(0, corrected(second, third, correction));
  return { least, toOthers, difference: arith.xori(toOthers, toLeast), signs };
}

/** What the check sends along the edge on which `v` came. */
export function messageAlong(v: Value, magnitude: Value, node: CheckNode): Value {
  const isLeast = arith.extsi(arith.cmpi("eq", magnitude, node.least), "i8");
  const other = arith.xori(node.toOthers, arith.andi(isLeast, node.difference));
  // AVX-512 takes the sign of bytes where it also limits and sorts them, but compares with other numbers than 0 elsewhere.
  const positive = arith.extsi(arith.cmpi("sgt", arith.xori(v, node.signs), -1), "i8");
  return arith.subi(arith.xori(other, positive), positive);
}

/**
 * The least three of the two least of each half: the third is too great where the row's three least are all in one
 * half, which costs less than finding it.
 */
function leastThree([even, odd]: readonly [Half, Half]) {
  const [a, b, c, d] = [even.least!, odd.least!, even.second!, odd.second];
  const rest = arith.maxui(a, b);
  const seconds = d ? arith.minui(c, d) : c;
  const third = arith.maxui(rest, seconds);
  return {
    least: arith.minui(a, b),
    second: arith.minui(rest, seconds),
    third: d ? arith.minui(third, arith.maxui(c, d)) : third,
  };
}

/** Largest message. Saturated posteriors less one message stay large, or decoding fails at high SNR. */
const MESSAGE_LIMIT = 31;

/** Four times the correction of equal magnitudes, by the row's degree: up to 8, and above. */
export const NARROW_CORRECTION = 12;
export const WIDE_CORRECTION = 14;

/**
 * The magnitude of the sum of two bits: the lesser less `log(1 + e^-|a − b|)`, as a line, so that min-sum does not
 * overestimate it. The scale of soft bits, 4, gives 4·log 2 ≈ 3 for equal ones; the constants, chosen by block error
 * rate, make up for the row's other bits. Rows of a high degree need more.
 */
function corrected(lesser: Value, greater: Value, correction: Operand): Value {
  const room = llvm.usubSat(correction, arith.subi(greater, lesser));
  return arith.minui(llvm.usubSat(lesser, arith.shrui(room, 2)), MESSAGE_LIMIT);
}
