import { type DmrsConfigType, type DmrsPort, dmrsPort, dmrsSubcarriersPerBlock } from "./dmrs-ports.js";
import { goldSequence } from "./gold-sequence.js";
import type { PuschGrant } from "./grant.js";
import { prepareLowPaprSequence } from "./low-papr-sequence.js";
import { symbolsPerSlot } from "./numerology.js";
import { hoppedSequence } from "./sequence-hopping.js";

/** Where r(m) comes from: TS 38.211 6.4.1.1.1.1, or with transform precoding 6.4.1.1.1.2. */
export type DmrsSequenceType = "pseudo-random" | "low-PAPR";

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
  readonly sequenceType: DmrsSequenceType;
  /**
   * Index in r(m) of the first pilot of the allocation: pseudo-random sequences count from common resource block 0,
   * low-PAPR ones from the allocation's first.
   */
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
    sequenceType: grant.transformPrecoding ? "low-PAPR" : "pseudo-random",
    sequenceOffset: grant.transformPrecoding ? 0 : perBlock * (grant.bwpStart + grant.rbStart),
    amplitude: Math.sqrt(grant.numDmrsCdmGrpsNoData),
  });
}

/**
 * What chooses the sequence of each DM-RS symbol: c_init of the pseudo-random one (TS 38.211 6.4.1.1.1.1), or 30·v + u
 * of the low-PAPR one (6.4.1.1.1.2), which is the same for both symbols of a double one.
 */
export function dmrsInits(grant: PuschGrant): number[] {
  const start = symbolsPerSlot(grant.cyclicPrefix) * grant.slot;
  if (!grant.transformPrecoding)
    return grant.dmrsSymbPos.map((symbol) => pseudoRandomInit(grant, start + symbol));
  const hopping = {
    mode: grant.groupOrSequenceHopping ?? "neither",
    identity: grant.puschIdentity ?? grant.physCellId,
    length: 6 * grant.rbSize,
  };
  return grant.dmrsSymbPos.map((_, ordinal) => {
    const first = grant.dmrsSymbPos[grant.dmrsLength === 2 ? ordinal & ~1 : ordinal]!;
    return hoppedSequence(hopping, start + first);
  });
}

function pseudoRandomInit({ dmrsScramblingId, scid }: PuschGrant, frameSymbol: number): number {
  // Below 2^43, so the product is exact; the modulus is a power of two above what the operators of 32 bits keep.
  return (2 ** 17 * (frameSymbol + 1) * (2 * dmrsScramblingId + 1) + 2 * dmrsScramblingId + scid) % 2 ** 31;
}

/**
 * Writes r(m) of one OFDM symbol for the pilots of the allocation, power 1, before the weights of a port and the
 * amplitude: `layout.pilots` complex numbers, interleaved. `init` is one of `dmrsInits`. Allocates nothing.
 */
export type DmrsSequence = (init: number, sequence: Float32Array) => void;

/** Prepares {@link DmrsSequence} for a layout. */
export function prepareDmrsSequence(layout: Dmrs): DmrsSequence {
  return layout.sequenceType === "low-PAPR"
    ? prepareLowPaprSequence(layout.pilots)
    : pseudoRandomSequence(layout);
}

/** TS 38.211 6.4.1.1.1.1. */
function pseudoRandomSequence({ sequenceOffset, pilots }: Dmrs): DmrsSequence {
  const words = new Uint32Array(Math.ceil((2 * (sequenceOffset + pilots)) / 32));
  const first = 2 * sequenceOffset;
  return (cInit, sequence) => {
    goldSequence(cInit, words);
    for (let index = 0; index < 2 * pilots; index++) {
      const bit = (words[(first + index) >> 5]! >>> ((first + index) & 31)) & 1;
      sequence[index] = bit ? -Math.SQRT1_2 : Math.SQRT1_2;
    }
  };
}

/**
 * w_f(k')·w_t(l') of a port at pilot `index` = 2n + k' of the `ordinal`-th DM-RS symbol of the slot.
 */
export function dmrsWeight(layout: Dmrs, port: DmrsPort, ordinal: number, index: number): 1 | -1 {
  const time = layout.length === 2 ? port.timeWeights[(ordinal & 1) as 0 | 1] : 1;
  return (port.frequencyWeights[(index & 1) as 0 | 1] * time) as 1 | -1;
}
