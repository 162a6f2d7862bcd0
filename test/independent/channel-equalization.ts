import type { Complex } from "./complex.js";
import { add, complex, conjugate, divide, multiply, power, scale, subtract, zero } from "./complex.js";

/** Complex matrix by rows. */
export type Matrix = Complex[][];

export function hermitian(a: Matrix): Matrix {
  return a[0]!.map((_, column) => a.map((row) => conjugate(row[column]!)));
}

export function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) =>
    b[0]!.map((_, column) =>
      row.reduce((sum, value, index) => add(sum, multiply(value, b[index]![column]!)), zero),
    ),
  );
}

/** Inverse by Gauss-Jordan elimination with row pivots; a singular matrix throws. */
export function inverse(matrix: Matrix): Matrix {
  const size = matrix.length;
  const rows = matrix.map((row, index) => [
    ...row,
    ...row.map((_, column) => complex(index === column ? 1 : 0)),
  ]);
  for (let pivot = 0; pivot < size; pivot++) {
    let best = pivot;
    for (let row = pivot; row < size; row++) {
      if (power(rows[row]![pivot]!) > power(rows[best]![pivot]!)) {
        best = row;
      }
    }
    [rows[pivot], rows[best]] = [rows[best]!, rows[pivot]!];
    const head = rows[pivot]![pivot]!;
    if (power(head) === 0) {
      throw new Error("singular matrix");
    }
    rows[pivot] = rows[pivot]!.map((value) => divide(value, head));
    for (let row = 0; row < size; row++) {
      const factor = rows[row]![pivot]!;
      if (row !== pivot) {
        rows[row] = rows[row]!.map((value, column) =>
          subtract(value, multiply(factor, rows[pivot]![column]!)),
        );
      }
    }
  }
  return rows.map((row) => row.slice(size));
}

/** Result for one resource element, by layer. */
export interface Equalized {
  /** Unbiased symbol estimates: E[x̂] = x. */
  readonly symbols: Complex[];
  /** Variance of what disturbs each estimate; infinite where a layer cannot be seen. */
  readonly noise: number[];
  /** Symbols of power 1 over `noise`. */
  readonly sinr: number[];
}

/**
 * Equalization of one resource element y = H·x + n, E[x·xᴴ] = I, noise white of variance `noise` per antenna.
 * Zero forcing: x̂ = (HᴴH)⁻¹Hᴴy; throws where HᴴH is singular. MMSE: x̂ = (HᴴH + σ²I)⁻¹Hᴴy, each layer divided by its
 * gain 1 − σ²[(HᴴH + σ²I)⁻¹]ₗₗ; needs noise above 0 where HᴴH is singular.
 *
 * @param h `[antenna][layer]`
 * @param y by antenna
 */
export function equalize(
  h: Matrix,
  y: readonly Complex[],
  noise: number,
  method: "zero-forcing" | "mmse",
): Equalized {
  const loading = method === "mmse" ? noise : 0;
  const adjoint = hermitian(h);
  const gram = product(adjoint, h);
  const regularized = gram.map((row, index) =>
    row.map((value, column) => (index === column ? add(value, complex(loading)) : value)),
  );
  const inverted = inverse(regularized);
  const estimates = product(
    product(inverted, adjoint),
    y.map((value) => [value]),
  );
  const symbols: Complex[] = [];
  const variances: number[] = [];
  estimates.forEach(([estimate], layer) => {
    const diagonal = inverted[layer]![layer]!.re;
    if (method === "zero-forcing") {
      symbols.push(estimate!);
      variances.push(noise * diagonal);
    } else {
      const gain = 1 - noise * diagonal;
      symbols.push(scale(estimate!, 1 / gain));
      variances.push((noise * diagonal) / gain);
    }
  });
  return { symbols, noise: variances, sinr: variances.map((variance) => 1 / variance) };
}
