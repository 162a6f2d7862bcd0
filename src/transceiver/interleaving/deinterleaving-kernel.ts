import {
  argument,
  arith,
  type Buffer,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  llvm,
  memref,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";

const MOST = 2 ** 24;

/** Modulation orders that have something to interleave. */
export type InterleavedOrder = 2 | 4 | 6 | 8;

/**
 * Undoes the bit interleaving of one code block (TS 38.212 5.4.2.2): `selected[row·columns + column]` is
 * `received[column·rows + row]`, with as many rows as a symbol has bits.
 * @param lanes bytes of a vector: a power of two, at least 16.
 */
export const transpositionKernel = kernelBuilder(
  import.meta.url,
  "transpositionKernel",
  (rows: InterleavedOrder, lanes: number): Kernel => {
    return kernel(
      `deinterleaving_qm${rows}_v${lanes}`,
      { received: buffer("i8", MOST), selected: buffer("i8", MOST), columns: argument("index") },
      ({ received, selected, columns }) => {
        const rowStarts = Array.from({ length: rows }, (_, row) => arith.muli(columns, row));
        scf.if(
          arith.cmpi("slt", columns, lanes),
          () => {
            scf.for(0, columns, 1, (column) => {
              rowStarts.forEach((start, row) => {
                const bit = memref.load(received, arith.addi(arith.muli(column, rows), row));
                memref.store(bit, selected, arith.addi(start, column));
              });
            });
          },
          () => {
            const lastTile = arith.subi(columns, lanes);
            scf.for(0, columns, lanes, (tile) => {
              // The last tile overlaps the one before, so that it ends with the columns.
              const column = arith.minsi(tile, lastTile);
              const tiles =
                rows === 6 ? sixRows(received, column, lanes) : evenRows(received, column, rows, lanes);
              tiles.forEach((bits, row) => {
                vector.store(bits, selected, arith.addi(rowStarts[row]!, column));
              });
            });
          },
        );
      },
    );
  },
);

/** Lanes of targets for which a byte order that is none of their own instructions costs two or three of them. */
const NARROW = 16;

/**
 * Transposes `lanes` columns of a power of two of rows. Interleaving two registers piece by piece moves the lowest bit
 * of the register's number to the bottom of a piece's number, and the top of that to the register's: after as many such
 * steps as a piece's number has bits that is the column's, and the register's number the row. Pieces are bytes, or
 * what a register holds of a row when each has been sorted by rows, which takes fewer steps.
 */
function evenRows(received: Buffer, column: Value, rows: 2 | 4 | 8, lanes: number): Value[] {
  const first = arith.muli(column, rows);
  const columns = lanes / rows;
  const byRows = Array.from({ length: lanes }, (_, k) => (k % columns) * rows + Math.floor(k / columns));
  const sorted = lanes > NARROW;
  const piece = sorted ? columns : 1;
  let registers = Array.from({ length: rows }, (_, index) => {
    const values = vector.load(received, arith.addi(first, index * lanes), lanes);
    return sorted ? vector.shuffle(values, values, byRows) : values;
  });
  const rowBits = Math.log2(rows);
  const steps = Math.log2(lanes / piece);
  for (let step = 0; step < steps; step++) {
    // The bit of the register's number that holds the highest column bit not yet in place.
    const bit = 1 << (rowBits - 1 - (step % rowBits));
    const next = [...registers];
    for (let index = 0; index < rows; index++) {
      if ((index & bit) !== 0) continue;
      const pair = [registers[index]!, registers[index | bit]!] as const;
      next[index] = interleavedHalf(pair, piece, 0);
      next[index | bit] = interleavedHalf(pair, piece, 1);
    }
    registers = next;
  }
  return Array.from({ length: rows }, (_, row) => {
    let index = 0;
    for (let from = 0; from < rowBits; from++) {
      const to = rowBits - 1 - ((steps - 1 - from) % rowBits);
      index |= ((row >> from) & 1) << to;
    }
    return registers[index]!;
  });
}

/** One half of two registers, interleaved in pieces of so many bytes. */
function interleavedHalf([a, b]: readonly [Value, Value], piece: number, half: 0 | 1): Value {
  const { lanes } = a.type;
  const order = Array.from({ length: lanes }, (_, k) => {
    const number = Math.floor(k / piece);
    const from = (half * lanes) / 2 + Math.floor(number / 2) * piece;
    return (number % 2) * lanes + from + (k % piece);
  });
  return vector.shuffle(a, b, order);
}

/** Transposes `lanes` columns of six rows: pairs of rows apart by threes, then the rows of each pair. */
function sixRows(received: Buffer, column: Value, lanes: number): Value[] {
  const first = arith.muli(column, 6);
  const front = vector.load(received, first, 4 * lanes);
  const back = vector.load(received, arith.addi(first, 4 * lanes), 2 * lanes);
  const pairs = vector.bitcast(vector.concatenate(front, vector.concatenate(back, back)), "i16");
  return [0, 1, 2].flatMap((pair) => {
    const own = vector.shuffle(
      pairs,
      pairs,
      Array.from({ length: lanes }, (_, index) => 3 * index + pair),
    );
    return vector.deinterleave(vector.bitcast(own, "i8"));
  });
}

/** Copies `count` soft bits. */
export const placementKernel = kernelBuilder(import.meta.url, "placementKernel", (lanes: number): Kernel => {
  return kernel(
    `deinterleaving_placement_v${lanes}`,
    { selected: buffer("i8", MOST), placed: buffer("i8", MOST), count: argument("index") },
    ({ selected, placed, count }) => {
      scf.if(
        arith.cmpi("slt", count, lanes),
        () => {
          scf.for(0, count, 1, (bit) => {
            memref.store(memref.load(selected, bit), placed, bit);
          });
        },
        () => {
          const last = arith.subi(count, lanes);
          scf.for(0, count, lanes, (bit) => {
            const start = arith.minsi(bit, last);
            vector.store(vector.load(selected, start, lanes), placed, start);
          });
        },
      );
    },
  );
});

/** Adds `count` soft bits to those in place, limited to ±127. */
export const combinationKernel = kernelBuilder(
  import.meta.url,
  "combinationKernel",
  (lanes: number): Kernel => {
    return kernel(
      `deinterleaving_combination_v${lanes}`,
      { selected: buffer("i8", MOST), placed: buffer("i8", MOST), count: argument("index") },
      ({ selected, placed, count }) => {
        const rest = arith.remsi(count, lanes);
        const whole = arith.subi(count, rest);
        scf.for(0, whole, lanes, (bit) => {
          const sum = combine(vector.load(selected, bit, lanes), vector.load(placed, bit, lanes));
          vector.store(sum, placed, bit);
        });
        scf.for(whole, count, 1, (bit) => {
          memref.store(combine(memref.load(selected, bit), memref.load(placed, bit)), placed, bit);
        });
      },
    );
  },
);

function combine(a: Value, b: Value): Value {
  return arith.maxsi(llvm.saddSat(a, b), -127);
}
