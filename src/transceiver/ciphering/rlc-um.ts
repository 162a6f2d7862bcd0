/**
 * UMD PDUs of RLC unacknowledged mode (TS 38.322 6.2.2.3) that hold a complete SDU: segmentation information 00, no
 * sequence number, one octet of header.
 */

/** Bytes of the header of a UMD PDU that holds a complete SDU. */
export const COMPLETE_SDU_HEADER_BYTES = 1;

/** Writes the header of a UMD PDU with a complete SDU and returns the position of the SDU. */
export function writeCompleteSduHeader(block: Uint8Array, position: number): number {
  block[position] = 0;
  return position + COMPLETE_SDU_HEADER_BYTES;
}

/** True when the first octet of a UMD PDU says that a complete SDU follows; reserved bits are not looked at. */
export function holdsCompleteSdu(header: number): boolean {
  return header >>> 6 === 0;
}
