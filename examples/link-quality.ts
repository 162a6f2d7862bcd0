/**
 * Watches the link of each user. A flow receives the uplink slots of a simulated cell, averages the signal-to-noise ratio of each
 * user, and tells a function of it ten slots at a time; whoever subscribes to a user there is told when its quality changes.
 *
 *     npx neuroran up &
 *     npx neuroran deploy examples/link-quality.ts
 *     npx neuroran subscribe link-quality ue-17921 --from 1
 *     npx neuroran state get link-quality ue-17921
 *
 * `node dist/examples/link-quality.js` does the like within its own process.
 */
import { fileURLToPath } from "node:url";
import {
  createFlowHost,
  createSimulatedCell,
  createTransientDomain,
  createUplinkReceiver,
  field,
  flow,
  handler,
  operator,
  parseCarrier,
  replayable,
  type SourceReader,
  statefulFunction,
  stateSchema,
  type ValueOf,
  z,
} from "neuroran";

const slots = 40;
const users = [
  { rnti: 17_921, snr_db: 22 },
  { rnti: 17_922, snr_db: 8 },
];

const report = stateSchema({
  rnti: field.uint16(),
  slot: field.uint32(),
  snr_db: field.float64(),
  /** Whether the transport block was received. */
  received: field.boolean(),
});

/**
 * The slots of one user from a position on. Channel and receiver go on in time, so what lies before the position is gone through
 * again: the same messages come again after a crash.
 */
function receivedSlots(from: number, user: number): SourceReader<ValueOf<typeof report>> {
  const { rnti, snr_db } = users[user];
  const carrier = parseCarrier({
    subcarrierSpacing: 30,
    carrierPrbs: 24,
    sampleRate: 15.36e6,
    carrierFrequency: 3.5e9,
  });
  const receiver = createUplinkReceiver({ carrier, receiveAntennas: 2 });
  const cell = createSimulatedCell({
    carrier,
    grant: {
      physCellId: 1,
      rnti,
      bwpSize: 24,
      subcarrierSpacing: 30,
      rbStart: 0,
      rbSize: 24,
      mcsTable: 1,
      mcsIndex: 10,
      nrOfLayers: 1,
      dmrsConfigType: 1,
      dmrsSymbPos: [2, 11],
      dmrsPorts: [0],
      numDmrsCdmGrpsNoData: 2,
    },
    receiveAntennas: 2,
    guard: receiver.guard,
    profile: "TDL-A",
    delaySpread_s: 100e-9,
    maximumDoppler_hz: 50,
    snr_db,
    seed: rnti,
  });
  let next = 0;
  const read = (): ValueOf<typeof report> | "end" => {
    if (next === slots) return "end";
    const { configuration, samples } = cell.next();
    const { snr_db, crc } = receiver.receive(samples, configuration.grant);
    return { rnti, slot: next++, snr_db, received: crc };
  };
  while (next < Math.min(from, slots)) read();
  return { read, position: () => next };
}

/** Averages over about twenty slots, and tells of every tenth. */
const averaging = operator({
  name: "averaging",
  state: stateSchema({ slots: field.uint32(), mean_db: field.float64(), lost: field.uint32() }),
  inputs: {
    reports: {
      message: report,
      key: ({ rnti }) => rnti,
      process({ key, state, send }, { slot, snr_db, received }) {
        state.slots++;
        state.mean_db += (snr_db - state.mean_db) / Math.min(state.slots, 20);
        if (!received) state.lost++;
        if (state.slots % 10 > 0) return;
        send(linkQuality.at(`ue-${key}`).report({ slot, mean_db: state.mean_db, lost: state.lost }));
      },
    },
  },
});

export const linkQuality = statefulFunction(
  "link-quality",
  stateSchema({ quality: field.text("unknown"), mean_db: field.float64(), lost: field.uint32() }),
  {
    report: handler(
      { request: z.strictObject({ slot: z.int(), mean_db: z.number(), lost: z.int() }), reply: z.void() },
      ({ state, publish }, { slot, mean_db, lost }) => {
        const quality = mean_db > 15 ? "good" : mean_db > 5 ? "fair" : "poor";
        if (quality !== state.quality) publish({ slot, quality, before: state.quality });
        Object.assign(state, { quality, mean_db, lost });
      },
    ),
  },
);

export const uplinkQuality = flow("uplink-quality", { delivery: "exactly-once" }, ({ source }) => {
  averaging({ reports: source("slots", report, replayable(receivedSlots, users.length)) });
  return {};
});

async function demonstrate(): Promise<void> {
  const domain = createTransientDomain([linkQuality]);
  for (const { rnti } of users) {
    domain.subscribe({ function: "link-quality", key: `ue-${rnti}` }, ({ event }) => {
      console.log(`${rnti}: ${JSON.stringify(event)}`);
    });
  }
  const host = createFlowHost({ store: domain.store, admit: domain.admit });
  const running = await host.start({ module: import.meta.url, name: "uplinkQuality" });
  await running.finished;
  for (const { rnti } of users) {
    const state = await domain.stateOf({ function: "link-quality", key: `ue-${rnti}` });
    console.log(`${rnti}: ${JSON.stringify(state)}`);
  }
  await host.stop();
  await domain.close();
}

// Not awaited here: the flow's threads, and this one, import the module while it runs.
if (process.argv[1] === fileURLToPath(import.meta.url)) demonstrate();
