import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  memref,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import { add, broadcast, type Complex, multiply, split } from "../complex-lanes.js";

/**
 * Multiplies what all antennas have at each resource element of some subcarriers by a lower triangular matrix. Arguments:
 * from and to (interleaved complex numbers, from the first antenna's first subcarrier on), the matrix (by rows; what lies
 * above the diagonal is not read), and the number of subcarriers in each row, a multiple of 12.
 * @param rows OFDM symbols, `subcarriers` apart; antennas are `rows·subcarriers` apart.
 */
export function whiteningKernel(antennas: number, rows: number, subcarriers: number, lanes: 4 = 4): Kernel {
  const stride = 2 * rows * subcarriers;
  return kernel(
    `whitening_${antennas}_${rows}_${subcarriers}_${lanes}`,
    {
      from: buffer("f32", antennas * stride),
      to: buffer("f32", antennas * stride),
      matrix: buffer("f32", 2 * antennas * antennas),
      count: argument("index"),
    },
    ({ from, to, matrix, count }) => {
      const factor = (row: number, column: number): Complex => {
        const at = 2 * (row * antennas + column);
        return broadcast(memref.load(matrix, at), memref.load(matrix, at + 1), lanes);
      };
      scf.for(0, rows, 1, (symbol) => {
        const start = arith.muli(symbol, 2 * subcarriers);
        scf.for(0, count, lanes, (subcarrier) => {
          const first = arith.addi(start, arith.muli(subcarrier, 2));
          const at = (antenna: number, more: number): Value => indexSum(first, antenna * stride + more);
          const values = Array.from({ length: antennas }, (_, antenna) =>
            split(vector.load(from, at(antenna, 0), lanes), vector.load(from, at(antenna, lanes), lanes)),
          );
          for (let row = 0; row < antennas; row++) {
            const { re, im } = values
              .slice(0, row + 1)
              .map((value, column) => multiply(factor(row, column), value))
              .reduce(add);
            vector.store(vector.interleave(re, im), to, at(row, 0));
          }
        });
      });
    },
  );
}
