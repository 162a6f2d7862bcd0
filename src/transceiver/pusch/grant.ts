import { z } from "zod";
import { InputError } from "../../errors.js";
import type { Carrier } from "./carrier.js";
import { dmrsCdmGroup, dmrsPortCount } from "./dmrs-ports.js";
import { type DmrsLength, dmrsSymbolPositions } from "./dmrs-positions.js";
import { mcs } from "./mcs.js";
import { slotsPerFrame, symbolsPerSlot } from "./numerology.js";
import { precodingMatrixCount } from "./precoding.js";
import { flag, oneOf, parseWith, wholeNumber } from "./schema.js";

/** Bits of the largest transport block: 275 PRBs, 156 resource elements each, 256QAM, rate 948/1024, four layers. */
const MAXIMUM_SIZE = 1_277_992;
const DMRS_SYMBOLS = "give a list of symbol indices of the slot, ascending";
const DMRS_PORTS = "give a list of as many DM-RS ports as there are layers, counted from 0";
const CODE_RATE = "give the code rate of the first transmission, above 0 and below 1";

/**
 * The fields of a PUSCH grant, in the design's names and the standard's numbers. What each means, and what holds
 * where it is left out, stands at {@link PuschGrant}.
 */
export const puschGrantSchema = z.strictObject({
  slot: wholeNumber(0, 39),
  physCellId: wholeNumber(0, 1007),
  rnti: wholeNumber(1, 65535),
  subcarrierSpacing: oneOf(15, 30, 60).optional(),
  cyclicPrefix: oneOf("normal", "extended").optional(),
  bwpStart: wholeNumber(0, 2473).optional(),
  bwpSize: wholeNumber(1, 275).optional(),
  rbStart: wholeNumber(0, 274),
  rbSize: wholeNumber(1, 275),
  startSymbolIndex: wholeNumber(0, 13).optional(),
  nrOfSymbols: wholeNumber(1, 14).optional(),
  mcsTable: oneOf(1, 2, 3).optional(),
  mcsIndex: wholeNumber(0, 31),
  rvIndex: oneOf(0, 1, 2, 3).optional(),
  harqProcessId: wholeNumber(0, 15).optional(),
  newDataIndicator: oneOf(0, 1).optional(),
  nrOfLayers: oneOf(1, 2, 3, 4).optional(),
  dmrsConfigType: oneOf(1, 2).optional(),
  dmrsMappingType: oneOf("A", "B").optional(),
  dmrsTypeAPosition: oneOf(2, 3).optional(),
  dmrsLength: oneOf(1, 2).optional(),
  dmrsAdditionalPosition: oneOf(0, 1, 2, 3).optional(),
  dmrsSymbPos: z.array(wholeNumber(0, 13), DMRS_SYMBOLS).min(1, DMRS_SYMBOLS).max(8, DMRS_SYMBOLS).optional(),
  dmrsPorts: z.array(wholeNumber(0, 11), DMRS_PORTS).min(1, DMRS_PORTS).max(4, DMRS_PORTS).optional(),
  numDmrsCdmGrpsNoData: oneOf(1, 2, 3).optional(),
  dmrsScramblingId: wholeNumber(0, 65535).optional(),
  scid: oneOf(0, 1).optional(),
  dataScramblingId: wholeNumber(0, 1023).optional(),
  transformPrecoding: flag().optional(),
  numberOfAntennaPorts: wholeNumber(1, 4).optional(),
  tpmi: wholeNumber(0, 27).optional(),
  xOverhead: oneOf(0, 6, 12, 18).optional(),
  limitedBufferRateMatching: flag().optional(),
  maxMimoLayers: oneOf(1, 2, 3, 4).optional(),
  maxModulationOrder: oneOf(6, 8).optional(),
  transportBlockSize: wholeNumber(24, MAXIMUM_SIZE).multipleOf(8, "give a multiple of 8 bits").optional(),
  targetCodeRate: z.number(CODE_RATE).gt(0, CODE_RATE).lt(1, CODE_RATE).optional(),
});

/** What a grant is given by: a {@link PuschGrant} in which whatever the standard gives a default may be left out. */
export type PuschGrantInput = z.input<typeof puschGrantSchema>;

