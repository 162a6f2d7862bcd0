import { arith, type Value } from "../../compiler/index.js";
import { add, type Complex, multiply, multiplyConjugate, subtract } from "../complex-lanes.js";

/** `factor · a` for a real factor. */
export function scaled(a: Complex, factor: Value): Complex {
  return { re: arith.mulf(a.re, factor), im: arith.mulf(a.im, factor) };
}

/** |a|². */
export function power(a: Complex): Value {
  return arith.addf(arith.mulf(a.re, a.re), arith.mulf(a.im, a.im));
}

/** A Hermitian matrix of kernel values: its real diagonal, and the rows below it. */
export interface Hermitian {
  readonly diagonal: Value[];
  readonly lower: Complex[][];
}

/** What {@link factorize} finds of A·x = b. */
export interface Factorization {
  /** D of A = L·D·Lᴴ: all above 0 where A is positive definite. */
  readonly pivots: readonly Value[];
  /** x. */
  readonly solution: readonly Complex[];
  /** The diagonal of A⁻¹. */
  readonly inverseDiagonal: readonly Value[];
  /** One over each pivot. */
  readonly reciprocals: readonly Value[];
  /** L⁻¹ below its diagonal of ones. */
  readonly lowerInverse: readonly (readonly Complex[])[];
}

/** Appends the factorization of a small Hermitian matrix and the solution of one system, unrolled. */
export function factorize(a: Hermitian, b: readonly Complex[], one: Value): Factorization {
  const size = b.length;
  const pivots: Value[] = [];
  const reciprocals: Value[] = [];
  // L·D below the diagonal, and L = (L·D)/D.
  const scaledLower: Complex[][] = [];
  const lower: Complex[][] = [];
  for (let row = 0; row < size; row++) {
    scaledLower[row] = [];
    lower[row] = [];
    for (let column = 0; column < row; column++) {
      let entry = a.lower[row]![column]!;
      for (let k = 0; k < column; k++)
        entry = subtract(entry, multiplyConjugate(lower[column]![k]!, scaledLower[row]![k]!));
      scaledLower[row]![column] = entry;
      lower[row]![column] = scaled(entry, reciprocals[column]!);
    }
    let pivot = a.diagonal[row]!;
    for (let k = 0; k < row; k++)
      pivot = arith.subf(pivot, arith.mulf(power(scaledLower[row]![k]!), reciprocals[k]!));
    pivots[row] = pivot;
    reciprocals[row] = arith.divf(one, pivot);
  }

  // M = L⁻¹, unit lower triangular.
  const inverse: Complex[][] = lower.map(() => []);
  for (let column = 0; column < size; column++) {
    for (let row = column + 1; row < size; row++) {
      const first = lower[row]![column]!;
      let entry: Complex = { re: arith.negf(first.re), im: arith.negf(first.im) };
      for (let k = column + 1; k < row; k++)
        entry = subtract(entry, multiply(lower[row]![k]!, inverse[k]![column]!));
      inverse[row]![column] = entry;
    }
  }

  const forward: Complex[] = [];
  for (let row = 0; row < size; row++) {
    let entry = b[row]!;
    for (let k = 0; k < row; k++) entry = subtract(entry, multiply(lower[row]![k]!, forward[k]!));
    forward[row] = entry;
  }
  const solution: Complex[] = [];
  for (let row = size - 1; row >= 0; row--) {
    let entry = scaled(forward[row]!, reciprocals[row]!);
    for (let k = row + 1; k < size; k++) {
      const l = lower[k]![row]!;
      entry = subtract(entry, multiplyConjugate(l, solution[k]!));
    }
    solution[row] = entry;
  }
  const inverseDiagonal = pivots.map((_, column) => {
    let sum = reciprocals[column]!;
    for (let row = column + 1; row < size; row++)
      sum = arith.addf(sum, arith.mulf(power(inverse[row]![column]!), reciprocals[row]!));
    return sum;
  });
  return { pivots, solution, inverseDiagonal, reciprocals, lowerInverse: inverse };
}

/** Appends A⁻¹ = L⁻ᴴ·D⁻¹·L⁻¹ of a factorization. */
export function inverseOf({ inverseDiagonal, reciprocals, lowerInverse }: Factorization): Hermitian {
  const size = reciprocals.length;
  const lower: Complex[][] = lowerInverse.map(() => []);
  for (let row = 0; row < size; row++) {
    const weighted = lowerInverse.map((values, k) =>
      k > row ? scaled(values[row]!, reciprocals[k]!) : undefined,
    );
    for (let column = 0; column < row; column++) {
      let entry = scaled(lowerInverse[row]![column]!, reciprocals[row]!);
      for (let k = row + 1; k < size; k++)
        entry = add(entry, multiplyConjugate(weighted[k]!, lowerInverse[k]![column]!));
      lower[row]![column] = entry;
    }
  }
  return { diagonal: [...inverseDiagonal], lower };
}
