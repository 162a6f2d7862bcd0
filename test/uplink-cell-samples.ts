/** One uplink, as it may be redeployed on another machine: compiled for other hardware, with another implementation. */
import type { TargetName } from "../src/compiler/index.js";
import { field, stateSchema } from "../src/functions/index.js";
import { slotFlow } from "../src/functions/slot-flows/index.js";
import { crcFieldIndex, parseCarrier, type UplinkCellOptions } from "../src/transceiver/index.js";
import type { uplink } from "../src/transceiver/uplink.js";
import { uplinkCell } from "../src/transceiver/uplink-cell.js";

/** 16QAM at rate 0.64: one transmission needs 11 dB, two combined pass at 8. */
export const cellOptions: UplinkCellOptions = {
  carrier: parseCarrier({ subcarrierSpacing: 15, carrierPrbs: 25, sampleRate: 7.68e6 }),
  users: [4711, 4712].map((rnti) => ({ rnti, snr_db: 8, mcsIndex: 16 })),
  receiveAntennas: 1,
  profile: "TDL-D",
  delaySpread_s: 30e-9,
  seed: 11,
  transmissions: 2,
  processes: 16,
};

const declare = (target: TargetName, demapping: string) =>
  slotFlow<typeof uplink>()("uplink-cell", {
    delivery: "exactly-once",
    ...uplinkCell({ ...cellOptions, target, implementations: { demapping } }),
    slotDuration_ms: 5,
    outputs: {
      slots: {
        message: stateSchema({
          slot: field.uint32(),
          transmission: field.uint8(),
          crc: field.boolean(),
          rnti: field.uint16(),
          harqProcessId: field.uint8(),
        }),
        of: ({ number, about: { transmission, rnti, harqProcessId }, outputs }) => ({
          slot: number,
          transmission,
          rnti,
          harqProcessId,
          crc: outputs.crc.view[crcFieldIndex.passed] === 1,
        }),
      },
    },
  });

export const llvmCell = declare("llvm", "max-log");
export const wasmCell = declare("wasm", "log-map");