/** A checked PUSCH grant: every default filled in. */
export interface PuschGrant {
  /** Slot within its frame, n_s,f^µ. */
  readonly slot: number;
  readonly physCellId: number;
  readonly rnti: number;
  /** kHz. Left out: the carrier's. */
  readonly subcarrierSpacing: 15 | 30 | 60;
  /** Left out: the carrier's, else normal. */
  readonly cyclicPrefix: "normal" | "extended";
  /** N_BWP^start: first resource block of the bandwidth part, from common resource block 0. Left out: the carrier's. */
  readonly bwpStart: number;
  /** Resource blocks of the bandwidth part. Left out: all of the carrier from `bwpStart`. */
  readonly bwpSize: number;
  /** First resource block of the allocation, within the bandwidth part. */
  readonly rbStart: number;
  readonly rbSize: number;
  /** First OFDM symbol of the allocation. Left out: 0. */
  readonly startSymbolIndex: number;
  /** Left out: the rest of the slot. */
  readonly nrOfSymbols: number;
  /** 1, 2, 3: TS 38.214 Tables 5.1.3.1-1, -2, -3. Left out: 1. */
  readonly mcsTable: 1 | 2 | 3;
  readonly mcsIndex: number;
  /** Left out: 0. */
  readonly rvIndex: 0 | 1 | 2 | 3;
  /** Left out: 0. */
  readonly harqProcessId: number;
  /** 1: a new transport block, 0: a retransmission. Left out: 1, or 0 where the MCS index is reserved. */
  readonly newDataIndicator: 0 | 1;
  /** Left out: 1. */
  readonly nrOfLayers: 1 | 2 | 3 | 4;
  /** Left out: 1. */
  readonly dmrsConfigType: 1 | 2;
  /** Left out: A where the allocation starts with the slot, else B. */
  readonly dmrsMappingType: "A" | "B";
  /** dmrs-TypeA-Position, l0 of mapping type A. Left out: 2. */
  readonly dmrsTypeAPosition: 2 | 3;
  /** Symbols of a DM-RS position. Left out: 2 where `dmrsSymbPos` is made of pairs of neighbours, else 1. */
  readonly dmrsLength: 1 | 2;
  /** OFDM symbols of the slot with DM-RS, ascending. Left out: those of `dmrsAdditionalPosition`, itself 2 if left out. */
  readonly dmrsSymbPos: readonly number[];
  /** DM-RS port of each layer. Left out: the first ones. */
  readonly dmrsPorts: readonly number[];
  /** Left out: as for a grant of DCI format 0_0, 1 up to two symbols, else 2 (TS 38.214 6.2.2). */
  readonly numDmrsCdmGrpsNoData: 1 | 2 | 3;
  /** N_ID^nSCID of the DM-RS. Left out: `physCellId`. */
  readonly dmrsScramblingId: number;
  /** n_SCID. Left out: 0. */
  readonly scid: 0 | 1;
  /** n_ID of data scrambling. Left out: `physCellId`. */
  readonly dataScramblingId: number;
  /** False: OFDM. DFT-s-OFDM is refused, not being supported. */
  readonly transformPrecoding: false;
  /** Antenna ports of the transmitter. Left out: one a layer. */
  readonly numberOfAntennaPorts: number;
  /** Codebook index (TS 38.211 6.3.1.5). Absent: non-codebook transmission, each layer on its own port. */
  readonly tpmi?: number;
  /** N_oh^PRB of TS 38.214 5.1.3.2. Left out: 0. */
  readonly xOverhead: 0 | 6 | 12 | 18;
  /** I_LBRM of TS 38.212 5.4.2.1. Left out: false. */
  readonly limitedBufferRateMatching: boolean;
  /** Layers the limited buffer is sized for; needed with `limitedBufferRateMatching`, has no other effect. */
  readonly maxMimoLayers?: 1 | 2 | 3 | 4;
  /** Modulation order the limited buffer is sized for. Left out: 8 with MCS table 2, else 6. */
  readonly maxModulationOrder: 6 | 8;
  /** Transport block size in bits of the first transmission; where the MCS index is reserved, and only there. */
  readonly transportBlockSize?: number;
  /** Code rate of the first transmission, which chose the base graph; as `transportBlockSize`. */
  readonly targetCodeRate?: number;
}

/** What a HARQ process remembers of a transport block's first transmission. */
export interface HarqState {
  /** Bits. */
  readonly transportBlockSize: number;
  /** R, from 0 to 1. */
  readonly targetCodeRate: number;
}

/**
 * Checks a grant, on its own and, where one is given, against the carrier it is for, and fills in the defaults.
 * A grant that it returned is accepted again unchanged.
 * @param harqState of the grant's HARQ process: resolves a reserved MCS index, which gives the modulation order
 * only (TS 38.214 6.1.4.1); not looked at otherwise.
 * @throws InputError naming the field, its value and what is allowed.
 */
