import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ConfidentialityAlgorithm,
  confidentialityAlgorithms,
  prepareConfidentiality,
} from "./confidentiality.js";
import { type IntegrityAlgorithm, integrityAlgorithms, prepareIntegrity } from "./integrity.js";
import {
  advancePdcp,
  createPdcp,
  PDCP_CONTROL,
  PDCP_COUNT_INVALID,
  PDCP_DELIVERED,
  PDCP_DUPLICATE,
  PDCP_INTEGRITY_FAILURE,
  PDCP_MALFORMED,
  PDCP_RECEIVE_STATE_WORDS,
  PDCP_TRANSMIT_STATE_WORDS,
  type PdcpConfiguration,
  pdcpOverheadBytes,
  RECEIVED,
  REORDERING_SLOTS,
  RX_DELIV,
  RX_NEXT,
  RX_REORD,
  receivePdcp,
  TX_NEXT,
  transmitPdcp,
} from "./pdcp.js";

const encryptionKey = Uint8Array.from({ length: 16 }, (_, i) => 17 * i);
const integrityKey = Uint8Array.from({ length: 16 }, (_, i) => 200 - 3 * i);

function configurationOf(
  nea: ConfidentialityAlgorithm,
  nia: IntegrityAlgorithm | "none",
  rest: Partial<PdcpConfiguration> = {},
): PdcpConfiguration {
  return {
    snLength: 12,
    bearer: 3,
    direction: 0,
    sdapHeader: false,
    reorderingSlots: 20,
    cipher: prepareConfidentiality(nea, encryptionKey),
    authenticate: nia === "none" ? undefined : prepareIntegrity(nia, integrityKey),
    checkMacI: nia !== "nia0",
    ...rest,
  };
}

const entityOf = (configuration: PdcpConfiguration) => createPdcp(configuration, new Uint8Array(65_536));

function transmitState(count: number): Uint32Array {
  const state = new Uint32Array(PDCP_TRANSMIT_STATE_WORDS);
  state[TX_NEXT] = count;
  return state;
}

function receiveState(count: number): Uint32Array {
  const state = new Uint32Array(PDCP_RECEIVE_STATE_WORDS);
  state[RX_NEXT] = count;
  state[RX_DELIV] = count;
  return state;
}

/** The PDU of one SDU sent with this COUNT. */
function pduOf(configuration: PdcpConfiguration, count: number, sdu: ArrayLike<number>): Uint8Array {
  const pdu = new Uint8Array(sdu.length + pdcpOverheadBytes(configuration));
  const end = transmitPdcp(
    entityOf(configuration),
    transmitState(count),
    Uint8Array.from(sdu),
    0,
    sdu.length,
    pdu,
    0,
  );
  expect(end).toBe(pdu.length);
  return pdu;
}

