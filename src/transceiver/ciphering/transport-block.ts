import {
  isControlElement,
  PADDING_LCID,
  readSubPdu,
  SUB_PDU_UNKNOWN,
  type SubPdu,
  sduSubheaderBytes,
  writePadding,
  writeSduSubheader,
} from "./mac-pdu.js";
import {
  isCountExhausted,
  LONGEST_PDCP_SDU,
  PDCP_CONTROL,
  PDCP_COUNT_INVALID,
  PDCP_DELIVERED,
  PDCP_DUPLICATE,
  PDCP_INTEGRITY_FAILURE,
  PDCP_MALFORMED,
  type Pdcp,
  pdcpOverheadBytes,
  receivePdcp,
  transmitPdcp,
} from "./pdcp.js";
import { COMPLETE_SDU_HEADER_BYTES, holdsCompleteSdu, writeCompleteSduHeader } from "./rlc-um.js";

/**
 * Transport blocks that carry the SDUs of one data radio bearer: MAC subPDU, UMD PDU with a complete SDU, PDCP PDU.
 * Several SDUs lie one after the other in a payload, with their lengths beside; the list of lengths ends with a 0
 * or with its room. Both directions count in a report what became of everything: nothing is lost silently.
 */

/** Fields of the report of a built transport block: SDUs put into it. */
export const SENT = 0;
/** SDUs that found no room in it any more: for the caller to bring again. */
export const NO_ROOM_IN_BLOCK = 1;
/** SDUs not sent because a length is negative, beyond the payload, or above the largest PDCP SDU. */
export const LENGTH_REFUSED = 2;
/** SDUs that cannot be sent because all COUNTs were used: new keys are needed. */
export const COUNT_EXHAUSTED = 3;
/** Fields of the report of a built transport block. */
export const BUILD_REPORT_FIELDS = 4;

/** Fields of the report of a parsed transport block: SDUs given out. */
export const DELIVERED = 0;
/** 1 when the block ended in the middle of a subPDU: what was before it counts. */
export const BLOCK_TRUNCATED = 1;
/** 1 when an LCID could not be stepped over: it and the rest of the block were discarded (TS 38.321 5.13). */
export const LCID_UNKNOWN = 2;
/** MAC control elements, which are for others to read. */
export const CONTROL_ELEMENTS = 3;
/** SDUs of other logical channels, the common control channel among them. */
export const OTHER_CHANNEL = 4;
/** UMD PDUs with a segment of an SDU, which this receiver does not reassemble. */
export const SEGMENTS = 5;
/** PDUs too short or too long to be read. */
export const PDU_MALFORMED = 6;
/** PDCP control PDUs. */
export const PDCP_CONTROL_PDUS = 7;
/** PDUs whose MAC-I does not fit. */
export const INTEGRITY_FAILURES = 8;
/** PDUs received before, or no longer waited for. */
export const DUPLICATES = 9;
/** PDUs whose COUNT is before the first or after the last. */
export const COUNTS_INVALID = 10;
/** PDUs left unread because payload or list of lengths had no more room: as if they had been lost on the way. */
export const NO_ROOM_IN_PAYLOAD = 11;
/** 1 for a block that failed its CRC and was not read. */
export const BLOCK_FAILED = 12;
/** Fields of the report of a parsed transport block. */
export const PARSE_REPORT_FIELDS = 13;

/** A radio bearer in a transport block. */
export interface Bearer {
  readonly pdcp: Pdcp;
  /** LCID of its logical channel, 1 to 32. */
  readonly logicalChannel: number;
  /** Where the parser stands; nobody else's. */
  readonly subPdu: SubPdu;
}

/** The bearer of a PDCP entity on a logical channel (1 to 32). */
export function createBearer(pdcp: Pdcp, logicalChannel: number): Bearer {
  return { pdcp, logicalChannel, subPdu: { lcid: 0, start: 0, length: 0 } };
}

/** Bytes that an SDU takes in a transport block with all its headers. */
export function bytesInBlock(pdcp: Pdcp, sduLength: number): number {
  const umd = sduLength + pdcpOverheadBytes(pdcp.configuration) + COMPLETE_SDU_HEADER_BYTES;
  return sduSubheaderBytes(umd) + umd;
}

/**
 * Fills the transport block with the SDUs in their order, as far as they fit, and with padding.
 *
 * @param state of the transmitting PDCP entity
 * @param payload the SDUs, one after the other
 * @param lengths bytes of each SDU; the list ends with a 0
 * @param block all of it is written
 * @param report {@link BUILD_REPORT_FIELDS} counts, overwritten; they add up to the number of lengths. The SDUs after
 * one that stays behind count under the same field.
 */