export function parseGrant(value: unknown, carrier?: Carrier, harqState?: HarqState): PuschGrant {
  const given = parseWith(puschGrantSchema, value, "PUSCH grant");
  const resources = resolveResources(given, carrier);
  const coding = resolveCoding(given, harqState);
  const layers = resolveLayers(given);
  const pilots = resolveDmrs(given, resources.startSymbolIndex, resources.nrOfSymbols, layers.nrOfLayers);
  if (given.transformPrecoding)
    throw new InputError("transformPrecoding", true, "DFT-s-OFDM is not supported; give false");
  return Object.freeze({
    slot: given.slot,
    physCellId: given.physCellId,
    rnti: given.rnti,
    ...resources,
    ...coding,
    harqProcessId: given.harqProcessId ?? 0,
    ...layers,
    ...pilots,
    dmrsScramblingId: given.dmrsScramblingId ?? given.physCellId,
    scid: given.scid ?? 0,
    dataScramblingId: given.dataScramblingId ?? given.physCellId,
    transformPrecoding: false as const,
  });
}

/** Numerology, bandwidth part and the allocation in frequency and time. */
function resolveResources(given: PuschGrantInput, carrier: Carrier | undefined) {
  const subcarrierSpacing = sameAsCarrier(
    "subcarrierSpacing",
    given.subcarrierSpacing,
    carrier?.subcarrierSpacing,
  );
  const cyclicPrefix = sameAsCarrier(
    "cyclicPrefix",
    given.cyclicPrefix ?? (carrier ? undefined : "normal"),
    carrier?.cyclicPrefix,
  );
  if (cyclicPrefix === "extended" && subcarrierSpacing !== 60)
    throw new InputError("cyclicPrefix", "extended", "the extended cyclic prefix exists at 60 kHz only");
  const slots = slotsPerFrame(subcarrierSpacing);
  if (given.slot >= slots)
    throw new InputError(
      "slot",
      given.slot,
      `a frame at ${subcarrierSpacing} kHz has slots 0 to ${slots - 1}`,
    );

  const gridStart = carrier?.offsetToCarrier ?? 0;
  const gridEnd = carrier && gridStart + carrier.carrierPrbs;
  const bwpStart = given.bwpStart ?? gridStart;
  if (bwpStart < gridStart || (gridEnd !== undefined && bwpStart >= gridEnd))
    throw new InputError(
      "bwpStart",
      bwpStart,
      `the carrier has resource blocks ${gridStart} to ${gridEnd! - 1}`,
    );
  const bwpSize = given.bwpSize ?? (gridEnd === undefined ? undefined : gridEnd - bwpStart);
  if (bwpSize === undefined)
    throw new InputError("bwpSize", undefined, "without a carrier give a whole number from 1 to 275");
  if (gridEnd !== undefined && bwpStart + bwpSize > gridEnd)
    throw new InputError(
      "bwpSize",
      bwpSize,
      `bwpStart + bwpSize may be at most ${gridEnd}, the carrier's end`,
    );
  if (given.rbStart >= bwpSize)
    throw new InputError(
      "rbStart",
      given.rbStart,
      `the bandwidth part has resource blocks 0 to ${bwpSize - 1}`,
    );
  if (given.rbStart + given.rbSize > bwpSize)
    throw new InputError(
      "rbSize",
      given.rbSize,
      `give at most ${bwpSize - given.rbStart}: bwpSize - rbStart`,
    );

  const symbols = symbolsPerSlot(cyclicPrefix);
  const startSymbolIndex = given.startSymbolIndex ?? 0;
  if (startSymbolIndex >= symbols)
    throw new InputError("startSymbolIndex", startSymbolIndex, `the slot has symbols 0 to ${symbols - 1}`);
  const nrOfSymbols = given.nrOfSymbols ?? symbols - startSymbolIndex;
  if (startSymbolIndex + nrOfSymbols > symbols)
    throw new InputError(
      "nrOfSymbols",
      nrOfSymbols,
      `give at most ${symbols - startSymbolIndex}: the slot ends there`,
    );
  return {
    subcarrierSpacing,
    cyclicPrefix,
    bwpStart,
    bwpSize,
    rbStart: given.rbStart,
    rbSize: given.rbSize,
    startSymbolIndex,
    nrOfSymbols,
  };
}

function sameAsCarrier<T extends string | number>(
  field: string,
  given: T | undefined,
  carriers: T | undefined,
): T {
  const value = given ?? carriers;
  if (value === undefined) throw new InputError(field, undefined, "it cannot be left out without a carrier");
  if (carriers !== undefined && value !== carriers)
    throw new InputError(field, value, `the carrier's is ${JSON.stringify(carriers)}`);
  return value;
}

