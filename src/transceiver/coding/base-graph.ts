import { memoized } from "../memoized.js";
import { BASE_GRAPH_1 } from "./base-graph-1.js";
import { BASE_GRAPH_2 } from "./base-graph-2.js";
import { liftingSizeSet } from "./lifting-sizes.js";

/** A circulant block of the parity-check matrix: row `i` of the block has its one at column `(i + shift) mod Z`. */
export interface Edge {
  readonly column: number;
  /** V_i,j mod Z_c. */
  readonly shift: number;
}

/** The parity-check matrix H of an LDPC code, in blocks of Z by Z bits (TS 38.212 5.3.2). */
export interface BaseGraph {
  readonly number: 1 | 2;
  /** Z_c. */
  readonly liftingSize: number;
  /** Block columns: 68 or 52; the code's bits, the two punctured blocks first. */
  readonly columns: number;
  /** Block columns of information bits, the first ones: 22 or 10. */
  readonly informationColumns: number;
  /** Parity checks, in blocks: 46 or 42 rows, edges by ascending column. */
  readonly rows: readonly (readonly Edge[])[];
}

const TABLES = { 1: parse(BASE_GRAPH_1), 2: parse(BASE_GRAPH_2) };

function parse(text: string) {
  return text.split("\n").map((row) =>
    row.split(" ").map((edge) => {
      const [column, shifts] = edge.split(":") as [string, string];
      return { column: Number(column), shifts: shifts.split(",").map(Number) };
    }),
  );
}

/** Base graphs times lifting sizes. */
export const CODES = 102;

/**
 * Base graph `number` for a lifting size, with shifts reduced modulo it.
 * @param liftingSize one of the 51 of TS 38.212 Table 5.3.2-1.
 * @throws RangeError for another.
 */
export const baseGraph = memoized(
  CODES,
  (number: 1 | 2, liftingSize: number) => `${number} ${liftingSize}`,
  lift,
);

function lift(number: 1 | 2, liftingSize: number): BaseGraph {
  const set = liftingSizeSet(liftingSize);
  if (set < 0) throw new RangeError(`${liftingSize} is no lifting size of TS 38.212 Table 5.3.2-1`);
  return {
    number,
    liftingSize,
    columns: number === 1 ? 68 : 52,
    informationColumns: number === 1 ? 22 : 10,
    rows: TABLES[number].map((row) =>
      row.map(({ column, shifts }) => ({
        column,
        shift: shifts[Math.min(set, shifts.length - 1)]! % liftingSize,
      })),
    ),
  };
}
