/**
 * A cell that a node serves: the uplink of its users runs slot by slot as a deployed flow, with its HARQ state in epochs, and tells a
 * stateful function, keyed by user, of every slot. Whoever subscribes to a user there hears when its link gets better or worse.
 *
 *     npx neuroran up &
 *     npx neuroran deploy examples/cell.ts
 *     npx neuroran subscribe cell-quality 17921 --from 1
 *     npx neuroran subscribe --flow cell slots --key 17921 --from 0 --limit 5
 *     npx neuroran swap demapping --to log-map
 *     npx neuroran ps
 *
 * The node can be killed at any time: the cell goes on with the slot behind its last epoch, and nobody is told anything twice.
 * `node dist/examples/cell.js` runs two hundred slots of it within its own process.
 */
import { fileURLToPath } from "node:url";
import {
  crcFieldIndex,
  createTransientDomain,
  field,
  handler,
  parseCarrier,
  qualityFieldIndex,
  slotFlow,
  startSlotFlow,
  statefulFunction,
  stateSchema,
  type uplink,
  uplinkCell,
  z,
} from "neuroran";

const users = [
  { rnti: 17_921, snr_db: 20, mcsIndex: 16 },
  { rnti: 17_922, snr_db: 6, mcsIndex: 10 },
];

/** Slots that the link of a user is judged by. */
const window = 20;

/** Keeps the last slots of a user, and says when the link has become another. */
export const cellQuality = statefulFunction(
  "cell-quality",
  stateSchema({
    slots: field.uint32(),
    quality: field.text("unknown"),
    snr_db: field.tensor("float32", [window]),
    lost: field.tensor("uint8", [window]),
    mcsIndex: field.uint8(),
  }),
  {
    slot: handler(
      {
        request: z.strictObject({ slot: z.int(), snr_db: z.number(), crc: z.boolean(), mcsIndex: z.int() }),
        reply: z.void(),
      },
      ({ state, publish }, { slot, snr_db, crc, mcsIndex }) => {
        const at = state.slots++ % window;
        state.snr_db[at] = snr_db;
        state.lost[at] = crc ? 0 : 1;
        state.mcsIndex = mcsIndex;
        if (state.slots < window) return;
        const mean_db = state.snr_db.reduce((sum, one) => sum + one, 0) / window;
        const lost = state.lost.reduce((sum, one) => sum + one, 0) / window;
        const quality = lost > 0.5 ? "poor" : mean_db > 12 ? "good" : "fair";
        if (quality === state.quality) return;
        publish({ slot, quality, before: state.quality, mean_db: Math.round(10 * mean_db) / 10, lost });
        state.quality = quality;
      },
    ),
  },
);

export const cell = slotFlow<typeof uplink>()("cell", {
  delivery: "exactly-once",
  ...uplinkCell({
    carrier: parseCarrier({
      subcarrierSpacing: 30,
      carrierPrbs: 24,
      sampleRate: 15.36e6,
      carrierFrequency: 3.5e9,
    }),
    users,
    receiveAntennas: 2,
    profile: "TDL-A",
    delaySpread_s: 100e-9,
    maximumDoppler_hz: 50,
    seed: 5,
    transmissions: 2,
  }),
  // A tenth of the speed of a real cell: the simulated users and their channels take their time.
  slotDuration_ms: 5,
  outputs: {
    slots: {
      message: stateSchema({
        slot: field.uint32(),
        rnti: field.uint16(),
        snr_db: field.float64(),
        crc: field.boolean(),
        transmission: field.uint8(),
      }),
      of: ({ number, about: { rnti, transmission }, outputs }) => ({
        slot: number,
        rnti,
        transmission,
        snr_db: 10 * Math.log10(outputs.quality.view[qualityFieldIndex.snr]),
        crc: outputs.crc.view[crcFieldIndex.passed] === 1,
      }),
      key: ({ rnti }) => rnti,
    },
  },
  sends: ({ number, about: { rnti, mcsIndex }, outputs }) => [
    cellQuality.at(String(rnti)).slot({
      slot: number,
      snr_db: 10 * Math.log10(outputs.quality.view[qualityFieldIndex.snr]),
      crc: outputs.crc.view[crcFieldIndex.passed] === 1,
      mcsIndex,
    }),
  ],
});

async function demonstrate(): Promise<void> {
  const domain = createTransientDomain([cellQuality]);
  for (const { rnti } of users) {
    domain.subscribe({ function: "cell-quality", key: String(rnti) }, ({ event }) => {
      console.log(`${rnti}: ${JSON.stringify(event)}`);
    });
  }
  const running = await startSlotFlow({
    module: import.meta.url,
    name: "cell",
    store: domain.store,
    admit: domain.admit,
  });
  await new Promise<void>((resolve) => {
    running.output("slots").subscribe(0, ({ position }) => {
      if (position === 199) resolve();
    });
  });
  await running.stop();
  const { position, slots, epochs } = running.statistics();
  console.log(`${slots.done} slots, ${position} of them durable in ${epochs.committed} epochs`);
  await domain.close();
}

// Not awaited here: the flow's threads, and this one, import the module while it runs.
if (process.argv[1] === fileURLToPath(import.meta.url)) demonstrate();
