import { readText } from "./reference-data.js";

/** One 1 of a base graph with its V(i,j) for each of the eight lifting-size sets. */
export interface BaseGraphEntry {
  readonly row: number;
  readonly column: number;
  readonly shifts: readonly number[];
}

/** TS 38.212 5.3.2: an LDPC base graph, Tables 5.3.2-2 and 5.3.2-3. */
export interface BaseGraph {
  readonly number: 1 | 2;
  readonly rows: number;
  readonly columns: number;
  /** Columns that hold information: 22 or 10. */
  readonly informationColumns: number;
  readonly entries: readonly BaseGraphEntry[];
}

/** TS 38.212 Table 5.3.2-1: sets of lifting sizes, by set index. */
export const liftingSizeSets: readonly (readonly number[])[] = [
  [2, 4, 8, 16, 32, 64, 128, 256],
  [3, 6, 12, 24, 48, 96, 192, 384],
  [5, 10, 20, 40, 80, 160, 320],
  [7, 14, 28, 56, 112, 224],
  [9, 18, 36, 72, 144, 288],
  [11, 22, 44, 88, 176, 352],
  [13, 26, 52, 104, 208],
  [15, 30, 60, 120, 240],
];

/** The set index of a lifting size; throws for a number that is none. */
export function liftingSizeSet(liftingSize: number): number {
  const index = liftingSizeSets.findIndex((sizes) => sizes.includes(liftingSize));
  if (index < 0) {
    throw new Error(`${liftingSize} is no lifting size`);
  }
  return index;
}

function read(number: 1 | 2): BaseGraph {
  const lines = readText(`3gpp/ldpc_bg${number}.csv`).trim().split("\n").slice(1);
  const entries = lines.map((line) => {
    const [row, column, ...shifts] = line.split(",").map(Number);
    return { row: row!, column: column!, shifts };
  });
  return number === 1
    ? { number, rows: 46, columns: 68, informationColumns: 22, entries }
    : { number, rows: 42, columns: 52, informationColumns: 10, entries };
}

const graphs = new Map<number, BaseGraph>();

/** The base graph as the reference data has it. */
export function baseGraph(number: 1 | 2): BaseGraph {
  const graph = graphs.get(number) ?? read(number);
  graphs.set(number, graph);
  return graph;
}

/** The cyclic shift P(i,j) = V(i,j) mod Z of an entry: row r of the block has its 1 at column (r + P) mod Z. */
export function shift(entry: BaseGraphEntry, liftingSize: number): number {
  return entry.shifts[liftingSizeSet(liftingSize)]! % liftingSize;
}
