import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confidentialityAlgorithms, prepareConfidentiality } from "./confidentiality.js";
import { integrityAlgorithms, prepareIntegrity } from "./integrity.js";
import { PADDING_LCID, readSubPdu } from "./mac-pdu.js";
import { createPdcp, PDCP_RECEIVE_STATE_WORDS, RX_NEXT, TX_NEXT } from "./pdcp.js";
import * as transport from "./transport-block.js";

type Nea = (typeof confidentialityAlgorithms)[number];
type Nia = (typeof integrityAlgorithms)[number];

function bearerOf(nea: Nea, nia: Nia | "none", snLength: 12 | 18 = 12): transport.Bearer {
  const key = new Uint8Array(16).fill(0x42);
  return transport.createBearer(
    createPdcp(
      {
        snLength,
        bearer: 0,
        direction: 0,
        sdapHeader: false,
        reorderingSlots: 10,
        cipher: prepareConfidentiality(nea, key),
        authenticate: nia === "none" ? undefined : prepareIntegrity(nia, key),
        checkMacI: nia !== "nia0",
      },
      new Uint8Array(9100),
    ),
    4,
  );
}

function build(
  bearer: transport.Bearer,
  state: Uint32Array,
  sdus: readonly Uint8Array[],
  blockBytes: number,
) {
  const payload = Uint8Array.from(sdus.flatMap((sdu) => [...sdu]));
  const lengths = Int32Array.from([...sdus.map((sdu) => sdu.length), 0]);
  const block = new Uint8Array(blockBytes).fill(0xdd);
  const report = new Uint32Array(transport.BUILD_REPORT_FIELDS).fill(99);
  transport.buildTransportBlock(bearer, state, payload, lengths, block, report);
  return { block, report };
}

function parse(
  bearer: transport.Bearer,
  state: Uint32Array,
  block: Uint8Array,
  slots = 64,
  payloadBytes = 9000,
) {
  const payload = new Uint8Array(payloadBytes);
  const lengths = new Int32Array(slots).fill(-5);
  const counts = new Uint32Array(slots).fill(99);
  const report = new Uint32Array(transport.PARSE_REPORT_FIELDS).fill(99);
  transport.parseTransportBlock(bearer, state, block, payload, lengths, counts, report);
  const sdus: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i < report[transport.DELIVERED]!; i++) {
    sdus.push(payload.slice(start, start + lengths[i]!));
    start += lengths[i]!;
  }
  return { sdus, lengths, counts, report };
}

/** SubPDUs of a block other than padding, one that cannot be read included. */
function subPdusIn(block: Uint8Array): number {
  const subPdu = { lcid: 0, start: 0, length: 0 };
  let found = 0;
  for (let position = 0; position >= 0 && position < block.length; ) {
    position = readSubPdu(block, position, subPdu);
    if (position < 0 || subPdu.lcid !== PADDING_LCID) found++;
  }
  return found;
}

const sum = (report: Uint32Array) => report.reduce((total, value) => total + value, 0);

