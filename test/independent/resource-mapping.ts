import type { Complex, Grid } from "./complex.js";
import { add, multiply, scale } from "./complex.js";
import type { DmrsSymbol } from "./dmrs.js";
import {
  cdmGroupOf,
  dmrsAmplitude,
  dmrsInitialization,
  dmrsPort,
  dmrsSequence,
  dmrsSubcarrier,
} from "./dmrs.js";
import type { PrecodingMatrix } from "./layers-precoding.js";
import { precode } from "./layers-precoding.js";
import type { LowPaprConfiguration } from "./low-papr.js";
import { groupAndNumber, lowPaprSequence } from "./low-papr.js";

/** A resource element: OFDM symbol in the slot and subcarrier in the bandwidth part. */
export interface ResourceElement {
  readonly symbol: number;
  readonly subcarrier: number;
}

/** The allocation in time and frequency; PRBs are numbered in the bandwidth part. */
export interface Allocation {
  readonly bwpStart: number;
  readonly rbStart: number;
  readonly rbSize: number;
  readonly startSymbolIndex: number;
  readonly nrOfSymbols: number;
  readonly dmrsConfigType: 1 | 2;
  readonly numDmrsCdmGrpsNoData: number;
}

/**
 * TS 38.211 6.3.1.6: the resource elements for data in the order of mapping: subcarrier first, then symbol. Not
 * used are those of the DM-RS CDM groups without data, in every symbol with DM-RS.
 */
export function dataElements(allocation: Allocation, dmrs: readonly DmrsSymbol[]): ResourceElement[] {
  const { rbStart, rbSize, startSymbolIndex, nrOfSymbols, dmrsConfigType, numDmrsCdmGrpsNoData } = allocation;
  const elements: ResourceElement[] = [];
  for (let symbol = startSymbolIndex; symbol < startSymbolIndex + nrOfSymbols; symbol++) {
    const hasDmrs = dmrs.some((pilot) => pilot.symbol === symbol);
    for (let subcarrier = 12 * rbStart; subcarrier < 12 * (rbStart + rbSize); subcarrier++) {
      if (!hasDmrs || cdmGroupOf(dmrsConfigType, subcarrier) >= numDmrsCdmGrpsNoData) {
        elements.push({ symbol, subcarrier });
      }
    }
  }
  return elements;
}

/** TS 38.211 6.3.1.5 and 6.3.1.6: layers precoded and added to the grid; `x` is `[layer][i]`. */
export function mapData(
  grid: Grid,
  elements: readonly ResourceElement[],
  x: readonly (readonly Complex[])[],
  w: PrecodingMatrix,
): void {
  elements.forEach(({ symbol, subcarrier }, i) => {
    const layers = x.map((layer) => layer[i]!);
    precode(w, layers).forEach((value, port) => {
      grid[port]![symbol]![subcarrier] = value;
    });
  });
}

/** What the DM-RS sequence and its ports depend on. */
export interface DmrsTransmission extends Allocation {
  readonly symbolsPerSlot: number;
  readonly slot: number;
  readonly dmrsPorts: readonly number[];
  readonly dmrsScramblingId: number;
  readonly scid: 0 | 1;
  /** With transform precoding: what the low-PAPR sequences depend on beside slot and symbol. */
  readonly lowPapr?: Pick<LowPaprConfiguration, "identity" | "hopping"> | undefined;
}

/** One pilot of a port before precoding and β: its place and w_f · w_t · r. */
export interface Pilot extends ResourceElement {
  readonly n: number;
  readonly kPrime: 0 | 1;
  readonly lPrime: 0 | 1;
  readonly value: Complex;
}

/** TS 38.211 6.4.1.1.3: ã of one DM-RS port over the allocation, without β. */
export function pilots(transmission: DmrsTransmission, dmrs: readonly DmrsSymbol[], port: number): Pilot[] {
  const { bwpStart, rbStart, rbSize, dmrsConfigType, lowPapr } = transmission;
  const { delta, wf, wt } = dmrsPort(dmrsConfigType, port);
  const pilotsPerBlock = dmrsConfigType === 1 ? 6 : 4;
  // k counts from common resource block 0, with transform precoding from the allocation.
  const firstBlock = lowPapr ? rbStart : -bwpStart;
  const blocks = lowPapr ? rbSize : bwpStart + rbStart + rbSize;
  const found: Pilot[] = [];
  for (const { symbol, lPrime } of dmrs) {
    const r = sequence(transmission, symbol, lPrime, pilotsPerBlock * blocks);
    for (let n = 0; 2 * n < r.length; n++) {
      for (const kPrime of [0, 1] as const) {
        const subcarrier = dmrsSubcarrier(dmrsConfigType, delta, n, kPrime) + 12 * firstBlock;
        if (subcarrier >= 12 * rbStart && subcarrier < 12 * (rbStart + rbSize)) {
          const value = scale(r[2 * n + kPrime]!, wf[kPrime] * wt[lPrime]);
          found.push({ symbol, subcarrier, n, kPrime, lPrime, value });
        }
      }
    }
  }
  return found;
}

/** TS 38.211 6.4.1.1.1: r(0) … r(length − 1) of an OFDM symbol. */
function sequence(transmission: DmrsTransmission, symbol: number, lPrime: 0 | 1, length: number): Complex[] {
  const { symbolsPerSlot, slot, dmrsScramblingId, scid, lowPapr } = transmission;
  if (lowPapr) {
    const first = { symbolsPerSlot, slot, symbol: symbol - lPrime, length };
    const { group, number } = groupAndNumber({ ...lowPapr, ...first });
    return lowPaprSequence(group, number, length);
  }
  return dmrsSequence(dmrsInitialization(symbolsPerSlot, slot, symbol, dmrsScramblingId, scid), length);
}

/** TS 38.211 6.4.1.1.3: DM-RS of all layers, precoded as the data, added to the grid. */
export function mapDmrs(
  grid: Grid,
  transmission: DmrsTransmission,
  dmrs: readonly DmrsSymbol[],
  w: PrecodingMatrix,
): void {
  const amplitude = dmrsAmplitude(transmission.numDmrsCdmGrpsNoData);
  transmission.dmrsPorts.forEach((dmrsPortNumber, layer) => {
    for (const { symbol, subcarrier, value } of pilots(transmission, dmrs, dmrsPortNumber)) {
      w.forEach((row, port) => {
        const line = grid[port]![symbol]!;
        line[subcarrier] = add(line[subcarrier]!, multiply(row[layer]!, scale(value, amplitude)));
      });
    }
  });
}
