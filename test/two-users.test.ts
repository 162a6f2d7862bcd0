import { describe, expect, it } from "vitest";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver, defaultGuard } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";

const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 });
/** 16QAM at rate 0.64: one transmission needs 11 dB, two combined pass at 7. */
const grant = { physCellId: 1, rbStart: 0, rbSize: 51, mcsIndex: 16 };
const guard = defaultGuard(carrier);
const receiverOf = (users: number) =>
  createUplinkReceiver({ carrier, receiveAntennas: 1, users, arenaBytes: 2 ** 27 });

describe("two users' retransmissions on the same HARQ process", () => {
  it("give in one receiver what they give in one each", () => {
    const users = [4711, 4712].map((rnti) => ({
      cell: createSimulatedCell({
        carrier,
        grant: { ...grant, rnti },
        receiveAntennas: 1,
        guard,
        profile: "awgn",
        snr_db: 7,
        seed: rnti,
      }),
      own: receiverOf(1),
    }));
    const shared = receiverOf(2);
    let decoded = 0;
    for (let block = 0; block < 4; block++) {
      for (const rvIndex of [0, 2] as const) {
        for (const { cell, own } of users) {
          const newDataIndicator = rvIndex === 0 ? 1 : 0;
          const { configuration, samples, payload } = cell.next({
            harqProcessId: 5,
            newDataIndicator,
            rvIndex,
          });
          const wanted = own.receive(samples, configuration.grant);
          const found = shared.receive(samples, configuration.grant);
          // What was tracked in the other's slot makes soft bits differ a little, not what comes out.
          expect(found.crc).toBe(wanted.crc);
          expect(found.crc).toBe(rvIndex === 2);
          if (!found.crc) continue;
          decoded++;
          expect(found.payload).toEqual(payload);
        }
      }
    }
    expect(decoded).toBe(8);
    for (const { cell, own } of users) {
      cell.close();
      own.close();
    }
    shared.close();
  });
});