const hexadecimal = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("PDCP data PDU", () => {
  it("has the header of TS 38.323 6.2.2.2 and 6.2.2.3", () => {
    const short = configurationOf("nea0", "none");
    expect(hexadecimal(pduOf(short, 0x12345abc, [1, 2]))).toBe("8abc0102");
    const long = configurationOf("nea0", "none", { snLength: 18 });
    expect(hexadecimal(pduOf(long, 0x12345abc, [1, 2]))).toBe("805abc0102");
    expect(hexadecimal(pduOf(long, 0x0003ffff, [7]))).toBe("83ffff07");
    expect(hexadecimal(pduOf(configurationOf("nea0", "nia0"), 1, [7]))).toBe("80010700000000");
  });

  it("protects header and data, then ciphers data and MAC-I but not header and SDAP header", () => {
    for (const sdapHeader of [false, true]) {
      const configuration = configurationOf("nea1", "nia3", { sdapHeader, bearer: 30, direction: 1 });
      const count = 0x7ff01ffe;
      const sdu = [0x8a, 11, 12, 13, 14];
      const plain = Uint8Array.from([0x80 | 0x0f, 0xfe, ...sdu, 0, 0, 0, 0]);
      const mac = prepareIntegrity("nia3", integrityKey)(count, 30, 1, plain, 0, 8 * 7);
      new DataView(plain.buffer).setUint32(7, mac);
      const from = sdapHeader ? 3 : 2;
      const data = plain.slice(from);
      prepareConfidentiality("nea1", encryptionKey)(count, 30, 1, data, 0, 8 * data.length);
      const expected = Uint8Array.from([...plain.subarray(0, from), ...data]);
      expect(hexadecimal(pduOf(configuration, count, sdu))).toBe(hexadecimal(expected));
    }
  });

  it("comes back from the receiver for every algorithm, length and place", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...confidentialityAlgorithms),
        fc.constantFrom(...integrityAlgorithms, "none" as const),
        fc.constantFrom<12 | 18>(12, 18),
        fc.boolean(),
        fc.integer({ min: 0, max: 0xfffffffe }),
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        (nea, nia, snLength, sdapHeader, count, sdu) => {
          const configuration = configurationOf(nea, nia, { snLength, sdapHeader });
          const pdu = pduOf(configuration, count, sdu);
          const before = Uint8Array.from(pdu);
          const entity = entityOf(configuration);
          const state = receiveState(count);
          expect(receivePdcp(entity, state, pdu, 0, pdu.length)).toBe(PDCP_DELIVERED);
          const { start, length } = entity.delivery;
          expect(entity.workspace.slice(start, start + length)).toEqual(sdu);
          expect(entity.delivery.count).toBe(count);
          expect(pdu).toEqual(before);
          expect([state[RX_NEXT], state[RX_DELIV]]).toEqual([count + 1, count + 1]);
        },
      ),
      { seed: 38323, numRuns: 400 },
    );
  });

  it("is refused for any changed bit, and changes no state then", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<IntegrityAlgorithm>("nia1", "nia2", "nia3"),
        fc.constantFrom(...confidentialityAlgorithms),
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.nat(),
        (nia, nea, sdu, choice) => {
          const configuration = configurationOf(nea, nia);
          const pdu = pduOf(configuration, 5000, sdu);
          const bit = choice % (8 * pdu.length);
          pdu[bit >>> 3]! ^= 0x80 >>> (bit & 7);
          const state = receiveState(5000);
          const before = Uint32Array.from(state);
          const result = receivePdcp(entityOf(configuration), state, pdu, 0, pdu.length);
          expect(result).toBe(bit === 0 ? PDCP_CONTROL : PDCP_INTEGRITY_FAILURE);
          expect(Buffer.compare(new Uint8Array(state.buffer), new Uint8Array(before.buffer))).toBe(0);
        },
      ),
      { seed: 38323, numRuns: 300 },
    );
  });

  it("is not checked under nia0", () => {
    const configuration = configurationOf("nea2", "nia0");
    const pdu = pduOf(configuration, 9, [1, 2, 3]);
    pdu[pdu.length - 1]! ^= 0xff;
    const entity = entityOf(configuration);
    expect(receivePdcp(entity, receiveState(9), pdu, 0, pdu.length)).toBe(PDCP_DELIVERED);
    expect(entity.delivery.length).toBe(3);
  });

  it("is malformed when too short or too long, and never throws on random bytes", () => {
    for (const nia of ["none", "nia1"] as const) {
      const configuration = configurationOf("nea1", nia, { snLength: 18, sdapHeader: true });
      const entity = entityOf(configuration);
      const state = receiveState(0);
      const least = pdcpOverheadBytes(configuration) + 1;
      const pdu = new Uint8Array(70_000).fill(0x80);
      for (let length = 0; length < least; length++) {
        expect(receivePdcp(entity, state, pdu, 0, length)).toBe(PDCP_MALFORMED);
      }
      expect(receivePdcp(entity, state, pdu, 0, 65_537)).toBe(PDCP_MALFORMED);
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
          const result = receivePdcp(entity, state, bytes, 0, bytes.length);
          expect(result).toBeGreaterThanOrEqual(PDCP_DELIVERED);
          expect(result).toBeLessThanOrEqual(PDCP_COUNT_INVALID);
        }),
        { seed: 38323, numRuns: 3000 },
      );
    }
  });
});

