import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isControlElement,
  PADDING_LCID,
  readSubPdu,
  SUB_PDU_TRUNCATED,
  SUB_PDU_UNKNOWN,
  sduSubheaderBytes,
  writePadding,
  writeSduSubheader,
} from "./mac-pdu.js";

/** All subPDUs of a block as [LCID, start, length], and what ended the reading. */
function readAll(block: Uint8Array): { subPdus: number[][]; end: number } {
  const subPdu = { lcid: 0, start: 0, length: 0 };
  const subPdus: number[][] = [];
  let position = 0;
  while (position >= 0 && position < block.length) {
    position = readSubPdu(block, position, subPdu);
    if (position >= 0) subPdus.push([subPdu.lcid, subPdu.start, subPdu.length]);
  }
  return { subPdus, end: position };
}

describe("MAC PDU", () => {
  it("reads subheaders of TS 38.321 figures 6.1.2-1 to 6.1.2-3", () => {
    const block = Uint8Array.from([
      ...[0x04, 2, 0xaa, 0xbb], // LCID 4, 8-bit L
      ...[0x44, 0x00, 0x01, 0xcc], // LCID 4, 16-bit L
      ...[58, 0x46, 0x01], // C-RNTI
      ...[61, 0x10], // short buffer status
      ...[62, 1, 0x01], // long buffer status, its length in the subheader
      ...[55], // configured grant confirmation: no content
      ...[63, 0, 0],
    ]);
    expect(readAll(block)).toEqual({
      subPdus: [
        [4, 2, 2],
        [4, 7, 1],
        [58, 9, 2],
        [61, 12, 1],
        [62, 15, 1],
        [55, 17, 0],
        [63, 18, 2],
      ],
      end: block.length,
    });
  });

  it("reads the common control channel of message 3, which has no length", () => {
    expect(readAll(Uint8Array.from([52, 1, 2, 3, 4, 5, 6, 57, 1, 2])).subPdus).toEqual([
      [52, 1, 6],
      [57, 8, 2],
    ]);
    expect(readAll(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8])).subPdus).toEqual([[0, 1, 8]]);
  });

  it("says where a block is cut, and what it cannot step over", () => {
    for (const bytes of [[4], [0x44, 0], [4, 3, 1, 2], [0x44, 1, 0, 7], [58, 1], [52, 1, 2, 3, 4, 5]]) {
      expect(readAll(Uint8Array.from(bytes)), String(bytes)).toEqual({ subPdus: [], end: SUB_PDU_TRUNCATED });
    }
    for (const lcid of [33, 34, 40, 47]) {
      expect(readAll(Uint8Array.from([61, 0, lcid, 0, 0])).end).toBe(SUB_PDU_UNKNOWN);
    }
  });

  it("knows channels from control elements", () => {
    const elements = Array.from({ length: 64 }, (_, lcid) => lcid).filter(isControlElement);
    expect(elements).toEqual([45, 46, 48, 49, 50, 51, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62]);
  });

  it("takes the short subheader below 256 bytes", () => {
    const block = new Uint8Array(4);
    expect([sduSubheaderBytes(255), writeSduSubheader(block, 0, 32, 255)]).toEqual([2, 2]);
    expect([...block]).toEqual([32, 255, 0, 0]);
    expect([sduSubheaderBytes(256), writeSduSubheader(block, 0, 32, 256)]).toEqual([3, 3]);
    expect([...block]).toEqual([0x60, 1, 0, 0]);
  });

  it("gives back any row of SDUs and fills any rest with padding", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 0, max: 700 })), {
          maxLength: 12,
        }),
        fc.integer({ min: 0, max: 300 }),
        (sdus, rest) => {
          const bytes = sdus.reduce((sum, [, length]) => sum + length + sduSubheaderBytes(length), rest);
          const block = new Uint8Array(bytes).fill(0xee);
          let position = 0;
          const expected = sdus.map(([lcid, length]) => {
            const start = writeSduSubheader(block, position, lcid, length);
            position = start + length;
            return [lcid, start, length];
          });
          writePadding(block, position);
          if (rest > 0) {
            expected.push([PADDING_LCID, bytes - rest + 1, rest - 1]);
            expect(block.subarray(bytes - rest + 1).every((byte) => byte === 0)).toBe(true);
          }
          expect(readAll(block)).toEqual({ subPdus: expected, end: bytes });
        },
      ),
      { seed: 38321, numRuns: 300 },
    );
  });

  it("never reads beyond random blocks, and each subPDU begins where the one before ended", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (block) => {
        const { subPdus, end } = readAll(block);
        let before = 0;
        for (const [, start, length] of subPdus) {
          expect(start! - before).toBeGreaterThanOrEqual(1);
          expect(start! - before).toBeLessThanOrEqual(3);
          before = start! + length!;
          expect(before).toBeLessThanOrEqual(block.length);
        }
        if (end >= 0) expect(before).toBe(block.length);
      }),
      { seed: 38321, numRuns: 10_000 },
    );
  });
});
