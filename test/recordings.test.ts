import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { openRecording, readFronthaul } from "../src/radio/index.js";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver, type SlotResult } from "../src/transceiver/receiver.js";
import { dataFolder } from "./independent/reference-data.js";

const overTheAir = resolve(dataFolder, "ota");
const fronthaul = resolve(dataFolder, "fronthaul/pusch_pcap_example.txt");

function receiveSlot(file: string, start: number, grant: Record<string, unknown>): SlotResult {
  const carrier = parseCarrier({
    subcarrierSpacing: 30,
    carrierPrbs: 51,
    sampleRate: 23.04e6,
    carrierFrequency: 3427.5e6,
  });
  const recording = openRecording(resolve(overTheAir, file), { format: "cf32_le" });
  const receiver = createUplinkReceiver({ carrier, receiveAntennas: 1 });
  const samples = recording.read(start - receiver.guard, receiver.inputSamples);
  const result = receiver.receive(samples, grant);
  recording.close();
  receiver.close();
  return result;
}

describe.skipIf(!existsSync(overTheAir))("over-the-air recordings of a laboratory cell", () => {
  const common = {
    physCellId: 1,
    rnti: 0x4601,
    bwpSize: 51,
    subcarrierSpacing: 30,
    mcsTable: 1,
    nrOfLayers: 1,
    dmrsConfigType: 1,
    dmrsSymbPos: [2, 7, 11],
    dmrsPorts: [0],
    numDmrsCdmGrpsNoData: 2,
  };

  it("PUSCH of 24 PRBs: 4224 bits whose CRC passes", () => {
    const grant = { ...common, slot: 7, rbStart: 3, rbSize: 24, mcsIndex: 9 };
    const result = receiveSlot("srsran-n78-20MHz_pusch_3426.fc32", 11_052, grant);
    expect(result.crc).toBe(true);
    expect(result.payload.length * 8).toBe(4224);
    expect(Math.abs(result.cfo_hz)).toBeLessThan(200);
  });

  it("message 3 of random access: 11 bytes whose CRC passes", () => {
    const grant = { ...common, slot: 17, rbStart: 3, rbSize: 3, mcsIndex: 0 };
    const result = receiveSlot("srsran-n78-20MHz_rach_msg3.fc32", 11_052, grant);
    expect(result.crc).toBe(true);
    expect(result.payload.length).toBe(11);
  });
});

describe.skipIf(!existsSync(fronthaul))("fronthaul PRBs of a radio unit", () => {
  it("two layers on DM-RS ports 0 and 2 of 8 PRBs: CRC passes", () => {
    const { grid, antennas } = readFronthaul(fronthaul, { iqWidth: 9, prbCount: 273 });
    const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 273 });
    const receiver = createUplinkReceiver({ carrier, receiveAntennas: antennas });
    const result = receiver.receiveGrid(grid, {
      slot: 14,
      physCellId: 0,
      rnti: 29_500,
      bwpSize: 273,
      subcarrierSpacing: 30,
      rbStart: 0,
      rbSize: 8,
      mcsTable: 1,
      mcsIndex: 0,
      nrOfLayers: 2,
      dmrsConfigType: 1,
      dmrsSymbPos: [2],
      dmrsPorts: [0, 2],
      numDmrsCdmGrpsNoData: 2,
    });
    expect(result.crc).toBe(true);
    receiver.close();
  });
});
