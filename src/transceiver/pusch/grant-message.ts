import type { PuschConfiguration } from "./configuration.js";

/** DM-RS symbols that a message has room for: as many as a grant may list. */
export const MAXIMUM_DMRS_SYMBOLS = 8;

/**
 * Where each field of a grant message stands. The message is an int32 tensor of {@link GRANT_FIELDS}; it carries
 * what may change from slot to slot under one `configurationKey`, and what names the transport block.
 */
export const grantFieldIndex = Object.freeze({
  /** 1: a grant. 0: none in this slot, the one in force stays, and no other field is looked at. */
  valid: 0,
  /** Slot within its frame. */
  slot: 1,
  rnti: 2,
  /** c_init of data scrambling. */
  scramblingInit: 3,
  harqProcessId: 4,
  newDataIndicator: 5,
  rvIndex: 6,
  /** Q_m. */
  modulationOrder: 7,
  /** Bits. */
  transportBlockSize: 8,
  baseGraph: 9,
  /** Z_c. */
  liftingSize: 10,
  codeBlockCount: 11,
  dmrsSymbolCount: 12,
  /** TPMI of codebook-based transmission, -1 without. */
  tpmi: 13,
  /**
   * First of {@link MAXIMUM_DMRS_SYMBOLS}: what chooses the sequence of each DM-RS symbol (`dmrsInits`), 0 past
   * their count.
   */
  dmrsInits: 14,
});

/** Fields of a grant message. */
export const GRANT_FIELDS = grantFieldIndex.dmrsInits + MAXIMUM_DMRS_SYMBOLS;

/**
 * Writes a configuration as a valid grant message. Allocates nothing.
 * @param view of at least {@link GRANT_FIELDS} elements.
 */
export function writeGrantMessage(configuration: PuschConfiguration, view: Int32Array): void {
  const { grant, codeBlocks, dmrsInits } = configuration;
  view[grantFieldIndex.valid] = 1;
  view[grantFieldIndex.slot] = grant.slot;
  view[grantFieldIndex.rnti] = grant.rnti;
  view[grantFieldIndex.scramblingInit] = configuration.scramblingInit;
  view[grantFieldIndex.harqProcessId] = grant.harqProcessId;
  view[grantFieldIndex.newDataIndicator] = grant.newDataIndicator;
  view[grantFieldIndex.rvIndex] = grant.rvIndex;
  view[grantFieldIndex.modulationOrder] = configuration.modulationOrder;
  view[grantFieldIndex.transportBlockSize] = configuration.transportBlockSize;
  view[grantFieldIndex.baseGraph] = codeBlocks.baseGraph;
  view[grantFieldIndex.liftingSize] = codeBlocks.liftingSize;
  view[grantFieldIndex.codeBlockCount] = codeBlocks.count;
  view[grantFieldIndex.dmrsSymbolCount] = dmrsInits.length;
  view[grantFieldIndex.tpmi] = grant.tpmi ?? -1;
  for (let index = 0; index < MAXIMUM_DMRS_SYMBOLS; index++)
    view[grantFieldIndex.dmrsInits + index] = dmrsInits[index] ?? 0;
}
