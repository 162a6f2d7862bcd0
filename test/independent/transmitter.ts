import { baseGraph } from "./base-graphs.js";
import type { Complex, Grid } from "./complex.js";
import { emptyGrid } from "./complex.js";
import { attachCrc, transportBlockCrc } from "./crc.js";
import type { DmrsSymbol } from "./dmrs.js";
import { dmrsSymbols } from "./dmrs.js";
import { goldSequence } from "./gold.js";
import type { PrecodingMatrix } from "./layers-precoding.js";
import { codebook, identity, mapToLayers } from "./layers-precoding.js";
import { encode } from "./ldpc.js";
import type { ModulationOrder } from "./modulation.js";
import { modulate } from "./modulation.js";
import { modulateSlot, symbolsPerSlot } from "./ofdm.js";
import type { LimitedBuffer } from "./rate-matching.js";
import { rateMatch } from "./rate-matching.js";
import type { DmrsTransmission } from "./resource-mapping.js";
import { dataElements, mapData, mapDmrs } from "./resource-mapping.js";
import { segment, selectBaseGraph } from "./segmentation.js";
import type { ModulationAndCoding } from "./tbs.js";
import { mcsTable, resourceElements, transportBlockSize } from "./tbs.js";
import type { TransformPrecoding } from "./transform-precoding.js";
import { transformPrecode, transformPrecodedMcsTable } from "./transform-precoding.js";

/** One PUSCH transmission, frequency hopping disabled. */
export interface IndependentGrant {
  /** Slot in the frame. */
  readonly slot: number;
  readonly physCellId: number;
  readonly rnti: number;
  /** First PRB of the bandwidth part, counted from common resource block 0. */
  readonly bwpStart: number;
  readonly bwpSize: number;
  /** In kHz. */
  readonly subcarrierSpacing: 15 | 30 | 60;
  readonly cyclicPrefix: "normal" | "extended";
  /** First PRB in the bandwidth part. */
  readonly rbStart: number;
  readonly rbSize: number;
  readonly startSymbolIndex: number;
  readonly nrOfSymbols: number;
  readonly mappingType: "A" | "B";
  readonly dmrsTypeAPosition: 2 | 3;
  readonly dmrsAdditionalPosition: 0 | 1 | 2 | 3;
  readonly dmrsLength: 1 | 2;
  readonly dmrsConfigType: 1 | 2;
  readonly dmrsPorts: readonly number[];
  readonly numDmrsCdmGrpsNoData: number;
  /** N_ID of the DM-RS for this scid; physCellId where not configured. */
  readonly dmrsScramblingId?: number | undefined;
  readonly scid: 0 | 1;
  /** n_ID of scrambling; physCellId where not configured. */
  readonly dataScramblingId?: number | undefined;
  readonly mcsTable: 1 | 2 | 3;
  readonly mcsIndex: number;
  readonly rvIndex: 0 | 1 | 2 | 3;
  readonly nrOfLayers: number;
  readonly antennaPorts: number;
  /** TPMI of codebook-based transmission; without it the layers go to the ports as they are. */
  readonly tpmi?: number | undefined;
  /** Limited-buffer rate matching; without it the whole buffer is used. */
  readonly limitedBuffer?: LimitedBuffer | undefined;
  /** Without it transform precoding is disabled. */
  readonly transformPrecoding?: TransformPrecoding | undefined;
}

/** Everything that follows from a grant before a bit is known. */
export interface Dimensions extends ModulationAndCoding {
  readonly dmrs: DmrsSymbol[];
  readonly transportBlockSize: number;
  /** Resource elements with data. */
  readonly dataElements: number;
  /** G of TS 38.212 5.4.2.1. */
  readonly codedBits: number;
  readonly baseGraph: 1 | 2;
}

/** TS 38.214 6.1.4: modulation, code rate, transport block size and coded bits of a grant. */
export function dimensions(grant: IndependentGrant): Dimensions {
  const { modulationOrder, codeRate1024 } = modulationAndCoding(grant);
  const dmrs = dmrsSymbols(grant);
  const dmrsPerSymbol = (grant.dmrsConfigType === 1 ? 6 : 4) * grant.numDmrsCdmGrpsNoData;
  const size = transportBlockSize({
    resourceElements: resourceElements(grant.nrOfSymbols, dmrsPerSymbol * dmrs.length, 0, grant.rbSize),
    modulationOrder,
    codeRate1024,
    layers: grant.nrOfLayers,
  });
  const elements = dataElements(grant, dmrs).length;
  return {
    modulationOrder,
    codeRate1024,
    dmrs,
    transportBlockSize: size,
    dataElements: elements,
    codedBits: elements * modulationOrder * grant.nrOfLayers,
    baseGraph: selectBaseGraph(size, codeRate1024 / 1024),
  };
}