describe("PDCP COUNT", () => {
  it("is never used twice: at the last one nothing is sent", () => {
    const configuration = configurationOf("nea3", "nia3");
    const entity = entityOf(configuration);
    const state = transmitState(0xfffffffe);
    const pdu = new Uint8Array(20);
    expect(transmitPdcp(entity, state, new Uint8Array(3), 0, 3, pdu, 0)).toBe(9);
    expect(state[TX_NEXT]).toBe(0xffffffff);
    expect(transmitPdcp(entity, state, new Uint8Array(3), 0, 3, pdu, 0)).toBe(-1);
    expect(state[TX_NEXT]).toBe(0xffffffff);
  });

  it("before the first and after the last is refused", () => {
    const configuration = configurationOf("nea0", "none");
    const entity = entityOf(configuration);
    const late = pduOf(configuration, 4095, [1]);
    expect(receivePdcp(entity, receiveState(0), late, 0, late.length)).toBe(PDCP_COUNT_INVALID);
    const early = pduOf(configuration, 5, [1]);
    expect(receivePdcp(entity, receiveState(0xfffffff0), early, 0, early.length)).toBe(PDCP_COUNT_INVALID);
    const last = Uint8Array.from([0x8f, 0xff, 1]);
    expect(receivePdcp(entity, receiveState(0xfffffff0), last, 0, 3)).toBe(PDCP_COUNT_INVALID);
  });

  it("is found at both edges of the window and refused as old one step outside", () => {
    for (const snLength of [12, 18] as const) {
      const window = 2 ** (snLength - 1);
      const configuration = configurationOf("nea2", "nia2", { snLength });
      const deliv = 10 * window + 77;
      const outcome = (count: number) => {
        const pdu = pduOf(configuration, count, [1, 2]);
        return receivePdcp(entityOf(configuration), receiveState(deliv), pdu, 0, pdu.length);
      };
      expect(outcome(deliv + window - 1)).toBe(PDCP_DELIVERED);
      expect(outcome(deliv - window)).toBe(PDCP_DUPLICATE);
      // Beyond the window the sequence number stands for another COUNT, and the MAC-I tells.
      expect(outcome(deliv + window)).toBe(PDCP_INTEGRITY_FAILURE);
      expect(outcome(deliv - window - 1)).toBe(PDCP_INTEGRITY_FAILURE);
    }
  });
});

/** The receiving entity as TS 38.323 5.2.2 reads, with sets and without end: what the bitmap stands for. */
function plainReceiver(first: number, snLength: number, reorderingSlots: number) {
  const window = 2 ** (snLength - 1);
  const modulus = 2 ** snLength;
  const delivered = new Set<number>();
  const variables = { next: first, deliv: first, reord: 0, slots: 0 };
  const firstMissing = (from: number) => {
    let count = from;
    while (delivered.has(count)) count++;
    return count;
  };
  const start = () => {
    if (variables.deliv < variables.next) {
      variables.reord = variables.next;
      variables.slots = reorderingSlots;
      if (reorderingSlots === 0) variables.deliv = firstMissing(variables.reord);
    }
  };
  return {
    variables,
    receive(sn: number): number | undefined {
      const hfn = Math.floor(variables.deliv / modulus);
      const expected = variables.deliv % modulus;
      let receivedHfn = hfn;
      if (sn < expected - window) receivedHfn = hfn + 1;
      else if (sn >= expected + window) receivedHfn = hfn - 1;
      const count = receivedHfn * modulus + sn;
      if (count < 0 || count < variables.deliv || delivered.has(count)) return undefined;
      delivered.add(count);
      if (count >= variables.next) variables.next = count + 1;
      if (count === variables.deliv) variables.deliv = firstMissing(count);
      if (variables.slots > 0 && variables.deliv >= variables.reord) variables.slots = 0;
      if (variables.slots === 0) start();
      return count;
    },
    advance(): void {
      if (variables.slots === 0) return;
      variables.slots--;
      if (variables.slots > 0) return;
      variables.deliv = firstMissing(variables.reord);
      start();
    },
  };
}

