/** Square real symmetric matrices, by rows, and what filters need of them. They are small: tens of rows. */

/**
 * Solves A·X = B for a positive definite A by Cholesky's factorization.
 * @param a `[size][size]`; only what lies on and below the diagonal is read.
 * @param b `[size][columns]`, overwritten with X.
 */
export function solvePositive(a: Float64Array, size: number, b: Float64Array, columns: number): void {
  const lower = a.slice();
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= row; column++) {
      let sum = lower[row * size + column]!;
      for (let k = 0; k < column; k++) sum -= lower[row * size + k]! * lower[column * size + k]!;
      lower[row * size + column] = row === column ? Math.sqrt(sum) : sum / lower[column * size + column]!;
    }
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < size; row++) {
      let sum = b[row * columns + column]!;
      for (let k = 0; k < row; k++) sum -= lower[row * size + k]! * b[k * columns + column]!;
      b[row * columns + column] = sum / lower[row * size + row]!;
    }
    for (let row = size - 1; row >= 0; row--) {
      let sum = b[row * columns + column]!;
      for (let k = row + 1; k < size; k++) sum -= lower[k * size + row]! * b[k * columns + column]!;
      b[row * columns + column] = sum / lower[row * size + row]!;
    }
  }
}

/**
 * Eigenvalues, descending, and their eigenvectors as rows, by Jacobi's rotations.
 * @param matrix `[size][size]`
 */
export function eigenvectors(
  matrix: Float64Array,
  size: number,
): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const v = new Float64Array(size * size);
  for (let k = 0; k < size; k++) v[k * size + k] = 1;
  const rotate = (m: Float64Array, i: number, j: number, cosine: number, sine: number) => {
    const [x, y] = [m[i]!, m[j]!];
    m[i] = cosine * x - sine * y;
    m[j] = sine * x + cosine * y;
  };
  for (let sweep = 0; sweep < 30; sweep++) {
    let outside = 0;
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        const entry = a[p * size + q]!;
        outside += entry * entry;
        if (entry === 0) continue;
        const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * entry);
        const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cosine = 1 / Math.sqrt(tangent * tangent + 1);
        for (let k = 0; k < size; k++) rotate(a, k * size + p, k * size + q, cosine, tangent * cosine);
        for (let k = 0; k < size; k++) rotate(a, p * size + k, q * size + k, cosine, tangent * cosine);
        for (let k = 0; k < size; k++) rotate(v, p * size + k, q * size + k, cosine, tangent * cosine);
      }
    if (outside < 1e-28 * size * size) break;
  }
  const order = Array.from({ length: size }, (_, k) => k).sort((x, y) => a[y * size + y]! - a[x * size + x]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * size, (from + 1) * size), to * size);
  });
  return { values: Float64Array.from(order, (k) => a[k * size + k]!), vectors };
}
