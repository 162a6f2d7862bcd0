import type { BaseGraph } from "./base-graphs.js";
import { shift } from "./base-graphs.js";
import { filler } from "./segmentation.js";

/** One parity check: the numbers of the code bits whose sum is even. */
type Equation = number[];

/** The rows of the lifted parity-check matrix H. */
export function parityCheckEquations(graph: BaseGraph, liftingSize: number): Equation[] {
  const equations: Equation[] = Array.from({ length: graph.rows * liftingSize }, () => []);
  for (const entry of graph.entries) {
    const p = shift(entry, liftingSize);
    for (let r = 0; r < liftingSize; r++) {
      equations[entry.row * liftingSize + r]!.push(entry.column * liftingSize + ((r + p) % liftingSize));
    }
  }
  return equations;
}

/** True when H · code = 0 for all columns of the lifted graph, the punctured ones included. */
export function isCodeword(graph: BaseGraph, liftingSize: number, code: readonly number[]): boolean {
  return parityCheckEquations(graph, liftingSize).every(
    (equation) => equation.reduce((sum, bit) => sum + code[bit]!, 0) % 2 === 0,
  );
}

/**
 * Solves a square system over GF(2) by Gaussian elimination for several right sides together: each row is the
 * packed coefficients followed by the packed right sides. The system must be regular; throws otherwise.
 */
function eliminate(rows: Uint32Array[], unknowns: number): void {
  for (let pivot = 0; pivot < unknowns; pivot++) {
    const word = pivot >>> 5;
    const mask = 1 << (pivot & 31);
    const found = rows.findIndex((row, index) => index >= pivot && (row[word]! & mask) !== 0);
    if (found < 0) {
      throw new Error("singular parity-check matrix");
    }
    const row = rows[found]!;
    rows[found] = rows[pivot]!;
    rows[pivot] = row;
    for (const other of rows) {
      if (other !== row && (other[word]! & mask) !== 0) {
        for (let index = word; index < row.length; index++) {
          other[index]! ^= row[index]!;
        }
      }
    }
  }
}

/**
 * TS 38.212 5.3.2: all code blocks of a transport block encoded by solving H · [c w]ᵀ = 0 for the parity bits w.
 * An equation that is the only one to hold an unknown is put aside and read off at the end; what remains is
 * solved by Gaussian elimination. Filler bits count as 0.
 *
 * @returns each block's K + parity bits, that is columns·Z bits with the 2·Z bits that are not sent, and with
 *   filler bits in place
 */
export function solveParity(
  graph: BaseGraph,
  liftingSize: number,
  codeBlocks: readonly (readonly number[])[],
): number[][] {
  const equations = parityCheckEquations(graph, liftingSize);
  const known = graph.informationColumns * liftingSize;
  const length = graph.columns * liftingSize;
  const words = codeBlocks.map((block) => [
    ...block.map((bit) => (bit === filler ? 0 : bit)),
    ...Array.from({ length: length - known }, () => 0),
  ]);

  const degree = new Array<number>(length).fill(0);
  for (const bit of equations.flat()) {
    degree[bit]!++;
  }
  const alone = (equation: Equation) => equation.find((bit) => bit >= known && degree[bit] === 1);
  const core = equations.filter((equation) => alone(equation) === undefined);
  const rest = equations.filter((equation) => alone(equation) !== undefined);
  const unknown = [...new Set(core.flat().filter((bit) => bit >= known))].sort((a, b) => a - b);
  const position = new Map(unknown.map((bit, index) => [bit, index]));

  const coefficientWords = Math.ceil(unknown.length / 32);
  const rightSideWords = Math.ceil(words.length / 32);
  const rows = core.map((equation) => {
    const row = new Uint32Array(coefficientWords + rightSideWords);
    for (const bit of equation) {
      const index = position.get(bit);
      if (index !== undefined) {
        row[index >>> 5]! ^= 1 << (index & 31);
      } else {
        words.forEach((word, block) => {
          row[coefficientWords + (block >>> 5)]! ^= word[bit]! << (block & 31);
        });
      }
    }
    return row;
  });
  eliminate(rows, unknown.length);
  unknown.forEach((bit, index) => {
    words.forEach((word, block) => {
      word[bit] = (rows[index]![coefficientWords + (block >>> 5)]! >>> (block & 31)) & 1;
    });
  });

  for (const equation of rest) {
    const last = alone(equation)!;
    for (const word of words) {
      word[last] = equation.reduce((sum, bit) => (bit === last ? sum : sum + word[bit]!), 0) % 2;
    }
  }
  return words.map((word, block) => {
    const bits = codeBlocks[block]!;
    return word.map((bit, index) => (bits[index] === filler ? filler : bit));
  });
}

/** TS 38.212 5.3.2: d(0) … d(N − 1) of each code block: the code without its first 2·Z bits. */
export function encode(
  graph: BaseGraph,
  liftingSize: number,
  codeBlocks: readonly (readonly number[])[],
): number[][] {
  return solveParity(graph, liftingSize, codeBlocks).map((word) => word.slice(2 * liftingSize));
}
