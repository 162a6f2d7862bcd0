import { memoized } from "../memoized.js";
import { type BaseGraph, baseGraph, CODES } from "./base-graph.js";
import { NARROW_CORRECTION, WIDE_CORRECTION } from "./check-node.js";

/** Where a decoder's values stand: equal for all its kernels. */
export interface DecoderLayout {
  readonly graph: BaseGraph;
  readonly lanes: number;
  /** Z rounded up to whole vectors. */
  readonly paddedSize: number;
  readonly columnStride: number;
  /** Columns of the information and the core parity, which rows share. */
  readonly coreColumns: number;
  readonly posteriorBytes: number;
  /** Bytes that the messages of the first rows take, by the number of rows. */
  readonly messageBytes: readonly number[];
}

/** Rows of the core, which always take part. */
export const CORE_ROWS = 4;

/** The layout of a code; one object a code and number of lanes. */
export function decoderLayout(graph: BaseGraph, lanes = 16): DecoderLayout {
  return layoutOf(graph, lanes);
}

const layoutOf = memoized(
  CODES,
  ({ number, liftingSize }: BaseGraph, lanes: number) => `${number} ${liftingSize} ${lanes}`,
  computeLayout,
);

function computeLayout(graph: BaseGraph, lanes: number): DecoderLayout {
  const coreColumns = graph.informationColumns + CORE_ROWS;
  const paddedSize = Math.ceil(graph.liftingSize / lanes) * lanes;
  const columnStride = 2 * lanes + 2 * paddedSize;
  const messageBytes = [0];
  for (const row of graph.rows) {
    const coreEdges = row.filter((edge) => edge.column < coreColumns).length;
    messageBytes.push(messageBytes.at(-1)! + coreEdges * paddedSize);
  }
  return {
    graph,
    lanes,
    paddedSize,
    columnStride,
    coreColumns,
    posteriorBytes: graph.columns * columnStride + 2 * lanes,
    messageBytes,
  };
}

/** Position of value 0 of a column. */
export function columnStart({ lanes, columnStride }: DecoderLayout, column: number): number {
  return lanes + column * columnStride;
}

/**
 * The window that each core column is in behind an iteration: int32 [rows that take part][column of the core]. A column
 * that no row touched is in window 0.
 */
function windowTable({ graph, coreColumns }: DecoderLayout): Int32Array {
  const table = new Int32Array((graph.rows.length + 1) * coreColumns);
  graph.rows.forEach((row, r) => {
    table.copyWithin((r + 1) * coreColumns, r * coreColumns, (r + 1) * coreColumns);
    for (const { column, shift } of row) {
      if (column < coreColumns) table[(r + 1) * coreColumns + column] = shift;
    }
  });
  return table;
}

/** Values to be copied so that a column's window is where a row reads it; whole vectors, in ascending order. */
export interface Slide {
  readonly from: number;
  readonly to: number;
  /** A multiple of the lanes; 0 where the window stays. */
  readonly bytes: number;
}

/** An edge of a core column, as a row finds it. */
export interface CoreEdge {
  /** Where value 0 of the window stands. */
  readonly place: number;
  /** What comes before the row. */
  readonly slide: Slide;
  /** Whether the row before leaves the column alone, so that the slide may come before that. */
  readonly early: boolean;
}

/** A row of the base graph, as an iteration finds it. */
export interface RowPlan {
  readonly core: readonly CoreEdge[];
  /** Where the values of its column beyond the core stand; rows of the core have none. */
  readonly extension: number | undefined;
  /** Of the messages to its core columns, one column's behind the other's. */
  readonly messages: number;
  readonly correction: number;
}

const NO_SLIDE: Slide = { from: 0, to: 0, bytes: 0 };