export function buildTransportBlock(
  bearer: Bearer,
  state: Uint32Array,
  payload: Uint8Array,
  lengths: Int32Array,
  block: Uint8Array,
  report: Uint32Array,
): void {
  const { pdcp, logicalChannel } = bearer;
  report.fill(0);
  let start = 0;
  let position = 0;
  let outcome = SENT;
  for (let i = 0; i < lengths.length && lengths[i] !== 0; i++) {
    const length = lengths[i]!;
    // An SDU that stays behind holds back those after it, so that their order stays.
    if (outcome === SENT) {
      outcome = admit(pdcp, state, length, payload.length - start, block.length - position);
    }
    report[outcome] = report[outcome]! + 1;
    if (outcome === SENT) {
      const umd = length + pdcpOverheadBytes(pdcp.configuration) + COMPLETE_SDU_HEADER_BYTES;
      position = writeSduSubheader(block, position, logicalChannel, umd);
      position = writeCompleteSduHeader(block, position);
      position = transmitPdcp(pdcp, state, payload, start, length, block, position);
      start += length;
    }
  }
  writePadding(block, position);
}

/** The field of the report under which an SDU counts: SENT, or why it stays behind. */
function admit(pdcp: Pdcp, state: Uint32Array, length: number, given: number, room: number): number {
  if (length < 0 || length > given || length > LONGEST_PDCP_SDU) return LENGTH_REFUSED;
  if (isCountExhausted(state)) return COUNT_EXHAUSTED;
  return bytesInBlock(pdcp, length) > room ? NO_ROOM_IN_BLOCK : SENT;
}

/**
 * Takes the bearer's SDUs out of a transport block. The block may hold anything; it is only read. `advancePdcp` is
 * to be called once a slot besides.
 *
 * @param state of the receiving PDCP entity
 * @param payload the SDUs, one after the other, in the order of arrival; bytes after them stay as they are
 * @param lengths bytes of each SDU; the rest is set to 0
 * @param counts COUNT of each SDU; the rest is set to 0
 * @param report {@link PARSE_REPORT_FIELDS} counts, overwritten
 */
export function parseTransportBlock(
  bearer: Bearer,
  state: Uint32Array,
  block: Uint8Array,
  payload: Uint8Array,
  lengths: Int32Array,
  counts: Uint32Array,
  report: Uint32Array,
): void {
  const { pdcp, subPdu } = bearer;
  report.fill(0);
  lengths.fill(0);
  counts.fill(0);
  const slots = Math.min(lengths.length, counts.length);
  let filled = 0;
  for (let position = 0; position < block.length; ) {
    const next = readSubPdu(block, position, subPdu);
    if (next < 0) {
      report[next === SUB_PDU_UNKNOWN ? LCID_UNKNOWN : BLOCK_TRUNCATED] = 1;
      return;
    }
    position = next;
    if (subPdu.lcid === PADDING_LCID) return;
    const room = report[DELIVERED]! < slots ? payload.length - filled : 0;
    const field = receiveSubPdu(bearer, state, block, room);
    if (field === DELIVERED) {
      const { start, length, count } = pdcp.delivery;
      for (let i = 0; i < length; i++) payload[filled + i] = pdcp.workspace[start + i]!;
      filled += length;
      lengths[report[DELIVERED]!] = length;
      counts[report[DELIVERED]!] = count;
    }
    report[field] = report[field]! + 1;
  }
}

/** What each result of `receivePdcp` counts under. */
const FIELD_OF_RESULT = fieldOfResult();

function fieldOfResult(): Uint8Array {
  const fields = new Uint8Array(6);
  fields[PDCP_DELIVERED] = DELIVERED;
  fields[PDCP_CONTROL] = PDCP_CONTROL_PDUS;
  fields[PDCP_MALFORMED] = PDU_MALFORMED;
  fields[PDCP_INTEGRITY_FAILURE] = INTEGRITY_FAILURES;
  fields[PDCP_DUPLICATE] = DUPLICATES;
  fields[PDCP_COUNT_INVALID] = COUNTS_INVALID;
  return fields;
}

/** Receives the subPDU at which the bearer's parser stands and returns the field of the report it counts under. */
function receiveSubPdu(bearer: Bearer, state: Uint32Array, block: Uint8Array, room: number): number {
  const { pdcp, subPdu } = bearer;
  if (isControlElement(subPdu.lcid)) return CONTROL_ELEMENTS;
  if (subPdu.lcid !== bearer.logicalChannel) return OTHER_CHANNEL;
  if (subPdu.length === 0) return PDU_MALFORMED;
  if (!holdsCompleteSdu(block[subPdu.start]!)) return SEGMENTS;
  const start = subPdu.start + COMPLETE_SDU_HEADER_BYTES;
  const length = subPdu.length - COMPLETE_SDU_HEADER_BYTES;
  // Before COUNT moves: an SDU that could not be given out must not count as received.
  if (length - pdcpOverheadBytes(pdcp.configuration) > room) return NO_ROOM_IN_PAYLOAD;
  return FIELD_OF_RESULT[receivePdcp(pdcp, state, block, start, length)]!;
}
