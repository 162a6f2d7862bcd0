/** Receive antennas that the network is made for. */
export const DEEPRX_ANTENNAS = 2;

/** OFDM symbols of the grids that the network sees: a slot's. */
export const DEEPRX_SYMBOLS = 14;

/** Planes of the input "grid": real parts of all antennas, then imaginary parts. */
export const GRID_PLANES = 2 * DEEPRX_ANTENNAS;

/** Planes of the input "elements". */
export const ELEMENT_PLANES = 3;

/** Modulation orders that the network tells apart; it has a soft bit for each bit of the highest. */
export const DEEPRX_ORDERS = [2, 4] as const;

/** Soft bits of a resource element. */
export const DEEPRX_BITS = 4;

/** What the network must know of a grid beside what was received. DM-RS is of configuration type 1 and single symbols. */
export interface GridShape {
  readonly subcarriers: number;
  /** OFDM symbols with DM-RS, counted in the grid. */
  readonly dmrsSymbols: readonly number[];
  /** Δ of TS 38.211 Table 6.4.1.1.3-1: the first subcarrier with a pilot. */
  readonly delta: 0 | 1;
  readonly cdmGroupsWithoutData: 1 | 2;
  readonly modulationOrder: (typeof DEEPRX_ORDERS)[number];
}

/** Whether a resource element of the shape carries data. */
export function isData(shape: GridShape, symbol: number, subcarrier: number): boolean {
  return !shape.dmrsSymbols.includes(symbol) || subcarrier % 2 >= shape.cdmGroupsWithoutData;
}

/**
 * Writes the planes `[plane][symbol][subcarrier]` of the input "elements": 1 where there is a pilot, 1 where there is data,
 * and at data what tells the modulation orders apart, 0 for QPSK and 1 for 16-QAM.
 */
export function writeElements(shape: GridShape, out: Float32Array): void {
  const { subcarriers, dmrsSymbols, delta, modulationOrder } = shape;
  const plane = DEEPRX_SYMBOLS * subcarriers;
  for (let symbol = 0; symbol < DEEPRX_SYMBOLS; symbol++) {
    const besidePilots = dmrsSymbols.includes(symbol);
    for (let subcarrier = 0; subcarrier < subcarriers; subcarrier++) {
      const at = symbol * subcarriers + subcarrier;
      const data = isData(shape, symbol, subcarrier);
      out[at] = besidePilots && subcarrier % 2 === delta ? 1 : 0;
      out[plane + at] = data ? 1 : 0;
      out[2 * plane + at] = data ? modulationOrder / 2 - 1 : 0;
    }
  }
}

/**
 * Writes the planes `[plane][symbol][subcarrier]` of the input "grid": what was received, with the DM-RS divided out, so
 * that each pilot is a raw least-squares estimate, and all divided by the root mean square of these estimates, so that the
 * network sees the same whatever the power. Allocates nothing.
 * @param received complex64 `[antenna][symbol][subcarrier]`
 * @param references complex64 `[DM-RS symbol][pilot]` as sent, amplitude included
 * @param factor gets, at 0, what all was multiplied by
 * @returns false where no pilot is other than 0 or a number is not finite: the planes and the factor are 0 then.
 */
export function writeGrid(
  shape: GridShape,
  received: Float32Array,
  references: Float32Array,
  out: Float32Array,
  factor: Float64Array,
): boolean {
  const { subcarriers, dmrsSymbols, delta } = shape;
  const plane = DEEPRX_SYMBOLS * subcarriers;
  for (let antenna = 0; antenna < DEEPRX_ANTENNAS; antenna++) {
    const [re, im] = [antenna * plane, (DEEPRX_ANTENNAS + antenna) * plane];
    const from = 2 * antenna * plane;
    for (let at = 0; at < plane; at++) {
      out[re + at] = received[from + 2 * at]!;
      out[im + at] = received[from + 2 * at + 1]!;
    }
  }
  let energy = 0;
  const pilots = subcarriers / 2;
  for (let ordinal = 0; ordinal < dmrsSymbols.length; ordinal++)
    for (let antenna = 0; antenna < DEEPRX_ANTENNAS; antenna++) {
      const first = dmrsSymbols[ordinal]! * subcarriers + delta;
      const [re, im] = [antenna * plane + first, (DEEPRX_ANTENNAS + antenna) * plane + first];
      for (let pilot = 0; pilot < pilots; pilot++) {
        const reference = 2 * (ordinal * pilots + pilot);
        const [x, y] = [references[reference]!, references[reference + 1]!];
        const power = x * x + y * y;
        const [a, b] = [out[re + 2 * pilot]!, out[im + 2 * pilot]!];
        const estimateRe = (a * x + b * y) / power;
        const estimateIm = (b * x - a * y) / power;
        out[re + 2 * pilot] = estimateRe;
        out[im + 2 * pilot] = estimateIm;
        energy += estimateRe * estimateRe + estimateIm * estimateIm;
      }
    }
  const scale = 1 / Math.sqrt(energy / (DEEPRX_ANTENNAS * dmrsSymbols.length * pilots));
  let sum = 0;
  for (let at = 0; at < GRID_PLANES * plane; at++) {
    out[at]! *= scale;
    sum += out[at]!;
  }
  // A sum with a number that is not finite is none.
  const isUsable = Number.isFinite(scale) && Number.isFinite(sum);
  if (!isUsable) out.fill(0, 0, GRID_PLANES * plane);
  factor[0] = isUsable ? scale : 0;
  return isUsable;
}
