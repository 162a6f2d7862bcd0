/**
 * MAC PDUs of the UL-SCH (TS 38.321 6.1.2): a transport block is a row of subPDUs, each a subheader and its content,
 * the last one padding where something is left over.
 */

/** LCID of padding (TS 38.321 Table 6.2.1-2). */
export const PADDING_LCID = 63;

/** First and last identity of a logical channel on the UL-SCH (TS 38.321 Table 6.2.1-2). */
const FIRST_LOGICAL_CHANNEL = 1;
const LAST_LOGICAL_CHANNEL = 32;

/** What `readSubPdu` returns where the rest of the block cannot be read. */
export const SUB_PDU_TRUNCATED = -1;
export const SUB_PDU_UNKNOWN = -2;

/** One subPDU where it lies in its block. */
export interface SubPdu {
  lcid: number;
  /** Byte at which the content begins, and its bytes. */
  start: number;
  length: number;
}

const VARIABLE = -1;
const UNKNOWN = -2;

/**
 * Bytes of the content by LCID, VARIABLE where the subheader says it, UNKNOWN for what this receiver cannot step
 * over: reserved values and the extended LCIDs (TS 38.321 Table 6.2.1-2, lengths in 6.1.3 and 6.2.1).
 */
const CONTENT_BYTES = contentBytes();

function contentBytes(): Int8Array {
  const bytes = new Int8Array(64).fill(UNKNOWN);
  bytes.fill(VARIABLE, FIRST_LOGICAL_CHANNEL, LAST_LOGICAL_CHANNEL + 1);
  const fixed: readonly (readonly [lcid: number, bytes: number])[] = [
    [0, 8], // CCCH of 64 bits
    [48, 4], // LBT failure, four octets
    [49, 1], // LBT failure, one octet
    [52, 6], // CCCH of 48 bits
    [53, 2], // recommended bit rate query
    [55, 0], // configured grant confirmation
    [57, 2], // single entry power headroom
    [58, 2], // C-RNTI
    [59, 1], // short truncated buffer status
    [61, 1], // short buffer status
  ];
  for (const [lcid, length] of fixed) bytes[lcid] = length;
  // Sidelink buffer status (45, 46), beam failure recovery (50, 51), multiple entry power headroom (54, 56), long
  // buffer status (60, 62).
  for (const lcid of [45, 46, 50, 51, 54, 56, 60, 62]) bytes[lcid] = VARIABLE;
  return bytes;
}

/** True for the LCIDs of MAC control elements, false for channels, padding and unknown values. */
export function isControlElement(lcid: number): boolean {
  return (
    lcid > LAST_LOGICAL_CHANNEL && lcid !== 52 && lcid !== PADDING_LCID && CONTENT_BYTES[lcid] !== UNKNOWN
  );
}

/**
 * Reads the subPDU at `position` into `subPdu`. Padding takes all that is left. The reserved bit is not looked at.
 *
 * @param position below `block.length`
 * @returns the position of the next subPDU (`block.length` after the last), SUB_PDU_TRUNCATED where subheader or
 * content would end beyond the block, SUB_PDU_UNKNOWN for an LCID that cannot be stepped over: then what remains is
 * to be discarded (TS 38.321 5.13) and `subPdu` holds the LCID only
 */
export function readSubPdu(block: Uint8Array, position: number, subPdu: SubPdu): number {
  const first = block[position]!;
  const lcid = first & 0x3f;
  const content = CONTENT_BYTES[lcid]!;
  subPdu.lcid = lcid;
  subPdu.start = position + 1;
  subPdu.length = 0;
  if (lcid === PADDING_LCID) {
    subPdu.length = block.length - subPdu.start;
    return block.length;
  }
  if (content === UNKNOWN) return SUB_PDU_UNKNOWN;
  let length = content;
  if (content === VARIABLE) {
    const wide = (first & 0x40) !== 0;
    subPdu.start = position + (wide ? 3 : 2);
    if (subPdu.start > block.length) return SUB_PDU_TRUNCATED;
    length = wide ? (block[position + 1]! << 8) | block[position + 2]! : block[position + 1]!;
  }
  const next = subPdu.start + length;
  if (next > block.length) return SUB_PDU_TRUNCATED;
  subPdu.length = length;
  return next;
}

/** Bytes of the subheader of an SDU of a logical channel: one length octet below 256 bytes, else two. */
export function sduSubheaderBytes(length: number): number {
  return length < 256 ? 2 : 3;
}

/**
 * Writes the subheader R/F/LCID/L of an SDU (TS 38.321 6.1.2).
 *
 * @param lcid a logical channel, 1 to 32
 * @param length bytes of the SDU, at most 65535
 * @returns the position at which the SDU begins; the caller has made sure that it fits
 */
export function writeSduSubheader(block: Uint8Array, position: number, lcid: number, length: number): number {
  if (length < 256) {
    block[position] = lcid;
    block[position + 1] = length;
    return position + 2;
  }
  block[position] = 0x40 | lcid;
  block[position + 1] = length >>> 8;
  block[position + 2] = length;
  return position + 3;
}

/** Fills the block from `position` with the padding subPDU: its subheader, then zeros. A full block stays. */
export function writePadding(block: Uint8Array, position: number): void {
  if (position >= block.length) return;
  block[position] = PADDING_LCID;
  block.fill(0, position + 1);
}
