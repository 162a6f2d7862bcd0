import type { Complex, Grid } from "./complex.js";
import { power, subtract } from "./complex.js";

/** The resource element where two grids differ most. */
export interface Difference {
  readonly distance: number;
  readonly port: number;
  readonly symbol: number;
  readonly subcarrier: number;
}

/** The largest |a − b| over two grids; throws when their shapes differ. Not-a-number counts as infinite. */
export function largestDifference(a: Grid, b: Grid): Difference {
  let largest: Difference = { distance: 0, port: 0, symbol: 0, subcarrier: 0 };
  sameLength(a, b, "antenna ports");
  a.forEach((symbols, port) => {
    sameLength(symbols, b[port]!, "OFDM symbols");
    symbols.forEach((subcarriers, symbol) => {
      sameLength(subcarriers, b[port]![symbol]!, "subcarriers");
      subcarriers.forEach((value: Complex, subcarrier) => {
        const distance = Math.sqrt(power(subtract(value, b[port]![symbol]![subcarrier]!)));
        if (!(distance <= largest.distance)) {
          largest = { distance: Number.isNaN(distance) ? Infinity : distance, port, symbol, subcarrier };
        }
      });
    });
  });
  return largest;
}

function sameLength(a: readonly unknown[], b: readonly unknown[], what: string): void {
  if (a.length !== b.length) {
    throw new Error(`${a.length} ${what} against ${b.length}`);
  }
}