describe("transport block", () => {
  it("lays out MAC subPDU, UMD PDU and PDCP PDU", () => {
    const { block } = build(bearerOf("nea0", "none"), Uint32Array.of(0x123), [Uint8Array.of(7, 8)], 12);
    expect(Buffer.from(block).toString("hex")).toBe("0405" + "00" + "8123" + "0708" + "3f00000000");
  });

  it("brings any set of SDUs through any size, and accounts for those that stay behind", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...confidentialityAlgorithms),
        fc.constantFrom(...integrityAlgorithms, "none" as const),
        fc.constantFrom<12 | 18>(12, 18),
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 4000 }),
        (nea, nia, snLength, sdus, blockBytes) => {
          const bearer = bearerOf(nea, nia, snLength);
          const sent = Uint32Array.of(700);
          const state = new Uint32Array(PDCP_RECEIVE_STATE_WORDS).fill(700, 0, 2);
          const { block, report } = build(bearer, sent, sdus, blockBytes);
          const fitting = report[transport.SENT]!;
          expect(sum(report)).toBe(sdus.length);
          expect(report[transport.NO_ROOM_IN_BLOCK]).toBe(sdus.length - fitting);
          const bytes = (n: number) =>
            sdus
              .slice(0, n)
              .reduce((total, sdu) => total + transport.bytesInBlock(bearer.pdcp, sdu.length), 0);
          expect(bytes(fitting)).toBeLessThanOrEqual(blockBytes);
          if (fitting < sdus.length) expect(bytes(fitting + 1)).toBeGreaterThan(blockBytes);
          expect(sent[TX_NEXT]).toBe(700 + fitting);

          const received = parse(bearerOf(nea, nia, snLength), state, block);
          expect(received.sdus).toEqual(sdus.slice(0, fitting));
          expect([...received.counts.subarray(0, fitting)]).toEqual(
            Array.from({ length: fitting }, (_, i) => 700 + i),
          );
          expect(sum(received.report)).toBe(fitting);
          expect(received.lengths.subarray(fitting).every((length) => length === 0)).toBe(true);
          expect(state[RX_NEXT]).toBe(700 + fitting);

          const again = parse(bearerOf(nea, nia, snLength), state, block);
          expect(again.sdus).toEqual([]);
          expect(again.report[transport.DUPLICATES]).toBe(fitting);
        },
      ),
      { seed: 38321, numRuns: 300 },
    );
  });

  it("refuses impossible lengths and keeps the SDUs before them", () => {
    for (const bad of [-1, 9, 9001, 0x7fffffff, -0x80000000]) {
      const state = Uint32Array.of(0);
      const block = new Uint8Array(100);
      const report = new Uint32Array(transport.BUILD_REPORT_FIELDS);
      const lengths = Int32Array.of(2, bad, 1, 0, 5);
      transport.buildTransportBlock(
        bearerOf("nea2", "nia2"),
        state,
        new Uint8Array(10),
        lengths,
        block,
        report,
      );
      expect([...report], String(bad)).toEqual([1, 0, 2, 0]);
      expect(state[TX_NEXT]).toBe(1);
      const received = parse(bearerOf("nea2", "nia2"), new Uint32Array(PDCP_RECEIVE_STATE_WORDS), block);
      expect(received.sdus).toEqual([new Uint8Array(2)]);
    }
  });

  it("sends nothing when the COUNTs are exhausted", () => {
    const state = Uint32Array.of(0xfffffffe);
    const { report, block } = build(
      bearerOf("nea1", "nia1"),
      state,
      [Uint8Array.of(1), Uint8Array.of(2)],
      50,
    );
    expect([...report]).toEqual([1, 0, 0, 1]);
    expect(block[1 + 1 + block[1]!]).toBe(63);
  });

  it("is padding only when there is nothing to send, and may be empty", () => {
    const bearer = bearerOf("nea1", "nia1");
    expect(build(bearer, Uint32Array.of(0), [], 3).block).toEqual(Uint8Array.of(63, 0, 0));
    expect(build(bearer, Uint32Array.of(0), [Uint8Array.of(1)], 0).report[transport.NO_ROOM_IN_BLOCK]).toBe(
      1,
    );
    const state = new Uint32Array(PDCP_RECEIVE_STATE_WORDS);
    expect(sum(parse(bearer, state, Uint8Array.of(63, 0, 0)).report)).toBe(0);
    expect(sum(parse(bearer, state, new Uint8Array(0)).report)).toBe(0);
  });

  it("counts what is not this bearer's", () => {
    const block = Uint8Array.from([
      ...[5, 1, 0], // another logical channel
      ...[61, 0], // short buffer status
      ...[52, 1, 2, 3, 4, 5, 6], // common control channel
      ...[4, 3, 0x40, 1, 2], // first segment
      ...[4, 3, 0, 0x00, 0], // PDCP control PDU
      ...[4, 3, 0, 0x80, 0], // no data
      ...[4, 0], // empty
      ...[4, 1, 0], // header of RLC only
      ...[4, 4, 0, 0x8f, 0xff, 9], // COUNT before the first
      ...[4, 4, 0, 0x80, 0, 9],
      ...[4, 4, 0, 0x80, 0, 9],
      ...[40, 4, 4, 4],
    ]);
    const state = new Uint32Array(PDCP_RECEIVE_STATE_WORDS);
    const { sdus, report } = parse(bearerOf("nea0", "none"), state, block);
    expect(sdus).toEqual([Uint8Array.of(9)]);
    const counted = {
      [transport.DELIVERED]: 1,
      [transport.LCID_UNKNOWN]: 1,
      [transport.CONTROL_ELEMENTS]: 1,
      [transport.OTHER_CHANNEL]: 2,
      [transport.SEGMENTS]: 1,
      [transport.PDU_MALFORMED]: 3,
      [transport.PDCP_CONTROL_PDUS]: 1,
      [transport.DUPLICATES]: 1,
      [transport.COUNTS_INVALID]: 1,
    };
    expect(Object.fromEntries([...report.entries()].filter(([, value]) => value > 0))).toEqual(counted);
  });

  it("leaves what has no room unreceived, so that a repetition brings it", () => {
    const bearer = bearerOf("nea3", "nia3");
    const sdus = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5), Uint8Array.of(6)];
    const { block } = build(bearer, Uint32Array.of(0), sdus, 100);
    const state = new Uint32Array(PDCP_RECEIVE_STATE_WORDS);
    const narrow = parse(bearer, state, block, 2);
    expect(narrow.sdus).toEqual(sdus.slice(0, 2));
    expect(narrow.report[transport.NO_ROOM_IN_PAYLOAD]).toBe(1);
    const again = parse(bearer, state, block, 2);
    expect(again.sdus).toEqual(sdus.slice(2));
    expect(again.report[transport.DUPLICATES]).toBe(2);
    const short = parse(bearer, new Uint32Array(PDCP_RECEIVE_STATE_WORDS), block, 9, 4);
    expect(short.sdus).toEqual([sdus[0], sdus[2]]);
  });

  it("reads 20000 random and damaged blocks without throwing, and accounts for every subPDU", () => {
    for (const nia of ["none", "nia2"] as const) {
      const bearer = bearerOf("nea1", nia);
      const state = new Uint32Array(PDCP_RECEIVE_STATE_WORDS);
      const good = build(bearer, Uint32Array.of(0), [new Uint8Array(40), new Uint8Array(300)], 400).block;
      const damaged = fc
        .tuple(
          fc.array(fc.tuple(fc.nat(399), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
          fc.integer({ min: 0, max: 400 }),
        )
        .map(([changes, length]) => {
          const block = Uint8Array.from(good);
          for (const [at, value] of changes) block[at] = value;
          return block.subarray(0, length);
        });
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), (block) => {
          const { report, lengths } = parse(bearer, state, block, 4, 500);
          expect(sum(report)).toBe(subPdusIn(block));
          expect(report[transport.DELIVERED]).toBe(lengths.filter((length) => length > 0).length);
        }),
        { seed: 38321, numRuns: 10_000 },
      );
    }
  });
});