/** Modulation and coding scheme, redundancy version and soft buffer. */
function resolveCoding(given: PuschGrantInput, harqState: HarqState | undefined) {
  const mcsTable = given.mcsTable ?? 1;
  const { modulationOrder, targetCodeRate } = mcs(mcsTable, given.mcsIndex);
  const reserved = targetCodeRate === undefined;
  const first = {
    transportBlockSize: given.transportBlockSize ?? (reserved ? harqState?.transportBlockSize : undefined),
    targetCodeRate: given.targetCodeRate ?? (reserved ? harqState?.targetCodeRate : undefined),
  };
  if (reserved && given.newDataIndicator === 1)
    throw new InputError(
      "newDataIndicator",
      1,
      `MCS index ${given.mcsIndex} is reserved for retransmissions; give 0`,
    );
  for (const field of ["transportBlockSize", "targetCodeRate"] as const) {
    if (reserved && first[field] === undefined)
      throw new InputError(
        "mcsIndex",
        given.mcsIndex,
        `it is reserved in MCS table ${mcsTable}: receive the first transmission before, or give ${field}`,
      );
    if (!reserved && first[field] !== undefined)
      throw new InputError(field, first[field], `MCS index ${given.mcsIndex} determines it; leave it out`);
  }
  const limitedBufferRateMatching = given.limitedBufferRateMatching ?? false;
  if (limitedBufferRateMatching && given.maxMimoLayers === undefined)
    throw new InputError("maxMimoLayers", undefined, "with limitedBufferRateMatching give 1 to 4");
  if (given.maxMimoLayers !== undefined && given.maxMimoLayers < (given.nrOfLayers ?? 1))
    throw new InputError(
      "maxMimoLayers",
      given.maxMimoLayers,
      `give at least nrOfLayers, ${given.nrOfLayers}`,
    );
  const maxModulationOrder = given.maxModulationOrder ?? (mcsTable === 2 ? 8 : 6);
  if (modulationOrder > maxModulationOrder)
    throw new InputError(
      "maxModulationOrder",
      maxModulationOrder,
      `MCS index ${given.mcsIndex} has ${modulationOrder}`,
    );
  return {
    mcsTable,
    mcsIndex: given.mcsIndex,
    rvIndex: given.rvIndex ?? 0,
    newDataIndicator: given.newDataIndicator ?? (reserved ? 0 : 1),
    xOverhead: given.xOverhead ?? 0,
    limitedBufferRateMatching,
    maxModulationOrder,
    ...(given.maxMimoLayers === undefined ? {} : { maxMimoLayers: given.maxMimoLayers }),
    ...(first.transportBlockSize === undefined ? {} : { transportBlockSize: first.transportBlockSize }),
    ...(first.targetCodeRate === undefined ? {} : { targetCodeRate: first.targetCodeRate }),
  } as const;
}

/** Layers and antenna ports. */
function resolveLayers(given: PuschGrantInput) {
  const nrOfLayers = given.nrOfLayers ?? 1;
  if (given.tpmi === undefined) {
    if (given.numberOfAntennaPorts !== undefined && given.numberOfAntennaPorts !== nrOfLayers)
      throw new InputError(
        "numberOfAntennaPorts",
        given.numberOfAntennaPorts,
        `without tpmi every layer has its own port; give ${nrOfLayers} or a tpmi`,
      );
    return { nrOfLayers, numberOfAntennaPorts: nrOfLayers };
  }
  const ports = given.numberOfAntennaPorts;
  if (ports !== 2 && ports !== 4)
    throw new InputError("numberOfAntennaPorts", ports, "a tpmi needs 2 or 4 antenna ports");
  const matrices = precodingMatrixCount(nrOfLayers, ports);
  if (matrices === 0)
    throw new InputError("nrOfLayers", nrOfLayers, `${ports} antenna ports carry at most ${ports} layers`);
  if (given.tpmi >= matrices)
    throw new InputError(
      "tpmi",
      given.tpmi,
      `give 0 to ${matrices - 1} for ${nrOfLayers} layers on ${ports} antenna ports`,
    );
  return { nrOfLayers, numberOfAntennaPorts: ports, tpmi: given.tpmi };
}

