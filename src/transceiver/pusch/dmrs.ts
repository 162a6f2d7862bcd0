import { type DmrsConfigType, type DmrsPort, dmrsPort, dmrsSubcarriersPerBlock } from "./dmrs-ports.js";
import { goldSequence } from "./gold-sequence.js";
import type { PuschGrant } from "./grant.js";
import { symbolsPerSlot } from "./numerology.js";

/** The DM-RS of a grant (TS 38.211 6.4.1.1). */
export interface Dmrs {
  readonly configType: DmrsConfigType;
  readonly length: 1 | 2;
  /** OFDM symbols of the slot with DM-RS, ascending; pairs of neighbours where `length` is 2. */
  readonly symbols: readonly number[];
  /** One a layer. */
  readonly ports: readonly DmrsPort[];
  readonly cdmGroupsWithoutData: number;
  /** Pilots of a port in one symbol: 6 or 4 a resource block. */
  readonly pilots: number;
  /** Index in r(m) of the first pilot of the allocation: sequences count from common resource block 0. */
  readonly sequenceOffset: number;
  /** β_DMRS: 1, √2 or √3 (TS 38.214 Table 6.2.2-1). */
  readonly amplitude: number;
}

export function dmrs(grant: PuschGrant): Dmrs {
  const perBlock = dmrsSubcarriersPerBlock(grant.dmrsConfigType);
  return Object.freeze({
    configType: grant.dmrsConfigType,
    length: grant.dmrsLength,
    symbols: grant.dmrsSymbPos,
    ports: Object.freeze(grant.dmrsPorts.map((port) => Object.freeze(dmrsPort(grant.dmrsConfigType, port)))),
    cdmGroupsWithoutData: grant.numDmrsCdmGrpsNoData,
    pilots: perBlock * grant.rbSize,
    sequenceOffset: perBlock * (grant.bwpStart + grant.rbStart),
    amplitude: Math.sqrt(grant.numDmrsCdmGrpsNoData),
  });
}

/** c_init of the DM-RS sequence of OFDM symbol `symbol` (TS 38.211 6.4.1.1.1.1). */
export function dmrsInit(grant: PuschGrant, symbol: number): number {
  const slotSymbol = symbolsPerSlot(grant.cyclicPrefix) * grant.slot + symbol + 1;
  // Below 2^43, so the product is exact; the modulus is a power of two above what the operators of 32 bits keep.
  return (
    (2 ** 17 * slotSymbol * (2 * grant.dmrsScramblingId + 1) + 2 * grant.dmrsScramblingId + grant.scid) %
    2 ** 31
  );
}

/** Words of the pseudo-random sequence that {@link dmrsSequence} needs. */
export function dmrsSequenceWords(layout: Dmrs): number {
  return Math.ceil((2 * (layout.sequenceOffset + layout.pilots)) / 32);
}

/**
 * r(m) of one OFDM symbol for the pilots of the allocation (TS 38.211 6.4.1.1.1.1), power 1, before the weights of
 * a port and the amplitude. Allocates nothing.
 * @param words scratch of `dmrsSequenceWords(layout)` words.
 * @param sequence receives `layout.pilots` complex numbers, interleaved.
 */
export function dmrsSequence(layout: Dmrs, cInit: number, words: Uint32Array, sequence: Float32Array): void {
  goldSequence(cInit, words);
  const first = 2 * layout.sequenceOffset;
  for (let index = 0; index < 2 * layout.pilots; index++) {
    const bit = (words[(first + index) >> 5]! >>> ((first + index) & 31)) & 1;
    sequence[index] = bit ? -Math.SQRT1_2 : Math.SQRT1_2;
  }
}

/**
 * w_f(k')·w_t(l') of a port at pilot `index` = 2n + k' of the `ordinal`-th DM-RS symbol of the slot.
 */
export function dmrsWeight(layout: Dmrs, port: DmrsPort, ordinal: number, index: number): 1 | -1 {
  const time = layout.length === 2 ? port.timeWeights[(ordinal & 1) as 0 | 1] : 1;
  return (port.frequencyWeights[(index & 1) as 0 | 1] * time) as 1 | -1;
}
