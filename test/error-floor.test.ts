import { describe, expect, it } from "vitest";
import type { DelayProfileName } from "../src/radio/index.js";
import { createUplinkReceiver, defaultGuard } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";
import { carrier } from "./impaired-cell.js";

const seed = 11;

/** The slots, out of independent ones, whose block two antennas did not receive. */
function lostSlots(
  profile: DelayProfileName,
  maximumDoppler_hz: number,
  mcsIndex: number,
  snr_db: number,
  slots: number,
): number[] {
  const cell = createSimulatedCell({
    carrier,
    grant: { physCellId: 1, rnti: 4711, rbStart: 0, rbSize: 51, mcsIndex },
    receiveAntennas: 2,
    guard: defaultGuard(carrier),
    profile,
    maximumDoppler_hz,
    snr_db,
    independentSlots: true,
    seed,
  });
  const receiver = createUplinkReceiver({ carrier, receiveAntennas: 2 });
  const lost: number[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const { configuration, samples, payload } = cell.next();
    const result = receiver.receive(samples, configuration.grant);
    if (!result.crc || Buffer.compare(result.payload, payload) !== 0) lost.push(slot);
  }
  cell.close();
  receiver.close();
  return lost;
}

describe(`the channels of TS 38.104 annex G, far above the threshold (seed ${seed})`, () => {
  // Without noise, what remains is what estimation makes of delay and Doppler: slots 131, 267 and 289 of TDLC300 and
  // 13 of TDLB100 were lost where gains that change between DM-RS hid the Doppler spread.
  it.each([
    ["TDLA30", 10, 27, 40, 60],
    ["TDLB100", 400, 22, 36, 60],
    ["TDLB100", 400, 27, 36, 60],
    ["TDLC300", 100, 13, 25, 60],
    ["TDLC300", 100, 27, 45, 300],
  ] as const)(
    "loses no block on %s at %i Hz, MCS %i, %i dB, in %i slots",
    (profile, doppler, mcs, snr, slots) => {
      expect(lostSlots(profile, doppler, mcs, snr, slots)).toEqual([]);
    },
  );
});