/** DM-RS symbols and ports. */
function resolveDmrs(given: PuschGrantInput, start: number, count: number, nrOfLayers: number) {
  const dmrsConfigType = given.dmrsConfigType ?? 1;
  const dmrsMappingType = given.dmrsMappingType ?? (start === 0 ? "A" : "B");
  if (dmrsMappingType === "A" && start !== 0)
    throw new InputError(
      "dmrsMappingType",
      "A",
      "mapping type A starts at symbol 0; give B or startSymbolIndex 0",
    );
  const dmrsTypeAPosition = given.dmrsTypeAPosition ?? 2;
  const dmrsLength = given.dmrsLength ?? (isPairs(given.dmrsSymbPos ?? []) ? 2 : 1);
  const placed =
    given.dmrsSymbPos && given.dmrsAdditionalPosition === undefined
      ? undefined
      : dmrsSymbolPositions({
          mappingType: dmrsMappingType,
          length: dmrsLength,
          additionalPosition: given.dmrsAdditionalPosition ?? defaultAdditionalPosition(dmrsLength),
          typeAPosition: dmrsTypeAPosition,
          startSymbolIndex: start,
          nrOfSymbols: count,
        });
  const dmrsSymbPos = given.dmrsSymbPos ?? placed;
  if (dmrsSymbPos === undefined)
    throw new InputError(
      "dmrsAdditionalPosition",
      given.dmrsAdditionalPosition,
      `TS 38.211 6.4.1.1.3 has no such positions for mapping type ${dmrsMappingType}, ${count} symbols, dmrsLength ${dmrsLength} and dmrsTypeAPosition ${dmrsTypeAPosition}`,
    );
  if (given.dmrsAdditionalPosition !== undefined && String(placed) !== String(dmrsSymbPos))
    throw new InputError(
      "dmrsSymbPos",
      dmrsSymbPos,
      `dmrsAdditionalPosition gives ${placed ?? "none"}; leave one out`,
    );
  checkSymbols(dmrsSymbPos, dmrsLength, start, count);

  const dmrsPorts = given.dmrsPorts ?? Array.from({ length: nrOfLayers }, (_, layer) => layer);
  if (dmrsPorts.length !== nrOfLayers || new Set(dmrsPorts).size !== nrOfLayers)
    throw new InputError("dmrsPorts", dmrsPorts, `give ${nrOfLayers} different ports, one a layer`);
  const ports = dmrsPortCount(dmrsConfigType, dmrsLength);
  if (dmrsPorts.some((port) => port >= ports))
    throw new InputError(
      "dmrsPorts",
      dmrsPorts,
      `DM-RS type ${dmrsConfigType} with dmrsLength ${dmrsLength} has ports 0 to ${ports - 1}`,
    );
  const numDmrsCdmGrpsNoData = given.numDmrsCdmGrpsNoData ?? (count <= 2 ? 1 : 2);
  const groups = dmrsConfigType === 1 ? 2 : 3;
  const lowest = 1 + Math.max(...dmrsPorts.map((port) => dmrsCdmGroup(dmrsConfigType, port)));
  if (numDmrsCdmGrpsNoData < lowest || numDmrsCdmGrpsNoData > groups)
    throw new InputError(
      "numDmrsCdmGrpsNoData",
      numDmrsCdmGrpsNoData,
      `give ${lowest} to ${groups}: DM-RS type ${dmrsConfigType} has ${groups} groups and the ports lie in the first ${lowest}`,
    );
  return {
    dmrsConfigType,
    dmrsMappingType,
    dmrsTypeAPosition,
    dmrsLength,
    dmrsSymbPos: Object.freeze([...dmrsSymbPos]),
    dmrsPorts: Object.freeze([...dmrsPorts]),
    numDmrsCdmGrpsNoData,
  } as const;
}

/** RRC gives dmrs-AdditionalPosition pos2 where it is absent; double-symbol DM-RS has no more than pos1. */
function defaultAdditionalPosition(length: DmrsLength): 1 | 2 {
  return length === 2 ? 1 : 2;
}

function isPairs(symbols: readonly number[]): boolean {
  return (
    symbols.length >= 2 &&
    symbols.length % 2 === 0 &&
    symbols.every((symbol, index) => index % 2 === 0 || symbol === symbols[index - 1]! + 1)
  );
}

function checkSymbols(symbols: readonly number[], length: DmrsLength, start: number, count: number): void {
  if (symbols.some((symbol, index) => index > 0 && symbol <= symbols[index - 1]!))
    throw new InputError("dmrsSymbPos", symbols, DMRS_SYMBOLS);
  if (symbols.some((symbol) => symbol < start || symbol >= start + count))
    throw new InputError(
      "dmrsSymbPos",
      symbols,
      `DM-RS must lie inside the allocation, symbols ${start} to ${start + count - 1}`,
    );
  if (length === 2 && !isPairs(symbols))
    throw new InputError("dmrsSymbPos", symbols, "with dmrsLength 2 give pairs of neighbouring symbols");
}
