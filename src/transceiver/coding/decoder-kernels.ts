/**
 * Kernels of the layered min-sum decoder on int8.
 *
 * Invariants (the tests name them):
 * 1. A block column of a-posteriori values occupies `columnStride` bytes: a guard of `lanes` bytes, then 2·Z values
 *    and room to run over. Between iterations value i of the column stands at i and at i + Z.
 * 2. Inside an iteration the column's values stand in the window [w, w + Z) alone, w the shift of the row that wrote
 *    them last; before a row with shift w' the window slides there by copying |w' − w| values from one end to the
 *    other. So every vector of a row is one plain load at a constant offset: nothing wraps.
 * 3. Bytes outside the window, and lanes from Z on, hold anything and influence nothing inside.
 * 4. A column beyond the core has one edge, of shift 0. Its first Z values are the channel's and stay; the posterior
 *    is written Z rounded up behind them.
 * 5. A value of 0 decides for 1: a slot of which nothing was received must not look like the all-zero codeword, whose
 *    parity and CRC hold.
 * 6. A channel value is limited to less than the largest message: a bit that is wrong with the greatest confidence
 *    must be outvoted by one check, since bits beyond the core have but one. Otherwise blocks are lost at high SNR.
 * 7. The rows that take part are the first `rows`, a number known at the call only: one kernel serves every code rate.
 *    Which window they leave a column in stands in `windowTable`.
 */
import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  llvm,
  math,
  memref,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import type { BaseGraph, Edge } from "./base-graph.js";

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

