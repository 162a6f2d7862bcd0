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
import { type Complex, multiply, split } from "../complex-lanes.js";
import { type ExponentSign, transformPoints, transpose } from "./butterflies.js";
import type { ComplexLayout } from "./fourier-transform.js";

/** Passes of so few vectors a sub-transform are written out instead of looped over. */
const UNROLLED_VECTORS = 4;

/** Complex numbers in a buffer, from number `start` on. */
export interface TransformMemory {
  readonly buffer: Buffer;
  readonly layout: ComplexLayout;
  readonly start: Operand;
  readonly size: Operand;
}

/** A pass of a plan; its sizes are known where the kernel is built, or at the call. */
export interface PassOperands {
  readonly radix: number;
  readonly rest: Operand;
  readonly stride: Operand;
  /** First number of the pass in the table. */
  readonly table: Operand;
}

/** Sums and products of sizes: numbers as long as they can be, so that kernels of one size hold constants. */
function sum(a: Operand, b: Operand): Operand {
  return typeof a === "number" && typeof b === "number" ? a + b : indexSum(a, b);
}

function product(a: Operand, b: Operand): Operand {
  if (typeof a === "number" && typeof b === "number") return a * b;
  return typeof a === "number" ? arith.muli(b as Value, a) : arith.muli(a as Value, b);
}

export function loadComplex(
  { buffer: from, layout, start, size }: TransformMemory,
  index: Operand,
  lanes: number,
): Complex {
  if (layout === "planes") {
    return {
      re: vector.load(from, indexSum(index, start), lanes),
      im: vector.load(from, indexSum(index, sum(start, size)), lanes),
    };
  }
  const at = product(index, 2);
  return split(
    vector.load(from, indexSum(at, start), lanes),
    vector.load(from, indexSum(at, sum(start, lanes)), lanes),
  );
}

export function storeComplex(
  { re, im }: Complex,
  { buffer: to, layout, start, size }: TransformMemory,
  index: Operand,
): void {
  if (layout === "planes") {
    vector.store(re, to, indexSum(index, start));
    vector.store(im, to, indexSum(index, sum(start, size)));
  } else vector.store(vector.interleave(re, im), to, indexSum(product(index, 2), start));
}

/**
 * Transforms of `radix` points at distance `rest`, turned by the factors of the table unless it is the last pass. Of the
 * sub-transforms side by side it takes a vector every `step`: all unless more than the lanes.
 */
export function runPass(
  { radix, rest, stride, table: tableStart }: PassOperands,
  source: TransformMemory,
  target: TransformMemory,
  table: Buffer,
  lanes: number,
  sign: ExponentSign,
  step = lanes,
): void {
  const distance = product(stride, rest);
  /** Transforms the points at `p` of one vector of sub-transforms, which begins at `q`. */
  const butterfly = (from: Operand, to: Operand, q: Operand, factors: readonly Complex[]): void => {
    const points = Array.from({ length: radix }, (_, k) =>
      loadComplex(source, indexSum(indexSum(from, q), product(distance, k)), lanes),
    );
    transformPoints(points, sign).forEach((value, j) => {
      const factor = factors[j - 1];
      const turned = factor ? multiply(value, factor) : value;
      storeComplex(turned, target, indexSum(indexSum(to, q), product(stride, j)));
    });
  };
  const vectors = (from: Operand, to: Operand, factors: readonly Complex[]): void => {
    if (typeof stride === "number" && stride / step <= UNROLLED_VECTORS)
      for (let q = 0; q < stride; q += step) butterfly(from, to, q, factors);
    else scf.for(0, stride, step, (q) => butterfly(from, to, q, factors));
  };
  if (rest === 1) {
    vectors(0, 0, []);
    return;
  }
  scf.for(0, rest, 1, (p) => {
    const at = product(p, 2 * (radix - 1));
    const isLast = typeof rest === "number" ? undefined : arith.cmpi("eq", rest as Value, 1);
    const splat = (index: number, ofLast: number): Value => {
      const factor = memref.load(table, indexSum(at, sum(tableStart, index)));
      return vector.broadcast(isLast ? arith.select(isLast, ofLast, factor) : factor, lanes);
    };
    const factors = Array.from({ length: radix - 1 }, (_, j) => ({
      re: splat(2 * j, 1),
      im: splat(2 * j + 1, 0),
    }));
    vectors(product(p, stride), product(p, product(stride, radix)), factors);
  });
}

/** The last pass: transforms across the lanes. Result k of the column in lane b lies at k·lanes + b before it. */
export function joinLanes(
  { columns, lastTable }: { readonly columns: Operand; readonly lastTable: Operand },
  source: TransformMemory,
  target: TransformMemory,
  table: Buffer,
  lanes: number,
  sign: ExponentSign,
): void {
  scf.for(0, columns, lanes, (group) => {
    const rows = Array.from({ length: lanes }, (_, row) =>
      loadComplex(source, indexSum(arith.muli(group, lanes), row * lanes), lanes),
    );
    const re = transpose(rows.map((row) => row.re));
    const im = transpose(rows.map((row) => row.im));
    const tableStart = arith.muli(group, 2 * (lanes - 1));
    const turned = re.map((part, lane) => {
      const value = { re: part, im: im[lane]! };
      if (lane === 0) return value;
      const at = sum(lastTable, 2 * (lane - 1) * lanes);
      return multiply(value, {
        re: vector.load(table, indexSum(tableStart, at), lanes),
        im: vector.load(table, indexSum(tableStart, sum(at, lanes)), lanes),
      });
    });
    transformPoints(turned, sign).forEach((value, j) => {
      storeComplex(value, target, indexSum(group, product(columns, j)));
    });
  });
}
