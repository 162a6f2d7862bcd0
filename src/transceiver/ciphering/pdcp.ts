import type { Confidentiality } from "./confidentiality.js";
import type { Integrity } from "./integrity.js";

/**
 * PDCP of a data radio bearer (TS 38.323): COUNT, ciphering, integrity, discarding of duplicates. SDUs go up as soon
 * as they are verified (outOfOrderDelivery of TS 38.331), with their COUNT: so the whole state is numbers.
 *
 * Invariants:
 * 1. A COUNT is used for one SDU only; the last COUNT is never used, so TX_NEXT at it says that the keys are spent.
 * 2. RX_DELIV <= RX_NEXT, and every SDU below RX_DELIV was delivered or given up.
 * 3. The bit of COUNT modulo the window is set exactly for the COUNTs of RX_DELIV to RX_DELIV + window - 1 that were
 *    delivered; bit RX_DELIV is never set between calls.
 * 4. Nothing of the state changes for a PDU that is discarded.
 * 5. The reordering timer runs (REORDERING_SLOTS above 0) exactly when RX_DELIV < RX_NEXT.
 */

/** COUNT of the next SDU to be sent, in the state of the transmitting entity. */
export const TX_NEXT = 0;

/** Words of the state of a transmitting entity. */
export const PDCP_TRANSMIT_STATE_WORDS = 1;

/** COUNT of the next SDU expected, in the state of the receiving entity. */
export const RX_NEXT = 0;
/** COUNT of the first SDU not delivered and still waited for. */
export const RX_DELIV = 1;
/** COUNT after the one that started the reordering timer. */
export const RX_REORD = 2;
/** Slots until the reordering timer expires; 0: not running. */
export const REORDERING_SLOTS = 3;
/** First word of the bitmap of delivered COUNTs (invariant 3). */
export const RECEIVED = 4;

const LONGEST_SN = 18;

/** Words of the state of a receiving entity: the numbers and the bitmap of the largest window. */
export const PDCP_RECEIVE_STATE_WORDS = RECEIVED + 2 ** (LONGEST_SN - 1) / 32;

/** Bytes of the largest PDCP SDU (TS 38.323 4.3.1). */
export const LONGEST_PDCP_SDU = 9000;

const LAST_COUNT = 0xffffffff;
const MAC_I_BYTES = 4;

/** A PDCP entity's configuration with its algorithms, prepared with their keys. */
export interface PdcpConfiguration {
  /** Bits of the sequence number. */
  readonly snLength: 12 | 18;
  /** BEARER: the radio bearer identity minus 1, 0 to 31. */
  readonly bearer: number;
  /** 0 uplink, 1 downlink. */
  readonly direction: 0 | 1;
  /** True when SDUs begin with an SDAP header of one octet, which is not ciphered (TS 38.323 5.8). */
  readonly sdapHeader: boolean;
  /** Slots of t-Reordering: how long a gap is waited for; 0 gives up at once. */
  readonly reorderingSlots: number;
  readonly cipher: Confidentiality;
  /** Without one, PDUs carry no MAC-I. */
  readonly authenticate: Integrity | undefined;
  /** False for nia0 only: the receiver does not check the null algorithm's MAC-I (TS 33.501 D.1). */
  readonly checkMacI: boolean;
}

/** A receiving or transmitting entity: its configuration, its workspace, and where the last SDU received lies. */
export interface Pdcp {
  readonly configuration: PdcpConfiguration;
  readonly workspace: Uint8Array;
  /** After PDCP_DELIVERED: the SDU in the workspace and its COUNT. */
  readonly delivery: { count: number; start: number; length: number };
}

/**
 * An entity. Its state is kept elsewhere and handed to each call.
 *
 * @param workspace as long as the longest PDU to be received; its content need not outlive a call. A transmitting
 * entity needs none.
 */
export function createPdcp(configuration: PdcpConfiguration, workspace: Uint8Array): Pdcp {
  return { configuration, workspace, delivery: { count: 0, start: 0, length: 0 } };
}

function headerBytes(configuration: PdcpConfiguration): number {
  return configuration.snLength === 12 ? 2 : 3;
}

/** Bytes that a PDU has more than its SDU: the header, and the MAC-I where there is one. */
export function pdcpOverheadBytes(configuration: PdcpConfiguration): number {
  return headerBytes(configuration) + (configuration.authenticate === undefined ? 0 : MAC_I_BYTES);
}

