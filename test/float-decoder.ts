import type { BaseGraph } from "../src/transceiver/coding/base-graph.js";

/** How checks are computed: the least other magnitude times a factor, or exactly. */
export type FloatRule = { readonly factor: number } | "sum-product";

export interface FloatDecoder {
  /** A-posteriori ratios of all columns that take part, the two punctured ones first; of the last block. */
  readonly posterior: Float64Array;
  /**
   * Decodes one block and stops after the first iteration that fulfils every check.
   * @param llrs of d_0…d_N-1, log P(0)/P(1)
   * @returns iterations; negative where some check does not hold after the last
   */
  decode(llrs: ArrayLike<number>): number;
}

/** Layered decoder in double precision, rows in order, Z checks at a time. Ratios beyond ±1000 are cut off. */
export function floatDecoder(
  graph: BaseGraph,
  rows: number,
  maximumIterations: number,
  rule: FloatRule,
): FloatDecoder {
  const size = graph.liftingSize;
  const used = graph.rows.slice(0, Math.max(4, rows));
  const columns = graph.informationColumns + used.length;
  const posterior = new Float64Array(columns * size);
  const messages = used.map((row) => new Float64Array(row.length * size));
  // Bit of every edge of every check, check by check.
  const places = used.map((row) =>
    Int32Array.from({ length: row.length * size }, (_, k) => {
      const { column, shift } = row[k % row.length]!;
      return column * size + ((Math.floor(k / row.length) + shift) % size);
    }),
  );
  const incoming = new Float64Array(64);
  const magnitudes = new Float64Array(64);
  const combine =
    rule === "sum-product"
      ? sumProduct
      : (values: Float64Array, degree: number) => minSum(values, degree, rule.factor);

  function iterate(): void {
    for (let r = 0; r < used.length; r++) {
      const degree = used[r]!.length;
      const place = places[r]!;
      const old = messages[r]!;
      for (let start = 0; start < place.length; start += degree) {
        // Without branches, which signs of noise would mislead.
        let negatives = 0;
        for (let k = 0; k < degree; k++) {
          const value = posterior[place[start + k]!]! - old[start + k]!;
          incoming[k] = value;
          magnitudes[k] = Math.abs(value);
          negatives += +(value < 0);
        }
        combine(magnitudes, degree);
        for (let k = 0; k < degree; k++) {
          const value = incoming[k]!;
          const message = magnitudes[k]! * (1 - 2 * ((negatives + +(value < 0)) & 1));
          old[start + k] = message;
          posterior[place[start + k]!] = value + message;
        }
      }
    }
  }

  function holds(): boolean {
    return places.every((place, r) => {
      const degree = used[r]!.length;
      for (let start = 0; start < place.length; start += degree) {
        let ones = 0;
        for (let k = 0; k < degree; k++) if (posterior[place[start + k]!]! < 0) ones++;
        if (ones % 2 === 1) return false;
      }
      return true;
    });
  }

  return {
    posterior,
    decode(llrs) {
      posterior.fill(0);
      for (let k = 2 * size; k < posterior.length; k++) {
        posterior[k] = Math.max(-1000, Math.min(1000, llrs[k - 2 * size]!));
      }
      for (const row of messages) row.fill(0);
      for (let count = 1; count <= maximumIterations; count++) {
        iterate();
        if (holds()) return count;
      }
      return -maximumIterations;
    },
  };
}

/** Replaces every magnitude by the least of the others times the factor. */
function minSum(values: Float64Array, degree: number, factor: number): void {
  let least = Infinity;
  let second = Infinity;
  for (let k = 0; k < degree; k++) {
    const value = values[k]!;
    second = Math.min(second, Math.max(least, value));
    least = Math.min(least, value);
  }
  for (let k = 0; k < degree; k++) values[k] = factor * (values[k] === least ? second : least);
}

const behind = new Float64Array(64);

/** Replaces every magnitude by that of the sum of the other bits. */
function sumProduct(values: Float64Array, degree: number): void {
  behind[degree - 1] = 2000;
  for (let k = degree - 1; k > 0; k--) behind[k - 1] = boxPlus(behind[k]!, values[k]!);
  let before = 2000;
  for (let k = 0; k < degree; k++) {
    const own = values[k]!;
    values[k] = boxPlus(before, behind[k]!);
    before = boxPlus(before, own);
  }
}

/** Magnitude of the ratio of the sum of two bits from theirs. */
function boxPlus(a: number, b: number): number {
  return Math.min(a, b) + logOnePlusExp(a + b) - logOnePlusExp(Math.abs(a - b));
}

const STEPS = 128;
const LAST = 40;
const table = Float64Array.from({ length: LAST * STEPS + 2 }, (_, k) => Math.log1p(Math.exp(-k / STEPS)));

/** log(1 + e^-x) for x ≥ 0, interpolated: off by 2e-6 at most. */
function logOnePlusExp(x: number): number {
  const scaled = Math.min(x, LAST) * STEPS;
  const at = Math.trunc(scaled);
  const low = table[at]!;
  return low + (scaled - at) * (table[at + 1]! - low);
}
