import type { Carrier } from "./carrier.js";
import type { PuschGrant } from "./grant.js";
import { symbolsPerSlot } from "./numerology.js";

/** Where a grant's resource elements lie in the carrier's grid `[symbol][subcarrier]`. */
export interface Allocation {
  /** Subcarriers of the grid. */
  readonly gridSubcarriers: number;
  /** OFDM symbols of the slot. */
  readonly slotSymbols: number;
  /** First subcarrier of the allocation within the grid. */
  readonly firstSubcarrier: number;
  /** Subcarriers of the allocation. */
  readonly subcarriers: number;
  /** First resource block of the allocation counted from common resource block 0. */
  readonly firstCommonBlock: number;
  /** Data resource elements of each OFDM symbol of the slot, on one layer; 0 outside the allocation. */
  readonly dataSubcarriers: readonly number[];
  /** Their sum. */
  readonly dataResourceElements: number;
  /** DM-RS overhead of a PRB for the transport block size, N_DMRS^PRB. */
  readonly dmrsPerPrb: number;
}

export function allocation(carrier: Carrier, grant: PuschGrant): Allocation {
  const slotSymbols = symbolsPerSlot(grant.cyclicPrefix);
  const lost = lostPerBlock(grant);
  const dataSubcarriers = Array.from({ length: slotSymbols }, (_, symbol) => {
    if (symbol < grant.startSymbolIndex || symbol >= grant.startSymbolIndex + grant.nrOfSymbols) return 0;
    return grant.rbSize * (grant.dmrsSymbPos.includes(symbol) ? 12 - lost : 12);
  });
  return Object.freeze({
    gridSubcarriers: 12 * carrier.carrierPrbs,
    slotSymbols,
    firstSubcarrier: 12 * (grant.bwpStart + grant.rbStart - carrier.offsetToCarrier),
    subcarriers: 12 * grant.rbSize,
    firstCommonBlock: grant.bwpStart + grant.rbStart,
    dataSubcarriers: Object.freeze(dataSubcarriers),
    dataResourceElements: dataSubcarriers.reduce((sum, count) => sum + count, 0),
    dmrsPerPrb: lost * grant.dmrsSymbPos.length,
  });
}

/** Subcarriers of a PRB that a DM-RS symbol keeps from data. */
function lostPerBlock(grant: PuschGrant): number {
  return (grant.dmrsConfigType === 1 ? 6 : 4) * grant.numDmrsCdmGrpsNoData;
}

/** Whether a subcarrier, counted from the start of a resource block, carries data in a DM-RS symbol. */
function carriesData(grant: PuschGrant, subcarrier: number): boolean {
  const group = grant.dmrsConfigType === 1 ? subcarrier % 2 : (subcarrier % 6) >> 1;
  return group >= grant.numDmrsCdmGrpsNoData;
}

/**
 * Index in the grid `[symbol][subcarrier]` of every data resource element, in the order of TS 38.211 6.3.1.6:
 * frequency first, then time.
 */
export function dataResourceIndices(layout: Allocation, grant: PuschGrant): Uint32Array {
  const indices = new Uint32Array(layout.dataResourceElements);
  let count = 0;
  layout.dataSubcarriers.forEach((total, symbol) => {
    if (total === 0) return;
    for (let subcarrier = 0; subcarrier < layout.subcarriers; subcarrier++)
      if (total === layout.subcarriers || carriesData(grant, subcarrier))
        indices[count++] = symbol * layout.gridSubcarriers + layout.firstSubcarrier + subcarrier;
  });
  return indices;
}
