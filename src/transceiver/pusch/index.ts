export { type Allocation, allocation, dataResourceIndices } from "./allocation.js";
export { TRANSMISSION_BANDWIDTHS } from "./bandwidths.js";
export { type Carrier, type CarrierInput, compactCarrier, parseCarrier } from "./carrier.js";
export { type CodeBlocks, chooseBaseGraph, codeBlocks } from "./code-blocks.js";
export { configurationKey, type PuschConfiguration, puschConfiguration } from "./configuration.js";
export {
  type Dmrs,
  type DmrsSequence,
  type DmrsSequenceType,
  dmrs,
  dmrsInits,
  dmrsWeight,
  prepareDmrsSequence,
} from "./dmrs.js";
export {
  type DmrsConfigType,
  type DmrsPort,
  dmrsCdmGroup,
  dmrsPort,
  dmrsPortCount,
  dmrsSubcarrier,
  dmrsSubcarriersPerBlock,
} from "./dmrs-ports.js";
export {
  type DmrsAdditionalPosition,
  type DmrsLength,
  type DmrsMappingType,
  type DmrsPlacement,
  dmrsSymbolPositions,
} from "./dmrs-positions.js";
export { goldBits, goldSequence, scramblingInit } from "./gold-sequence.js";
export {
  type HarqState,
  type PuschGrant,
  type PuschGrantInput,
  parseGrant,
  puschGrantSchema,
} from "./grant.js";
export { GRANT_FIELDS, grantFieldIndex, MAXIMUM_DMRS_SYMBOLS, writeGrantMessage } from "./grant-message.js";
export { type LowPaprSequence, prepareLowPaprSequence } from "./low-papr-sequence.js";
export { type Mcs, type McsTable, type ModulationOrder, mcs } from "./mcs.js";
export {
  type CyclicPrefix,
  numerology,
  type SubcarrierSpacing,
  type SymbolTiming,
  slotSamples,
  slotStart,
  slotsPerFrame,
  slotsPerSubframe,
  symbolPhases,
  symbolsPerSlot,
  symbolTimings,
  type Timing,
  transformSize,
} from "./numerology.js";
export { precodingMatrix, precodingMatrixCount } from "./precoding.js";
export { type RateMatching, rateMatching } from "./rate-matching.js";
export {
  limitedBufferTransportBlockSize,
  type TransportBlockResources,
  transportBlockSize,
} from "./transport-block-size.js";
