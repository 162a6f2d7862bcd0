import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import { add, broadcast, type Complex, multiply, split } from "../complex-lanes.js";
import { MOST_NUMBERS } from "./normal-equations.js";

/** Lanes of what is left over of a row: it is a whole number of them. */
const LAST_LANES = 4;

/**
 * Multiplies what all antennas have at each resource element of some subcarriers by a lower triangular matrix. Arguments:
 * from and to (interleaved complex numbers, from the first antenna's first subcarrier on), the matrix (by rows; what lies
 * above the diagonal is not read), OFDM symbols, subcarriers of each
 * (a multiple of 4), and complex numbers from one OFDM symbol and from one antenna to the next.
 */
export const whiteningKernel = kernelBuilder(
  import.meta.url,
  "whiteningKernel",
  (antennas: number, lanes: number): Kernel => {
    return kernel(
      `whitening_${antennas}_v${lanes}`,
      {
        from: buffer("f32", MOST_NUMBERS),
        to: buffer("f32", MOST_NUMBERS),
        matrix: buffer("f32", 2 * antennas * antennas),
        symbols: argument("index"),
        count: argument("index"),
        symbolStride: argument("index"),
        antennaStride: argument("index"),
      },
      ({ from, to, matrix, symbols, count, symbolStride, antennaStride }) => {
        const offsets = Array.from({ length: antennas }, (_, antenna) =>
          arith.muli(antennaStride, 2 * antenna),
        );
        const whiten = (first: Value, lanes: number): void => {
          const factor = (row: number, column: number): Complex => {
            const at = 2 * (row * antennas + column);
            return broadcast(memref.load(matrix, at), memref.load(matrix, at + 1), lanes);
          };
          const values = offsets.map((offset) => {
            const at = arith.addi(first, offset);
            return split(vector.load(from, at, lanes), vector.load(from, indexSum(at, lanes), lanes));
          });
          offsets.forEach((offset, row) => {
            const { re, im } = values
              .slice(0, row + 1)
              .map((value, column) => multiply(factor(row, column), value))
              .reduce(add);
            vector.store(vector.interleave(re, im), to, arith.addi(first, offset));
          });
        };
        const whole = arith.subi(count, arith.remui(count, lanes));
        scf.for(0, symbols, 1, (symbol) => {
          const start = arith.muli(arith.muli(symbol, symbolStride), 2);
          const at = (subcarrier: Value) => arith.addi(start, arith.muli(subcarrier, 2));
          scf.for(0, whole, lanes, (subcarrier) => whiten(at(subcarrier), lanes));
          if (lanes > LAST_LANES)
            scf.for(whole, count, LAST_LANES, (subcarrier) => whiten(at(subcarrier), LAST_LANES));
        });
      },
    );
  },
);
