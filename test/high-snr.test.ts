import { describe, expect, it } from "vitest";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";

/** Transport blocks lost of `slots` with independent channels. */
function lost(
  mcsIndex: number,
  profile: "TDLC300" | "awgn",
  snr_db: number,
  slots: number,
  seed: number,
): number {
  const carrier = parseCarrier({
    subcarrierSpacing: 30,
    carrierPrbs: 51,
    sampleRate: 23.04e6,
    carrierFrequency: 3.5e9,
  });
  const grant = {
    physCellId: 1,
    rnti: 17_921,
    bwpSize: 51,
    subcarrierSpacing: 30,
    rbStart: 0,
    rbSize: 51,
    mcsTable: 1,
    mcsIndex,
    nrOfLayers: 1,
    dmrsConfigType: 1,
    dmrsSymbPos: [2, 11],
    dmrsPorts: [0],
    numDmrsCdmGrpsNoData: 2,
  };
  const receiver = createUplinkReceiver({ carrier, receiveAntennas: 2 });
  const cell = createSimulatedCell({
    carrier,
    grant,
    receiveAntennas: 2,
    guard: receiver.guard,
    profile,
    maximumDoppler_hz: 30,
    snr_db,
    independentSlots: true,
    seed,
  });
  let failures = 0;
  for (let slot = 0; slot < slots; slot++) {
    const { configuration, samples } = cell.next();
    if (!receiver.receive(samples, configuration.grant).crc) failures++;
  }
  receiver.close();
  cell.close();
  return failures;
}

// Soft bits that saturate on the wrong side once made every sixteenth block fail at 28 dB, and none at 16 dB.
describe("far above the threshold no block is lost", () => {
  it("64-QAM at 28 dB over TDLC300, seed 1", () => expect(lost(20, "TDLC300", 28, 60, 1)).toBe(0));
  it("16-QAM at 30 dB over TDLC300, seed 2", () => expect(lost(10, "TDLC300", 30, 40, 2)).toBe(0));
  it("QPSK at 10 dB in AWGN, seed 3", () => expect(lost(4, "awgn", 10, 40, 3)).toBe(0));
  it("QPSK at 20 dB in AWGN, seed 4", () => expect(lost(2, "awgn", 20, 40, 4)).toBe(0));
});