/** TS 38.214 6.1.4.1; mcs-TableTransformPrecoder chooses as mcs-Table does, but among the tables of its own. */
function modulationAndCoding({ mcsTable: table, mcsIndex, transformPrecoding }: IndependentGrant) {
  if (!transformPrecoding || table === 2) return mcsTable(table)[mcsIndex]!;
  return transformPrecodedMcsTable(table === 1 ? 1 : 2, transformPrecoding.pi2Bpsk)[mcsIndex]!;
}

/** The precoding matrix of a grant; throws for a TPMI that its table lacks. */
export function precodingMatrix(grant: IndependentGrant): PrecodingMatrix {
  if (grant.tpmi === undefined) {
    return identity(grant.nrOfLayers);
  }
  const w = codebook(grant.nrOfLayers, grant.antennaPorts, grant.transformPrecoding !== undefined)[
    grant.tpmi
  ];
  if (!w) {
    throw new Error(`no TPMI ${grant.tpmi} for ${grant.nrOfLayers} layers on ${grant.antennaPorts} ports`);
  }
  return w;
}

/** TS 38.212 6.2: CRC, segmentation, LDPC, rate matching and concatenation of a transport block. */
export function encodeTransportBlock(grant: IndependentGrant, transportBlock: readonly number[]): number[] {
  const { modulationOrder, codedBits, baseGraph: number } = dimensions(grant);
  const withCrc = attachCrc(transportBlockCrc(transportBlock.length), transportBlock);
  const { liftingSize, codeBlocks } = segment(withCrc, number);
  return rateMatch(encode(baseGraph(number), liftingSize, codeBlocks), {
    baseGraph: number,
    liftingSize,
    redundancyVersion: grant.rvIndex,
    codedBits,
    layers: grant.nrOfLayers,
    modulationOrder,
    limit: grant.limitedBuffer,
  });
}

/** TS 38.211 6.3.1.1: scrambling. */
export function scramble(grant: IndependentGrant, bits: readonly number[]): number[] {
  const c = goldSequence(grant.rnti * 2 ** 15 + (grant.dataScramblingId ?? grant.physCellId), bits.length);
  return bits.map((bit, i) => (bit + c[i]!) % 2);
}

/** What the DM-RS of a grant depend on, defaults resolved. */
export function dmrsTransmission(grant: IndependentGrant): DmrsTransmission {
  return {
    ...grant,
    symbolsPerSlot: symbolsPerSlot(grant.cyclicPrefix),
    dmrsScramblingId: grant.dmrsScramblingId ?? grant.physCellId,
    lowPapr: grant.transformPrecoding && {
      identity: grant.transformPrecoding.puschIdentity ?? grant.physCellId,
      hopping: grant.transformPrecoding.hopping,
    },
  };
}

/**
 * TS 38.211 6.3.1 and 6.4.1.1: the resource grid `[antenna port][OFDM symbol][subcarrier of the bandwidth part]` of
 * a slot from a grant and its transport block (`dimensions(grant).transportBlockSize` bits).
 */
export function transmit(grant: IndependentGrant, transportBlock: readonly number[]): Grid {
  const { modulationOrder, dmrs } = dimensions(grant);
  const symbols = symbolsPerSlot(grant.cyclicPrefix);
  const bits = scramble(grant, encodeTransportBlock(grant, transportBlock));
  const layers = mapToLayers(modulate(bits, modulationOrder as ModulationOrder), grant.nrOfLayers);
  const x = grant.transformPrecoding
    ? layers.map((layer) => transformPrecode(layer, 12 * grant.rbSize))
    : layers;
  const w = precodingMatrix(grant);
  const grid = emptyGrid(w.length, symbols, 12 * grant.bwpSize);
  mapData(grid, dataElements(grant, dmrs), x, w);
  mapDmrs(grid, dmrsTransmission(grant), dmrs, w);
  return grid;
}

/** TS 38.211 5.3.1 and 5.4: the slot's baseband signal by antenna port, the grid being the whole carrier. */
export function timeSignal(
  grant: IndependentGrant,
  grid: Grid,
  sampleRate: number,
  carrierFrequency: number,
): Complex[][] {
  const { slot, subcarrierSpacing, cyclicPrefix } = grant;
  const configuration = { slot, subcarrierSpacing, cyclicPrefix, sampleRate, carrierFrequency };
  return grid.map((port) => modulateSlot(port, configuration));
}
