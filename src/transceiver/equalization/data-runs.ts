import type { EqualizationSignalType } from "./function.js";

/** Data resource elements that are equalized by one call. */
export interface DataRun {
  /** Index of the first in the grid `[symbol][subcarrier]`; of a DM-RS symbol, that of its subcarrier 0. */
  readonly first: number;
  /** Index of the first in the order of TS 38.211 6.3.1.6. */
  readonly output: number;
  readonly count: number;
  /** Those of a DM-RS symbol, between the pilots; else all resource elements of one or several symbols in a row. */
  readonly besideDmrs: boolean;
}

/** How the data of a grid lies, symbol after symbol. */
export function dataRuns(
  signalType: EqualizationSignalType,
  symbols: number,
  subcarriers: number,
): { kept: readonly number[]; runs: readonly DataRun[] } {
  const { startSymbolIndex, dmrsConfigType, dmrsSymbPos, numDmrsCdmGrpsNoData } = signalType;
  // Subcarriers of a resource block that carry data in a DM-RS symbol: those of the CDM groups left (6.4.1.1.3).
  const kept = Array.from({ length: 12 }, (_, subcarrier) => subcarrier).filter(
    (subcarrier) => (dmrsConfigType === 1 ? subcarrier % 2 : (subcarrier % 6) >> 1) >= numDmrsCdmGrpsNoData,
  );
  const runs: DataRun[] = [];
  let output = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const besideDmrs = dmrsSymbPos.includes(startSymbolIndex + symbol);
    const count = besideDmrs ? (kept.length * subcarriers) / 12 : subcarriers;
    const last = runs.at(-1);
    const first = symbol * subcarriers;
    if (last && !besideDmrs && !last.besideDmrs && last.first + last.count === first)
      runs[runs.length - 1] = { ...last, count: last.count + count };
    else if (count > 0) runs.push({ first, output, count, besideDmrs });
    output += count;
  }
  return { kept, runs };
}