/** True when all COUNTs were used: nothing more can be sent under these keys (TS 33.501 6.6.2). */
export function isCountExhausted(state: Uint32Array): boolean {
  return state[TX_NEXT] === LAST_COUNT;
}

/**
 * Makes the PDU of one SDU (TS 38.323 5.2.1, 6.2.2.2, 6.2.2.3): header, integrity over header and SDU, ciphering of
 * SDU and MAC-I.
 *
 * @param state of the transmitting entity; TX_NEXT is counted up
 * @param length bytes of the SDU from `start` of `sdu`: 1 to {@link LONGEST_PDCP_SDU}
 * @param pdu has room for length + pdcpOverheadBytes from `position`
 * @returns the position after the PDU, or -1 with nothing written when the COUNTs are exhausted
 */
export function transmitPdcp(
  entity: Pdcp,
  state: Uint32Array,
  sdu: Uint8Array,
  start: number,
  length: number,
  pdu: Uint8Array,
  position: number,
): number {
  if (isCountExhausted(state)) return -1;
  const { configuration } = entity;
  const { bearer, direction, snLength } = configuration;
  const count = state[TX_NEXT]!;
  const header = headerBytes(configuration);
  const sn = count & (2 ** snLength - 1);
  if (snLength === 12) {
    pdu[position] = 0x80 | (sn >>> 8);
    pdu[position + 1] = sn;
  } else {
    pdu[position] = 0x80 | (sn >>> 16);
    pdu[position + 1] = sn >>> 8;
    pdu[position + 2] = sn;
  }
  for (let i = 0; i < length; i++) pdu[position + header + i] = sdu[start + i]!;
  let end = position + header + length;
  if (configuration.authenticate !== undefined) {
    const mac = configuration.authenticate(count, bearer, direction, pdu, position, 8 * (end - position));
    pdu[end] = mac >>> 24;
    pdu[end + 1] = mac >>> 16;
    pdu[end + 2] = mac >>> 8;
    pdu[end + 3] = mac;
    end += MAC_I_BYTES;
  }
  const ciphered = position + header + (configuration.sdapHeader ? 1 : 0);
  configuration.cipher(count, bearer, direction, pdu, ciphered, 8 * (end - ciphered));
  state[TX_NEXT] = count + 1;
  return end;
}

/** What became of a received PDU. */
export const PDCP_DELIVERED = 0;
/** A control PDU: not ciphered, and for others to read. */
export const PDCP_CONTROL = 1;
/** Too short for header, MAC-I and one byte, or longer than the workspace. */
export const PDCP_MALFORMED = 2;
/** The MAC-I does not fit: forged, damaged, or another key or COUNT. */
export const PDCP_INTEGRITY_FAILURE = 3;
/** Received before, or below RX_DELIV: no longer waited for. */
export const PDCP_DUPLICATE = 4;
/** The sequence number stands for a COUNT before the first or after the last that may be used. */
export const PDCP_COUNT_INVALID = 5;

/**
 * Receives one PDU (TS 38.323 5.2.2.1): COUNT from the window around RX_DELIV, deciphering, integrity, discarding of
 * what came before. On PDCP_DELIVERED, `entity.delivery` says where in `entity.workspace` the SDU lies, until the
 * next call. `pdu` is only read, and may hold anything.
 *
 * @param state of the receiving entity
 * @param length bytes of the PDU from `start` of `pdu`
 */