describe("PDCP receive window", () => {
  /** What is on the way: COUNTs with gaps, some sent twice, and displaced; now and then a slot passes. */
  const traffic = fc.array(
    fc.record({
      skip: fc.oneof(
        { weight: 6, arbitrary: fc.constant(0) },
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 40 }) },
        { weight: 1, arbitrary: fc.integer({ min: 100, max: 1000 }) },
      ),
      delay: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }) },
      ),
      twice: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      slots: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 50, maxLength: 250 },
  );

  function arrivals(items: readonly { skip: number; delay: number; twice: boolean; slots: number }[]) {
    let count = 0;
    const sent = items.flatMap((item, index) => {
      count += 1 + item.skip;
      const arrival = { count: count - 1, at: index + item.delay, slots: item.slots };
      return item.twice ? [arrival, { ...arrival, at: arrival.at + 7, slots: 0 }] : [arrival];
    });
    return sent.sort((a, b) => a.at - b.at);
  }

  it("follows the standard's variables through loss, reordering, duplicates and wraps", () => {
    fc.assert(
      fc.property(
        traffic,
        fc.constantFrom<12 | 18>(12, 18),
        fc.constantFrom(0, 1, 5, 40),
        fc.integer({ min: 0, max: 300_000 }),
        (items, snLength, reorderingSlots, first) => {
          const configuration = configurationOf("nea0", "none", { snLength, reorderingSlots });
          const entity = entityOf(configuration);
          const state = receiveState(first);
          const plain = plainReceiver(first, snLength, reorderingSlots);
          const pdu = new Uint8Array(4);
          for (const { count, slots } of arrivals(items)) {
            const end = transmitPdcp(entity, transmitState(first + count), new Uint8Array(1), 0, 1, pdu, 0);
            const result = receivePdcp(entity, state, pdu, 0, end);
            const expected = plain.receive((first + count) % 2 ** snLength);
            expect(result === PDCP_DELIVERED ? entity.delivery.count : undefined).toBe(expected);
            for (let slot = 0; slot < slots; slot++) {
              advancePdcp(configuration, state);
              plain.advance();
            }
            const { next, deliv, reord, slots: left } = plain.variables;
            expect(state[RX_NEXT]).toBe(next);
            expect(state[RX_DELIV]).toBe(deliv);
            expect(state[REORDERING_SLOTS]).toBe(left);
            if (left > 0) expect(state[RX_REORD]).toBe(reord);
            expect(state[REORDERING_SLOTS]! > 0).toBe(state[RX_DELIV]! < state[RX_NEXT]!);
          }
          if (state[RX_DELIV] === state[RX_NEXT]) {
            expect(state.subarray(RECEIVED).every((word) => word === 0)).toBe(true);
          }
        },
      ),
      { seed: 38323, numRuns: 120 },
    );
  });

  it("delivers every SDU that arrives within the window, once and with its COUNT, over four wraps", () => {
    const configuration = configurationOf("nea1", "nia1", { reorderingSlots: 500 });
    const sender = entityOf(configuration);
    const receiver = entityOf(configuration);
    const sent = transmitState(4000);
    const state = receiveState(4000);
    const pdu = new Uint8Array(20);
    const waiting: { pdu: Uint8Array; count: number }[] = [];
    const delivered = new Set<number>();
    // A linear congruential sequence, seed 1: reorders by up to 200 places, loses one in 16, repeats one in 16.
    let random = 1;
    const draw = (n: number) => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return Math.floor((random / 2 ** 32) * n);
    };
    let arrived = 0;
    for (let i = 0; i < 4 * 4096; i++) {
      const count = sent[TX_NEXT]!;
      const sdu = Uint8Array.of(count >>> 16, count >>> 8, count);
      const end = transmitPdcp(sender, sent, sdu, 0, 3, pdu, 0);
      if (draw(16) !== 0) waiting.push({ pdu: pdu.slice(0, end), count });
      if (waiting.length > 64) {
        const [taken] = waiting.splice(waiting[0]!.count < count - 200 ? 0 : draw(64), 1);
        const result = receivePdcp(receiver, state, taken!.pdu, 0, taken!.pdu.length);
        // Patience of 500 slots, at one PDU a slot, is more than the disorder: nothing comes too late.
        expect(result).toBe(PDCP_DELIVERED);
        arrived++;
        const { count: found, start } = receiver.delivery;
        const [high, middle, low] = receiver.workspace.subarray(start, start + 3);
        expect([found, (high! << 16) | (middle! << 8) | low!]).toEqual([taken!.count, taken!.count]);
        expect(delivered.has(found)).toBe(false);
        delivered.add(found);
        if (draw(16) === 0) {
          expect(receivePdcp(receiver, state, taken!.pdu, 0, taken!.pdu.length)).toBe(PDCP_DUPLICATE);
        }
      }
      advancePdcp(configuration, state);
    }
    expect(delivered.size).toBe(arrived);
    expect(arrived).toBeGreaterThan(15_000);
  });
});