/** The rows in the order of an iteration, with what each has to move (invariant 2 of the decoder's kernels). */
export function rowPlans(layout: DecoderLayout): RowPlan[] {
  const { graph, lanes, coreColumns, messageBytes } = layout;
  const windows = new Array<number | undefined>(coreColumns);
  const slideTo = (column: number, shift: number): Slide => {
    const window = windows[column];
    windows[column] = shift;
    if (window === undefined || window === shift) return NO_SLIDE;
    const start = columnStart(layout, column);
    const size = graph.liftingSize;
    const count = Math.abs(shift - window);
    const bytes = Math.ceil(count / lanes) * lanes;
    // Those too many go above the window where it rises, below it where it falls.
    if (shift > window) return { from: start + window, to: start + window + size, bytes };
    const to = start + shift - (bytes - count);
    return { from: to + size, to, bytes };
  };
  return graph.rows.map((row, r) => {
    const core = row.filter(({ column }) => column < coreColumns);
    const beyond = row.find(({ column }) => column >= coreColumns);
    return {
      core: core.map(({ column, shift }) => ({
        place: columnStart(layout, column) + shift,
        slide: slideTo(column, shift),
        early: r > 0 && !graph.rows[r - 1]!.some((edge) => edge.column === column),
      })),
      extension: beyond && columnStart(layout, beyond.column),
      messages: messageBytes[r]!,
      correction: row.length > 8 ? WIDE_CORRECTION : NARROW_CORRECTION,
    };
  });
}

/** Where the numbers of a code table stand. */
export const codeTableIndex = Object.freeze({
  /** Z. */
  liftingSize: 0,
  paddedSize: 1,
  columnStride: 2,
  coreColumns: 3,
  /** Where in the table the rows begin. */
  rows: 4,
  /** The windows behind an iteration, [rows that take part][column of the core]. */
  windows: 5,
});

/** The numbers of a row in a code table. */
export const rowEntry = Object.freeze({
  /** Where in the table its edges of core columns begin, and where they end. */
  edgesBegin: 0,
  edgesEnd: 1,
  messages: 2,
  correction: 3,
  /** 0 for a row of the core. */
  extension: 4,
  length: 5,
});

/** The numbers of an edge of a core column in a code table. */
export const edgeEntry = Object.freeze({ place: 0, slideFrom: 1, slideTo: 2, slideBytes: 3, length: 4 });

/**
 * A code as the kernels of its iterations read it, int32: sizes, windows, the rows, then the edges of all rows one row
 * after another. Places are bytes from the beginning of the posterior, of `messages` from that of the messages. Not to be
 * changed.
 */
export const codeTable = memoized(
  CODES,
  ({ graph: { number, liftingSize }, lanes }: DecoderLayout) => `${number} ${liftingSize} ${lanes}`,
  computeCodeTable,
);

function computeCodeTable(layout: DecoderLayout): Int32Array {
  const windows = windowTable(layout);
  const rows = rowPlans(layout);
  const edges = rows.flatMap(({ core }) => core);
  const firstRow = codeTableIndex.windows + windows.length;
  const firstEdge = firstRow + rows.length * rowEntry.length;
  const table = new Int32Array(firstEdge + edges.length * edgeEntry.length);
  table[codeTableIndex.liftingSize] = layout.graph.liftingSize;
  table[codeTableIndex.paddedSize] = layout.paddedSize;
  table[codeTableIndex.columnStride] = layout.columnStride;
  table[codeTableIndex.coreColumns] = layout.coreColumns;
  table[codeTableIndex.rows] = firstRow;
  table.set(windows, codeTableIndex.windows);
  let nextEdge = firstEdge;
  rows.forEach(({ core, extension, messages, correction }, r) => {
    const entry = firstRow + r * rowEntry.length;
    table[entry + rowEntry.edgesBegin] = nextEdge;
    for (const { place, slide } of core) {
      table[nextEdge + edgeEntry.place] = place;
      table[nextEdge + edgeEntry.slideFrom] = slide.from;
      table[nextEdge + edgeEntry.slideTo] = slide.to;
      table[nextEdge + edgeEntry.slideBytes] = slide.bytes;
      nextEdge += edgeEntry.length;
    }
    table[entry + rowEntry.edgesEnd] = nextEdge;
    table[entry + rowEntry.messages] = messages;
    table[entry + rowEntry.correction] = correction;
    table[entry + rowEntry.extension] = extension ?? 0;
  });
  return table;
}

/** A layout of which none takes more room in any buffer: kernels for every code declare its sizes. */
export function largestLayout(lanes: number): DecoderLayout {
  return decoderLayout(baseGraph(1, 384), lanes);
}
