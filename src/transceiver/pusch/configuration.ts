import { InputError } from "../../errors.js";
import { type Allocation, allocation } from "./allocation.js";
import type { Carrier } from "./carrier.js";
import { type CodeBlocks, codeBlocks } from "./code-blocks.js";
import { type Dmrs, dmrs, dmrsInits } from "./dmrs.js";
import { scramblingInit } from "./gold-sequence.js";
import type { PuschGrant } from "./grant.js";
import { transformPrecodedOrder } from "./grant-transform-precoding.js";
import { type ModulationOrder, mcs } from "./mcs.js";
import { type RateMatching, rateMatching } from "./rate-matching.js";
import { limitedBufferTransportBlockSize, transportBlockSize } from "./transport-block-size.js";

/** Everything that the standard derives from a PUSCH grant on a carrier. */
export interface PuschConfiguration {
  readonly carrier: Carrier;
  readonly grant: PuschGrant;
  /** Q_m. */
  readonly modulationOrder: ModulationOrder;
  /** R, from 0 to 1; that of the first transmission. */
  readonly targetCodeRate: number;
  /** A, bits. */
  readonly transportBlockSize: number;
  /** υ. */
  readonly layers: number;
  readonly antennaPorts: number;
  readonly allocation: Allocation;
  readonly dmrs: Dmrs;
  /** G: bits of the codeword. */
  readonly codewordBits: number;
  readonly codeBlocks: CodeBlocks;
  readonly rateMatching: RateMatching;
  /** c_init of data scrambling. */
  readonly scramblingInit: number;
  /** What chooses the DM-RS sequence of each symbol of `dmrs.symbols`: c_init, or 30·v + u of a low-PAPR one. */
  readonly dmrsInits: readonly number[];
}

/**
 * Derives a configuration from a carrier and a grant that `parseGrant` checked against it.
 * @throws InputError where DM-RS or overhead leave no resource element for data, or a given transport block size is impossible.
 */
export function puschConfiguration(carrier: Carrier, grant: PuschGrant): PuschConfiguration {
  const { modulationOrder, ...row } = mcs(grant.mcsTable, grant.mcsIndex, transformPrecodedOrder(grant));
  // parseGrant sees to it that a reserved index comes with the code rate.
  const targetCodeRate = row.targetCodeRate ?? grant.targetCodeRate!;
  const layout = allocation(carrier, grant);
  if (layout.dataResourceElements === 0)
    throw new InputError(
      "nrOfSymbols",
      grant.nrOfSymbols,
      "DM-RS leaves no resource element for data; give more symbols",
    );
  if (12 * grant.nrOfSymbols - layout.dmrsPerPrb <= grant.xOverhead)
    throw new InputError("xOverhead", grant.xOverhead, "it leaves no resource element for data; give less");
  const size =
    grant.transportBlockSize ??
    transportBlockSize({
      prbs: grant.rbSize,
      symbols: grant.nrOfSymbols,
      dmrsPerPrb: layout.dmrsPerPrb,
      overheadPerPrb: grant.xOverhead,
      modulationOrder,
      targetCodeRate,
      layers: grant.nrOfLayers,
      scaling: 1,
    });
  const blocks = codeBlocks(size, targetCodeRate);
  const codewordBits = layout.dataResourceElements * modulationOrder * grant.nrOfLayers;
  const limitedBufferSize = grant.limitedBufferRateMatching
    ? limitedBufferTransportBlockSize(grant.bwpSize, grant.maxMimoLayers!, grant.maxModulationOrder)
    : undefined;
  return Object.freeze({
    carrier,
    grant,
    modulationOrder,
    targetCodeRate,
    transportBlockSize: size,
    layers: grant.nrOfLayers,
    antennaPorts: grant.numberOfAntennaPorts,
    allocation: layout,
    dmrs: dmrs(grant),
    codewordBits,
    codeBlocks: blocks,
    rateMatching: rateMatching(
      blocks,
      codewordBits,
      grant.nrOfLayers,
      modulationOrder,
      grant.rvIndex,
      limitedBufferSize,
    ),
    scramblingInit: scramblingInit(grant.rnti, grant.dataScramblingId),
    dmrsInits: Object.freeze(dmrsInits(grant)),
  });
}

/**
 * A key that is equal for configurations that differ only in what changes no shape and no table: slot, identities
 * (cell, RNTI, scrambling, n_SCID), HARQ process and new-data indicator. What one of them was prepared for serves all.
 */
export function configurationKey(configuration: PuschConfiguration): string {
  const { carrier, grant, modulationOrder, transportBlockSize: size, rateMatching: matching } = configuration;
  return [
    carrier.subcarrierSpacing,
    carrier.cyclicPrefix,
    carrier.carrierPrbs,
    carrier.offsetToCarrier,
    carrier.sampleRate,
    carrier.carrierFrequency,
    grant.bwpStart + grant.rbStart,
    grant.rbSize,
    grant.startSymbolIndex,
    grant.nrOfSymbols,
    modulationOrder,
    configuration.codeBlocks.baseGraph,
    size,
    grant.nrOfLayers,
    grant.numberOfAntennaPorts,
    grant.tpmi ?? "",
    grant.dmrsConfigType,
    grant.dmrsLength,
    grant.dmrsSymbPos.join("."),
    grant.dmrsPorts.join("."),
    grant.numDmrsCdmGrpsNoData,
    grant.transformPrecoding,
    matching.circularBufferSize,
    matching.start,
  ].join(",");
}
