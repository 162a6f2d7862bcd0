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
  const { bwpStart, rbStart, rbSize, dmrsConfigType, symbolsPerSlot, slot, dmrsScramblingId, scid } =
    transmission;
  const { delta, wf, wt } = dmrsPort(dmrsConfigType, port);
  const pilotsPerBlock = dmrsConfigType === 1 ? 6 : 4;
  const blocks = bwpStart + rbStart + rbSize;
  const found: Pilot[] = [];
  for (const { symbol, lPrime } of dmrs) {
    const initialization = dmrsInitialization(symbolsPerSlot, slot, symbol, dmrsScramblingId, scid);
    const r = dmrsSequence(initialization, pilotsPerBlock * blocks);
    for (let n = 0; 2 * n < r.length; n++) {
      for (const kPrime of [0, 1] as const) {
        const subcarrier = dmrsSubcarrier(dmrsConfigType, delta, n, kPrime) - 12 * bwpStart;
        if (subcarrier >= 12 * rbStart && subcarrier < 12 * (rbStart + rbSize)) {
          const value = scale(r[2 * n + kPrime]!, wf[kPrime] * wt[lPrime]);
          found.push({ symbol, subcarrier, n, kPrime, lPrime, value });
        }
      }
    }
  }
  return found;
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