export function receivePdcp(
  entity: Pdcp,
  state: Uint32Array,
  pdu: Uint8Array,
  start: number,
  length: number,
): number {
  const { configuration, workspace, delivery } = entity;
  const { bearer, direction, snLength } = configuration;
  if (length < 1) return PDCP_MALFORMED;
  if ((pdu[start]! & 0x80) === 0) return PDCP_CONTROL;
  const header = headerBytes(configuration);
  const macBytes = configuration.authenticate === undefined ? 0 : MAC_I_BYTES;
  if (length < header + macBytes + 1 || length > workspace.length) return PDCP_MALFORMED;
  const sn =
    snLength === 12
      ? ((pdu[start]! & 0x0f) << 8) | pdu[start + 1]!
      : ((pdu[start]! & 0x03) << 16) | (pdu[start + 1]! << 8) | pdu[start + 2]!;
  const count = receivedCount(state[RX_DELIV]!, sn, snLength);
  if (count < 0 || count >= LAST_COUNT) return PDCP_COUNT_INVALID;

  for (let i = 0; i < length; i++) workspace[i] = pdu[start + i]!;
  const ciphered = header + (configuration.sdapHeader ? 1 : 0);
  configuration.cipher(count, bearer, direction, workspace, ciphered, 8 * (length - ciphered));
  const end = length - macBytes;
  if (configuration.authenticate !== undefined && configuration.checkMacI) {
    const expected = configuration.authenticate(count, bearer, direction, workspace, 0, 8 * end);
    const received =
      (workspace[end]! << 24) |
      (workspace[end + 1]! << 16) |
      (workspace[end + 2]! << 8) |
      workspace[end + 3]!;
    if (expected !== received >>> 0) return PDCP_INTEGRITY_FAILURE;
  }
  const window = 2 ** (snLength - 1);
  if (count < state[RX_DELIV]! || isReceived(state, count, window)) return PDCP_DUPLICATE;
  delivery.count = count;
  delivery.start = header;
  delivery.length = end - header;
  acceptCount(configuration, state, count, window);
  return PDCP_DELIVERED;
}

/**
 * RCVD_COUNT: the COUNT with these last bits in the window around RX_DELIV (TS 38.323 5.2.2.1). Below 0 where a
 * sequence number of before the first COUNT is received, above 2^32 - 1 beyond the last.
 */
function receivedCount(rxDeliv: number, sn: number, snLength: 12 | 18): number {
  const modulus = 2 ** snLength;
  const window = modulus / 2;
  const expected = rxDeliv % modulus;
  const base = rxDeliv - expected;
  if (sn < expected - window) return base + modulus + sn;
  if (sn >= expected + window) return base - modulus + sn;
  return base + sn;
}

function isReceived(state: Uint32Array, count: number, window: number): boolean {
  const bit = count & (window - 1);
  return ((state[RECEIVED + (bit >>> 5)]! >>> (bit & 31)) & 1) !== 0;
}

/** Moves RX_DELIV over all delivered COUNTs from `from` on, taking their bits away. */
function deliverFrom(state: Uint32Array, from: number, window: number): void {
  let count = from;
  while (isReceived(state, count, window)) {
    forget(state, count, window);
    count++;
  }
  state[RX_DELIV] = count;
}

function forget(state: Uint32Array, count: number, window: number): void {
  const bit = count & (window - 1);
  const word = RECEIVED + (bit >>> 5);
  state[word] = state[word]! & ~(1 << (bit & 31));
}

function acceptCount(
  configuration: PdcpConfiguration,
  state: Uint32Array,
  count: number,
  window: number,
): void {
  const bit = count & (window - 1);
  const word = RECEIVED + (bit >>> 5);
  state[word] = state[word]! | (1 << (bit & 31));
  if (count >= state[RX_NEXT]!) state[RX_NEXT] = count + 1;
  if (count === state[RX_DELIV]) deliverFrom(state, count, window);
  if (state[REORDERING_SLOTS] !== 0 && state[RX_DELIV]! >= state[RX_REORD]!) state[REORDERING_SLOTS] = 0;
  if (state[REORDERING_SLOTS] === 0) startReordering(configuration, state, window);
}

function startReordering(configuration: PdcpConfiguration, state: Uint32Array, window: number): void {
  if (state[RX_DELIV]! >= state[RX_NEXT]!) return;
  state[RX_REORD] = state[RX_NEXT]!;
  if (configuration.reorderingSlots > 0) state[REORDERING_SLOTS] = configuration.reorderingSlots;
  else giveUp(state, window);
}

/** What is missing below RX_REORD is waited for no longer (TS 38.323 5.2.2.2). */
function giveUp(state: Uint32Array, window: number): void {
  for (let count = state[RX_DELIV]!; count < state[RX_REORD]!; count++) forget(state, count, window);
  deliverFrom(state, state[RX_REORD]!, window);
}

/** Lets one slot pass for the receiving entity's reordering timer: once a slot, whatever was received. */
export function advancePdcp(configuration: PdcpConfiguration, state: Uint32Array): void {
  if (state[REORDERING_SLOTS] === 0) return;
  state[REORDERING_SLOTS] = state[REORDERING_SLOTS]! - 1;
  if (state[REORDERING_SLOTS] !== 0) return;
  const window = 2 ** (configuration.snLength - 1);
  giveUp(state, window);
  startReordering(configuration, state, window);
}
