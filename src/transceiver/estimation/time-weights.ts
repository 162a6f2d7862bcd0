/**
 * Writes the weights `[symbol][position]` by which DM-RS positions make the channel of each symbol. Allocates nothing.
 * @param statistics the correlation of the channel between neighbouring positions, their mean distance apart, and the
 * variance of the error at a position, relative to the channel's power; in memory, as a number handed over may be
 * allocated.
 */
export type TimeWeights = (statistics: Float64Array) => void;

/** Linear between neighbouring positions, the nearest one outside of them. Does not depend on the slot. */
export function linearWeights(positions: Float64Array, symbols: Float64Array, weights: Float32Array): void {
  const count = positions.length;
  weights.fill(0);
  symbols.forEach((time, symbol) => {
    let next = 0;
    while (next < count && positions[next]! < time) next++;
    if (next === 0) weights[symbol * count] = 1;
    else if (next === count) weights[symbol * count + count - 1] = 1;
    else {
      const share = (time - positions[next - 1]!) / (positions[next]! - positions[next - 1]!);
      weights[symbol * count + next - 1] = 1 - share;
      weights[symbol * count + next] = share;
    }
  });
}

/** Prepares Wiener interpolation in time for Clarke's Doppler spectrum. */
export function prepareWienerWeights(
  positions: Float64Array,
  symbols: Float64Array,
  weights: Float32Array,
): TimeWeights {
  const count = positions.length;
  const spacing = count > 1 ? (positions[count - 1]! - positions[0]!) / (count - 1) : 1;
  const factor = new Float64Array(count * count);
  const solution = new Float64Array(count);
  return (statistics) => {
    const doppler = inverseBessel(statistics[0]!) / spacing;
    // Cholesky's factor of the positions' covariance; the error keeps it well above singular.
    const loading = Math.max(statistics[1]!, 1e-6);
    for (let row = 0; row < count; row++)
      for (let column = 0; column <= row; column++) {
        let sum = besselJ0(doppler * (positions[row]! - positions[column]!)) + (row === column ? loading : 0);
        for (let k = 0; k < column; k++) sum -= factor[row * count + k]! * factor[column * count + k]!;
        factor[row * count + column] =
          row === column ? Math.sqrt(Math.max(sum, 1e-9)) : sum / factor[column * count + column]!;
      }
    for (let symbol = 0; symbol < symbols.length; symbol++) {
      for (let row = 0; row < count; row++) {
        let sum = besselJ0(doppler * (symbols[symbol]! - positions[row]!));
        for (let k = 0; k < row; k++) sum -= factor[row * count + k]! * solution[k]!;
        solution[row] = sum / factor[row * count + row]!;
      }
      for (let row = count - 1; row >= 0; row--) {
        let sum = solution[row]!;
        for (let k = row + 1; k < count; k++) sum -= factor[k * count + row]! * solution[k]!;
        solution[row] = sum / factor[row * count + row]!;
        weights[symbol * count + row] = solution[row]!;
      }
    }
  };
}

/** J₀ by its power series: within 1e-6 for |x| up to 8, which a slot at any usable Doppler stays below. */
export function besselJ0(x: number): number {
  const square = -(x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < 24; k++) {
    term *= square / (k * k);
    sum += term;
  }
  return sum;
}

/** Beyond this phase between neighbouring positions (J₀ = 0.22) the channel cannot be followed anyway. */
const GREATEST_PHASE = 2;

/** The x from 0 to 2 with J₀(x) = value; 0 above 1, 2 below J₀(2). */
export function inverseBessel(value: number): number {
  if (value >= 1) return 0;
  let low = 0;
  let high = GREATEST_PHASE;
  for (let step = 0; step < 24; step++) {
    const middle = (low + high) / 2;
    if (besselJ0(middle) > value) low = middle;
    else high = middle;
  }
  return low;
}
