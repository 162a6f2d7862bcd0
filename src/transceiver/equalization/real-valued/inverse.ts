/**
 * Replaces the leading `size`×`size` symmetric positive definite matrix, row-major and dense, by its inverse. A pivot
 * that is not positive, of a singular matrix, counts as 1e-12 of the largest on the diagonal.
 */
export function invertSymmetric(matrix: Float64Array, size: number): void {
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, matrix[i * size + i]!);
  // Gauss and Jordan in place; a positive definite matrix needs no pivoting.
  for (let pivot = 0; pivot < size; pivot++) {
    const row = pivot * size;
    const inverse = 1 / Math.max(matrix[row + pivot]!, 1e-12 * largest);
    matrix[row + pivot] = 1;
    for (let j = 0; j < size; j++) matrix[row + j]! *= inverse;
    for (let i = 0; i < size; i++) {
      if (i === pivot) continue;
      const factor = matrix[i * size + pivot]!;
      matrix[i * size + pivot] = 0;
      for (let j = 0; j < size; j++) matrix[i * size + j]! -= factor * matrix[row + j]!;
    }
  }
}
