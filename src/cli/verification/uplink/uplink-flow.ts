/**
 * The flow that `verify dataflow` runs beside the counted one: an uplink whose users send every transport block several times,
 * at an SNR at which one transmission seldom is enough, so that what comes out depends on HARQ state of earlier slots. Loaded with
 * `?slots=…`.
 */

import { crc32 } from "node:zlib";
import { field, stateSchema } from "../../../functions/index.js";
import { slotFlow } from "../../../functions/slot-flows/index.js";
import { crcFieldIndex, qualityFieldIndex } from "../../../transceiver/index.js";
import { compactCarrier } from "../../../transceiver/pusch/index.js";
import type { uplink } from "../../../transceiver/uplink.js";
import { uplinkCell } from "../../../transceiver/uplink-cell.js";

const slots = Number(new URL(import.meta.url).searchParams.get("slots") ?? 400);

/** What a slot gave. */
export const receivedSlot = stateSchema({
  slot: field.uint32(),
  rnti: field.uint16(),
  harqProcessId: field.uint8(),
  transmission: field.uint8(),
  crc: field.boolean(),
  /** Whether the block is the one that was sent. */
  right: field.boolean(),
  /** CRC-32 of the block. */
  checksum: field.uint32(),
  snr: field.float64(),
  iterations: field.int32(),
});

export const uplinkSlots = slotFlow<typeof uplink>()("uplink-slots", {
  delivery: "exactly-once",
  ...uplinkCell({
    carrier: compactCarrier({
      subcarrierSpacing: 15,
      cyclicPrefix: "normal",
      carrierPrbs: 25,
      carrierFrequency: 3.5e9,
    }),
    users: [4711, 4712, 4713].map((rnti, index) => ({ rnti, snr_db: 5 + index, mcsIndex: 16 })),
    receiveAntennas: 1,
    profile: "TDL-A",
    delaySpread_s: 30e-9,
    maximumDoppler_hz: 30,
    seed: 4,
    transmissions: 3,
    processes: 4,
    slots,
    // The same bits on every machine that CI has.
    target: "wasm",
  }),
  // Slower than it could: kills come while it goes on.
  slotDuration_ms: 2,
  outputs: {
    slots: {
      message: receivedSlot,
      of({ number, about, outputs: { crc, block, quality, iterations } }) {
        const { rnti, harqProcessId, transmission } = about;
        const checksum = crc32(block.view);
        return {
          slot: number,
          rnti,
          harqProcessId,
          transmission,
          crc: crc.view[crcFieldIndex.passed] === 1,
          right: checksum === about.checksum,
          checksum,
          snr: quality.view[qualityFieldIndex.snr],
          iterations: iterations.view[0],
        };
      },
    },
  },
});
