import { arith, type Value, vector } from "../../compiler/index.js";
import { add, type Complex, scale, subtract } from "../complex-lanes.js";

/** Sign of the exponent: -1 for the forward transform, 1 for the inverse. */
export type ExponentSign = -1 | 1;

/** a + j·sign·b and a - j·sign·b. */
function addQuarterTurn(a: Complex, b: Complex, sign: ExponentSign): [Complex, Complex] {
  const left = { re: arith.subf(a.re, b.im), im: arith.addf(a.im, b.re) };
  const right = { re: arith.addf(a.re, b.im), im: arith.subf(a.im, b.re) };
  return sign === 1 ? [left, right] : [right, left];
}

/** exp(j·sign·2π·turns/of)·a, without multiplications where the angle is a multiple of a quarter turn. */
function rotate(a: Complex, turns: number, of: number, sign: ExponentSign): Complex {
  const eighths = (8 * turns) / of;
  if (eighths === 0) return a;
  if (eighths === 2) {
    return sign === 1 ? { re: arith.negf(a.im), im: a.re } : { re: a.im, im: arith.negf(a.re) };
  }
  if (eighths === 4) return { re: arith.negf(a.re), im: arith.negf(a.im) };
  const angle = (sign * 2 * Math.PI * turns) / of;
  if (eighths === 1 || eighths === 3) {
    // Both parts of the factor are ±√½: two multiplications instead of four.
    const sum = arith.addf(a.re, a.im);
    const difference = arith.subf(a.re, a.im);
    const [cos, sin] = [Math.sign(Math.cos(angle)), Math.sign(Math.sin(angle))];
    const re = cos === sin ? difference : sum;
    const im = cos === sin ? sum : difference;
    return {
      re: arith.mulf(re, cos * Math.SQRT1_2),
      im: arith.mulf(im, sin * Math.SQRT1_2),
    };
  }
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return {
    re: arith.subf(arith.mulf(a.re, cos), arith.mulf(a.im, sin)),
    im: arith.addf(arith.mulf(a.re, sin), arith.mulf(a.im, cos)),
  };
}

function transform3([a, b, c]: readonly Complex[], sign: ExponentSign): Complex[] {
  const sum = add(b!, c!);
  const middle = add(a!, scale(sum, -0.5));
  const side = scale(subtract(b!, c!), Math.sin(Math.PI / 3));
  return [add(a!, sum), ...addQuarterTurn(middle, side, sign)];
}

function transform4([a, b, c, d]: readonly Complex[], sign: ExponentSign): Complex[] {
  const even = add(a!, c!);
  const odd = add(b!, d!);
  const [first, third] = addQuarterTurn(subtract(a!, c!), subtract(b!, d!), sign);
  return [add(even, odd), first, subtract(even, odd), third];
}

function transform5([a, b, c, d, e]: readonly Complex[], sign: ExponentSign): Complex[] {
  const [outer, inner] = [add(b!, e!), add(c!, d!)];
  const [outerSide, innerSide] = [subtract(b!, e!), subtract(c!, d!)];
  const [cos1, cos2] = [Math.cos((2 * Math.PI) / 5), Math.cos((4 * Math.PI) / 5)];
  const [sin1, sin2] = [Math.sin((2 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)];
  const middle1 = add(a!, add(scale(outer, cos1), scale(inner, cos2)));
  const middle2 = add(a!, add(scale(outer, cos2), scale(inner, cos1)));
  const side1 = add(scale(outerSide, sin1), scale(innerSide, sin2));
  const side2 = subtract(scale(outerSide, sin2), scale(innerSide, sin1));
  const [first, fourth] = addQuarterTurn(middle1, side1, sign);
  const [second, third] = addQuarterTurn(middle2, side2, sign);
  return [add(a!, add(outer, inner)), first, second, third, fourth];
}

/**
 * Operations of the transform of as many points as there are values, lane by lane: X(k) = Σ x(n)·e^(j·sign·2πnk/N).
 * The size is 2, 3, 4, 5 or a product of these.
 */
export function transformPoints(points: readonly Complex[], sign: ExponentSign): Complex[] {
  const size = points.length;
  if (size === 1) return [...points];
  if (size === 2) return [add(points[0]!, points[1]!), subtract(points[0]!, points[1]!)];
  if (size === 3) return transform3(points, sign);
  if (size === 4) return transform4(points, sign);
  if (size === 5) return transform5(points, sign);
  const columns = [4, 2, 3, 5].find((factor) => size % factor === 0)!;
  const rows = size / columns;
  const result = new Array<Complex>(size);
  const transformed = Array.from({ length: columns }, (_, column) =>
    transformPoints(
      Array.from({ length: rows }, (_, row) => points[row * columns + column]!),
      sign,
    ).map((value, row) => rotate(value, (column * row) % size, size, sign)),
  );
  for (let row = 0; row < rows; row++) {
    transformPoints(
      transformed.map((column) => column[row]!),
      sign,
    ).forEach((value, k) => {
      result[row + rows * k] = value;
    });
  }
  return result;
}

/** Turns as many vectors as they have lanes about the diagonal: lane i of vector k becomes lane k of vector i. */
export function transpose(rows: readonly Value[]): Value[] {
  const lanes = rows.length;
  const low = Array.from({ length: lanes }, (_, k) => (k >> 1) + (k & 1) * lanes);
  const high = low.map((lane) => lane + lanes / 2);
  let current = [...rows];
  // Each round is a perfect shuffle of the rows and their lanes; log2(lanes) of them exchange row and lane bits.
  for (let round = 1; round < lanes; round *= 2) {
    const next: Value[] = [];
    for (let k = 0; k < lanes / 2; k++) {
      const [a, b] = [current[k]!, current[k + lanes / 2]!];
      next.push(vector.shuffle(a, b, low), vector.shuffle(a, b, high));
    }
    current = next;
  }
  return current;
}
