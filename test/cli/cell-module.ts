/** A module with a small cell: 6 resource blocks of 16QAM, so that slots take little time. */
export const cellText = `
import { crcFieldIndex, field, parseCarrier, slotFlow, stateSchema, uplinkCell } from "neuroran";
export const cell = slotFlow()("cell", {
  delivery: "exactly-once",
  ...uplinkCell({
    carrier: parseCarrier({ subcarrierSpacing: 15, carrierPrbs: 6, sampleRate: 1.92e6 }),
    users: [{ rnti: 1, snr_db: 16, mcsIndex: 13 }, { rnti: 2, snr_db: 12, mcsIndex: 13 }],
    receiveAntennas: 1,
    profile: "TDL-D",
    delaySpread_s: 30e-9,
    seed: 3,
    transmissions: 2,
  }),
  slotDuration_ms: 4,
  outputs: {
    slots: {
      message: stateSchema({ slot: field.uint32(), crc: field.boolean() }),
      of: ({ number, outputs }) => ({ slot: number, crc: outputs.crc.view[crcFieldIndex.passed] === 1 }),
    },
  },
});
`;