export function decoderLayout(graph: BaseGraph, lanes = 16): DecoderLayout {
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

/**
 * The window that each core column is in behind an iteration: int32 [rows that take part][column of the core]. A column
 * that no row touched is in window 0.
 */
export function windowTable({ graph, coreColumns }: DecoderLayout): Int32Array {
  const table = new Int32Array((graph.rows.length + 1) * coreColumns);
  graph.rows.forEach((row, r) => {
    table.copyWithin((r + 1) * coreColumns, r * coreColumns, (r + 1) * coreColumns);
    for (const { column, shift } of row) {
      if (column < coreColumns) table[(r + 1) * coreColumns + column] = shift;
    }
  });
  return table;
}

function kernelName(what: string, { graph, lanes }: DecoderLayout): string {
  return `ldpc_${what}_bg${graph.number}_z${graph.liftingSize}_lanes${lanes}`;
}

/** Position of value 0 of a column. */
function columnStart(layout: DecoderLayout, column: number): number {
  return layout.lanes + column * layout.columnStride;
}

/**
 * Puts the soft bits of a code block in place: `codeword` d_0…d_N-1 in the order of the circular buffer, of which the
 * columns of the core and one for each further row are read; the two punctured columns are unknown. Clears the
 * messages, `messageBytes` of them.
 */
export function initializeKernel(layout: DecoderLayout): Kernel {
  const { graph, lanes, paddedSize, columnStride, coreColumns } = layout;
  const size = graph.liftingSize;
  return kernel(
    kernelName("initialize", layout),
    {
      codeword: buffer("i8", graph.columns * size + lanes),
      posterior: buffer("i8", layout.posteriorBytes),
      messages: buffer("i8", layout.messageBytes.at(-1)!),
      rows: argument("index"),
      messageBytes: argument("index"),
    },
    ({ codeword, posterior, messages, rows, messageBytes }) => {
      const columns = arith.addi(rows, coreColumns - CORE_ROWS);
      const zero = arith.constant(vectorOf("i8", lanes), 0);
      scf.for(0, 2 * columnStride, lanes, (i) => vector.store(zero, posterior, i));
      scf.for(2, columns, 1, (column) => {
        const from = arith.muli(arith.subi(column, 2), size);
        const to = arith.muli(column, columnStride);
        const place = (offset: number): void => {
          scf.for(0, paddedSize, lanes, (i) => {
            const value = vector.load(codeword, arith.addi(from, i), lanes);
            const limited = arith.minsi(arith.maxsi(value, -CHANNEL_LIMIT), CHANNEL_LIMIT);
            vector.store(limited, posterior, arith.addi(arith.addi(to, i), offset));
          });
        };
        place(lanes);
        scf.if(arith.cmpi("slt", column, coreColumns), () => place(lanes + size));
      });
      scf.for(0, messageBytes, lanes, (i) => vector.store(zero, messages, i));
    },
  );
}

/**
 * One iteration over the first `rows` rows in order; `finalWindows` is the row of `windowTable` for their number.
 */
export function iterateKernel(layout: DecoderLayout): Kernel {
  return kernel(
    kernelName("iterate", layout),
    {
      posterior: buffer("i8", layout.posteriorBytes),
      messages: buffer("i8", layout.messageBytes.at(-1)!),
      finalWindows: buffer("i32", layout.coreColumns),
      rows: argument("index"),
    },
    ({ posterior, messages, finalWindows, rows }) => {
      const { graph, lanes, coreColumns } = layout;
      const size = graph.liftingSize;
      const windows = new Array<number | undefined>(coreColumns);

      /** Copies `count` values from `from` to `to`, whole vectors; those too many go above (or, descending, below). */
      const copy = (from: number, to: number, count: number, descending: boolean): void => {
        const vectors = Math.ceil(count / lanes);
        const first = descending ? count - vectors * lanes : 0;
        if (vectors === 1) {
          vector.store(vector.load(posterior, from + first, lanes), posterior, to + first);
        } else if (vectors > 1) {
          scf.for(0, vectors * lanes, lanes, (i) => {
            vector.store(
              vector.load(posterior, arith.addi(i, from + first), lanes),
              posterior,
              arith.addi(i, to + first),
            );
          });
        }
      };

      const pass = (row: readonly Edge[], r: number): void => {
        for (const { column, shift } of row) {
          if (column >= coreColumns) continue;
          const window = windows[column];
          windows[column] = shift;
          if (window === undefined || window === shift) continue;
          const start = columnStart(layout, column);
          if (shift > window) copy(start + window, start + window + size, shift - window, false);
          else copy(start + shift + size, start + shift, window - shift, true);
        }
        rowPass(layout, row, layout.messageBytes[r]!, posterior, messages);
      };
      graph.rows.forEach((row, r) => {
        if (r < CORE_ROWS) pass(row, r);
        else scf.if(arith.cmpi("sgt", rows, r), () => pass(row, r));
      });

      const wholeVectors = (count: Value): Value => {
        const above = arith.addi(count, lanes - 1);
        return arith.subi(above, arith.remsi(above, lanes));
      };
      const slide = (from: Value | number, to: Value | number, bytes: Value): void => {
        scf.for(0, bytes, lanes, (i) => {
          vector.store(vector.load(posterior, arith.addi(i, from), lanes), posterior, arith.addi(i, to));
        });
      };
      scf.for(0, coreColumns, 1, (column) => {
        const window = arith.indexCast(memref.load(finalWindows, column), "index");
        const start = arith.addi(arith.muli(column, layout.columnStride), lanes);
        const below = wholeVectors(window);
        const target = arith.addi(start, arith.subi(window, below));
        slide(arith.addi(target, size), target, below);
        const source = arith.addi(start, window);
        slide(
          source,
          arith.addi(source, size),
          wholeVectors(arith.subi(arith.constant(window.type, size), window)),
        );
      });
    },
  );
}

type Memory = Parameters<typeof vector.load>[0];

/** All checks of one row of the base graph, `lanes` at a time. */
function rowPass(
  layout: DecoderLayout,
  row: readonly Edge[],
  edgeOffset: number,
  posterior: Memory,
  messages: Memory,
): void {
  const { lanes, paddedSize, coreColumns } = layout;
  const type = vectorOf("i8", lanes);
  scf.for(0, paddedSize, lanes, (i) => {
    const places = row.map(({ column, shift }) => arith.addi(i, columnStart(layout, column) + shift));
    const messagePlaces = row.map((_, k) => arith.addi(i, edgeOffset + k * paddedSize));
    const isCore = row.map(({ column }) => column < coreColumns);

    let signs: Value | undefined;
    // The two least magnitudes of even and of odd edges: two chains that do not wait for each other.
    const halves: { least?: Value; second?: Value }[] = [{}, {}];
    const incoming = row.map((_, k) => {
      const value = vector.load(posterior, places[k]!, lanes);
      const v = isCore[k] ? llvm.ssubSat(value, vector.load(messages, messagePlaces[k]!, lanes)) : value;
      // −128 stands for 128 here: magnitudes are compared without sign.
      const magnitude = math.absi(v);
      signs = signs ? arith.xori(signs, v) : v;
      const half = halves[k % 2]!;
      if (half.least) {
        const larger = arith.maxui(half.least, magnitude);
        half.second = half.second ? arith.minui(half.second, larger) : larger;
      }
      half.least = half.least ? arith.minui(half.least, magnitude) : magnitude;
      return { v, magnitude };
    });

    const { least, second, third } = leastThree(halves);
    const correction = row.length > 8 ? WIDE_CORRECTION : NARROW_CORRECTION;
    const toOthers = corrected(least, second, correction);
    const difference = arith.xori(toOthers, corrected(second, third, correction));
    incoming.forEach(({ v, magnitude }, k) => {
      const isLeast = arith.extsi(arith.cmpi("eq", magnitude, least), "i8");
      const other = arith.xori(toOthers, arith.andi(isLeast, difference));
      const negative = arith.extsi(arith.cmpi("slt", arith.xori(v, signs!), arith.constant(type, 0)), "i8");
      const message = arith.subi(arith.xori(other, negative), negative);
      const value = llvm.saddSat(v, message);
      if (isCore[k]) {
        vector.store(message, messages, messagePlaces[k]!);
        vector.store(value, posterior, places[k]!);
      } else {
        vector.store(value, posterior, arith.addi(places[k]!, paddedSize));
      }
    });
  });
}

/**
 * The least three of the two least of each half: the third is too great where the row's three least are all in one
 * half, which costs less than finding it.
 */
function leastThree([even, odd]: readonly { least?: Value; second?: Value }[]) {
  const [a, b, c, d] = [even!.least!, odd!.least!, even!.second!, odd!.second];
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
/** Largest magnitude of a channel value (invariant 6). */
const CHANNEL_LIMIT = 30;

/** Four times the correction of equal magnitudes, by the row's degree: up to 8, and above. */
const NARROW_CORRECTION = 12;
const WIDE_CORRECTION = 14;

/**
 * The magnitude of the sum of two bits: the lesser less `log(1 + e^-|a − b|)`, as a line, so that min-sum does not
 * overestimate it. The scale of soft bits, 4, gives 4·log 2 ≈ 3 for equal ones; the constants, chosen by block error
 * rate, make up for the row's other bits. Rows of a high degree need more.
 */
function corrected(lesser: Value, greater: Value, correction: number): Value {
  const room = llvm.usubSat(arith.constant(lesser.type, correction), arith.subi(greater, lesser));
  return arith.minui(llvm.usubSat(lesser, arith.shrui(room, 2)), MESSAGE_LIMIT);
}

/** Returns 1 where the decisions fulfil every check of the first `rows` rows, else 0. */
export function checkKernel(layout: DecoderLayout): Kernel {
  return kernel(
    kernelName("check", layout),
    { posterior: buffer("i8", layout.posteriorBytes), rows: argument("index") },
    ({ posterior, rows }) => {
      const { graph, lanes, paddedSize, coreColumns } = layout;
      const type = vectorOf("i8", lanes);
      const size = graph.liftingSize;
      const sums = (row: readonly Edge[], i: Value | number): Value =>
        row
          .map(({ column, shift }) => {
            const place = columnStart(layout, column) + shift + (column < coreColumns ? 0 : paddedSize);
            const value = vector.load(
              posterior,
              typeof i === "number" ? i + place : arith.addi(i, place),
              lanes,
            );
            return llvm.ssubSat(value, 1);
          })
          .reduce((a, b) => arith.xori(a, b));
      let holds: Value = arith.constant({ element: "i32", lanes: 0 }, 1);
      const whole = size - (size % lanes);
      graph.rows.forEach((row, r) => {
        const held = arith.cmpi("ne", holds, 0);
        const [next] = scf.if(
          r < CORE_ROWS ? held : arith.andi(held, arith.cmpi("sgt", rows, r)),
          () => {
            const zero = arith.constant(type, 0);
            let violated = scf.for(0, whole, lanes, [zero], (i, [v]) => [arith.ori(v!, sums(row, i))])[0]!;
            if (whole < size) {
              const valid = Array.from({ length: lanes }, (_, k) => (k < size % lanes ? -1 : 0));
              violated = arith.ori(violated, arith.andi(sums(row, whole), arith.constant(type, valid)));
            }
            const any = vector.reduction("or", arith.cmpi("slt", violated, 0));
            return [arith.extui(arith.xori(any, arith.constant({ element: "i1", lanes: 0 }, 1)), "i32")];
          },
          () => [holds],
        );
        holds = next!;
      });
      return holds;
    },
  );
}

/** Packs the decisions of the first `informationBits` bits into bytes, the first bit in the highest place. */
export function decideKernel(layout: DecoderLayout, informationBits: number): Kernel {
  const { graph, lanes, paddedSize } = layout;
  const size = graph.liftingSize;
  const bytes = Math.ceil(informationBits / 8);
  const name = `${kernelName("decide", layout)}_bits${informationBits}`;
  return kernel(
    name,
    {
      posterior: buffer("i8", layout.posteriorBytes),
      // The columns one after another, and a vector's room behind them.
      joined: buffer("i8", graph.informationColumns * size + 2 * lanes),
      block: buffer("i8", bytes),
    },
    ({ posterior, joined, block }) => {
      scf.for(0, graph.informationColumns, 1, (column) => {
        const from = arith.muli(column, layout.columnStride);
        const to = arith.muli(column, size);
        scf.for(0, paddedSize, lanes, (i) => {
          const value = vector.load(posterior, arith.addi(arith.addi(from, i), lanes), lanes);
          vector.store(value, joined, arith.addi(to, i));
        });
      });
      const pack = (at: Value | number, count: number): Value => {
        const values = vector.load(joined, at, count);
        const order = Array.from({ length: count }, (_, k) => k ^ 7);
        return vector.bitcast(arith.cmpi("sle", vector.shuffle(values, values, order), 0), "i8");
      };
      const whole = Math.floor(informationBits / lanes);
      scf.for(0, whole, 1, (i) => {
        vector.store(pack(arith.muli(i, lanes), lanes), block, arith.muli(i, lanes / 8));
      });
      for (let byte = (whole * lanes) / 8; byte < bytes; byte++) {
        const packed = vector.extract(pack(8 * byte, 8), 0);
        const valid = Math.min(8, informationBits - 8 * byte);
        memref.store(arith.andi(packed, (0xff << (8 - valid)) & 0xff), block, byte);
      }
    },
  );
}
