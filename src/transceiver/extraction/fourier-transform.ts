import { InputError } from "../../errors.js";
import { memoized } from "../memoized.js";
import type { ExponentSign } from "./butterflies.js";

/** How complex numbers lie in memory: re im re im …, or all real parts and then all imaginary parts. */
export type ComplexLayout = "interleaved" | "planes";

/** What a transform's kernel and its table are specialized on. */
export interface FourierTransform {
  /** N, a multiple of 4 with the factors 2, 3 and 5 only. */
  readonly size: number;
  readonly sign: ExponentSign;
  readonly input: ComplexLayout;
  readonly output: ComplexLayout;
  /** Lanes of a vector at most. */
  readonly lanes: number;
}

/** One pass over the data: transforms of `radix` points at distance `rest`, each element `stride` numbers wide. */
export interface Pass {
  readonly radix: number;
  /** Points of the sub-transforms that remain after the pass: m of n = radix·m. */
  readonly rest: number;
  /** Sub-transforms that lie side by side before the pass. */
  readonly stride: number;
  /** First number of the pass in the table. */
  readonly table: number;
}

/** How a size is taken apart. */
export interface TransformPlan {
  /** L: the last pass is a transform of L points across the lanes of a vector. */
  readonly lanes: number;
  /** N / L: points of the transforms that run side by side, one a lane. */
  readonly columns: number;
  readonly passes: readonly Pass[];
  /** First number of the last pass in the table. */
  readonly lastTable: number;
  readonly tableLength: number;
}

/**
 * Takes a size apart into passes. The first ones are transforms of N/L points on L columns at once, each column a
 * lane, autosorting (Stockham); the last joins the lanes, for which L² must divide N.
 * @throws InputError for a size that is not a multiple of 4 or has a prime factor above 5.
 */
export function planTransform(size: number, lanes: number): TransformPlan {
  let rest = size;
  for (const factor of [2, 3, 5]) while (rest > 0 && rest % factor === 0) rest /= factor;
  if (rest !== 1 || size % 4 !== 0)
    throw new InputError("size", size, "give a multiple of 4 whose prime factors are 2, 3 and 5");
  let width = lanes;
  while (width > 2 && size % width ** 2 !== 0) width /= 2;
  const columns = size / width;
  const passes: Pass[] = [];
  let [remaining, stride, table] = [columns, width, 0];
  for (const radix of radices(columns, width)) {
    remaining /= radix;
    passes.push({ radix, rest: remaining, stride, table });
    if (remaining > 1) table += 2 * (radix - 1) * remaining;
    stride *= radix;
  }
  // A vector of each part a lane but the first, for every group of `width` results of the columns.
  return { lanes: width, columns, passes, lastTable: table, tableLength: table + 2 * (width - 1) * columns };
}

/** Lanes of vectors that are a line of the cache long, of which a processor has registers for 8 points and their factors. */
export const WIDE = 16;

function radices(size: number, lanes: number): number[] {
  const found: number[] = [];
  let rest = size;
  for (const radix of [4, 5, 3, 2])
    while (rest % radix === 0) {
      found.push(radix);
      rest /= radix;
    }
  const fours = found.filter((radix) => radix === 4).length;
  // An odd power of two: a pass of 8 in place of one of 4 and one of 2.
  const odd = found.includes(2) && fours > 0 ? 1 : 0;
  // Two passes of 8 in place of three of 4: what a pass moves through the caches takes longer than what it computes.
  const saved = lanes < WIDE ? 0 : Math.floor((fours - odd) / 3);
  const eights = new Array<number>(odd + 2 * saved).fill(8);
  return [
    ...eights.slice(0, 1),
    ...new Array<number>(fours - odd - 3 * saved).fill(4),
    ...eights.slice(1),
    ...found.filter((radix) => radix !== 4 && !(odd === 1 && radix === 2)),
  ];
}

/** Numbers of memory that a transform works in. */
export function transformWorkLength(size: number): number {
  return 4 * size;
}

/** Tables kept: those of a carrier's transforms, and of some allocations with transform precoding. */
const KEPT_TABLES = 16;

/** The factors of a transform: what `fourierTransformKernel` takes as `table`; not to be changed. */
export const transformTable = memoized(
  KEPT_TABLES,
  ({ size, sign, lanes }: FourierTransform) => `${size} ${sign} ${lanes}`,
  computeTransformTable,
);

function computeTransformTable({ size, sign, lanes: most }: FourierTransform): Float32Array {
  const { lanes, columns, passes, lastTable, tableLength } = planTransform(size, most);
  const table = new Float32Array(tableLength);
  for (const { radix, rest, table: start } of passes) {
    if (rest === 1) continue;
    let at = start;
    for (let p = 0; p < rest; p++)
      for (let j = 1; j < radix; j++) {
        const angle = (sign * 2 * Math.PI * p * j) / (radix * rest);
        table[at++] = Math.cos(angle);
        table[at++] = Math.sin(angle);
      }
  }
  let at = lastTable;
  for (let group = 0; group < columns; group += lanes)
    for (let lane = 1; lane < lanes; lane++)
      for (const wave of [Math.cos, Math.sin])
        for (let k = group; k < group + lanes; k++)
          table[at++] = wave((sign * 2 * Math.PI * lane * k) / size);
  return table;
}

/** Passes that a plan has at most: 3^15 is beyond every size. */
const MOST_PASSES = 15;

/** Where a plan's numbers stand in its table; those of each pass follow one another from `passes` on. */
export const planIndex = { columns: 0, lastTable: 1, passCount: 2, passes: 3 } as const;
export const passIndex = { radix: 0, rest: 1, stride: 2, table: 3, length: 4 } as const;

/** Numbers of a plan's table. */
export const PLAN_LENGTH = planIndex.passes + passIndex.length * MOST_PASSES;

/** How a size is taken apart, for a kernel of any size: int32 [PLAN_LENGTH]. */
export function planTable({ size, lanes }: FourierTransform): Int32Array {
  const { columns, passes, lastTable } = planTransform(size, lanes);
  const table = new Int32Array(PLAN_LENGTH);
  table.set([columns, lastTable, passes.length]);
  passes.forEach(({ radix, rest, stride, table: start }, index) => {
    table.set([radix, rest, stride, start], planIndex.passes + passIndex.length * index);
  });
  return table;
}
