import { z } from "zod";
import { InputError } from "../../errors.js";
import type { Carrier } from "./carrier.js";
import { DMRS_SYMBOLS, resolveDmrs } from "./grant-dmrs.js";
import { resolveTransformPrecoding, transformPrecodedOrder } from "./grant-transform-precoding.js";
import { mcs } from "./mcs.js";
import { slotsPerFrame, symbolsPerSlot } from "./numerology.js";
import { precodingMatrixCount } from "./precoding.js";
import { flag, oneOf, parseWith, wholeNumber } from "./schema.js";

/** Bits of the largest transport block: 275 PRBs, 156 resource elements each, 256QAM, rate 948/1024, four layers. */
const MAXIMUM_SIZE = 1_277_992;
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
  tpPi2BPSK: flag().optional(),
  puschIdentity: wholeNumber(0, 1007).optional(),
  groupOrSequenceHopping: oneOf("neither", "group", "sequence").optional(),
  dmrsUplinkTransformPrecoding: flag().optional(),
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
  /**
   * 1, 2, 3: TS 38.214 Tables 5.1.3.1-1, -2, -3; with transform precoding 6.1.4.1-1, 5.1.3.1-2, 6.1.4.1-2. Left
   * out: 1.
   */
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
  /**
   * Left out: as for a grant of DCI format 0_0, 1 up to two symbols without transform precoding, else 2 (TS 38.214
   * 6.2.2).
   */
  readonly numDmrsCdmGrpsNoData: 1 | 2 | 3;
  /** N_ID^nSCID of the DM-RS. Left out: `physCellId`. */
  readonly dmrsScramblingId: number;
  /** n_SCID. Left out: 0. */
  readonly scid: 0 | 1;
  /** n_ID of data scrambling. Left out: `physCellId`. */
  readonly dataScramblingId: number;
  /** False: OFDM. True: DFT-s-OFDM, on one layer and a number of PRBs without prime factors above 5. Left out: false. */
  readonly transformPrecoding: boolean;
  /**
   * tp-pi2BPSK: the lowest indices of the MCS tables with transform precoding are π/2-BPSK, else QPSK. With transform
   * precoding only. Left out: false.
   */
  readonly tpPi2BPSK?: boolean;
  /** n_ID^RS, nPUSCH-Identity, of the low-PAPR DM-RS. With transform precoding only. Left out: `physCellId`. */
  readonly puschIdentity?: number;
  /** What of the low-PAPR DM-RS changes from symbol to symbol. With transform precoding only. Left out: neither. */
  readonly groupOrSequenceHopping?: "neither" | "group" | "sequence";
  /**
   * dmrs-UplinkTransformPrecoding, by which DM-RS of π/2-BPSK would be low-PAPR sequences of type 2: true is refused, not
   * being supported. With transform precoding only. Left out: false.
   */
  readonly dmrsUplinkTransformPrecoding?: false;
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
  const transformPrecoding = resolveTransformPrecoding(given);
  const coding = resolveCoding(given, harqState);
  const layers = resolveLayers(given);
  const pilots = resolveDmrs(given, resources.startSymbolIndex, resources.nrOfSymbols, layers.nrOfLayers);
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
    ...transformPrecoding,
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
  const { modulationOrder, targetCodeRate } = mcs(mcsTable, given.mcsIndex, transformPrecodedOrder(given));
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
