/** The process that the verification of the uplink kills: runs the flow over a store until it is done. */
import { openLmdbStore } from "../../../bus/index.js";
import { startSlotFlow } from "../../../functions/slot-flows/index.js";

/** What the process is started with, as JSON in its first argument. */
export interface UplinkChildStart {
  readonly directory: string;
  readonly module: string;
  readonly epochInterval_ms: number;
}

const start = JSON.parse(process.argv[2]) as UplinkChildStart;
const store = await openLmdbStore(start.directory);
const flow = await startSlotFlow({
  module: start.module,
  name: "uplinkSlots",
  store,
  epochInterval_ms: start.epochInterval_ms,
  keptOutputs: Number.MAX_SAFE_INTEGER,
});
const say = (kind: "started" | "progress" | "finished"): void => {
  const { restored, epochs, position } = flow.statistics();
  process.send?.({ kind, restored: restored.position, epoch: epochs.last, position });
};
const orphaned = (): never => process.exit(1);
process.on("disconnect", orphaned);
say("started");
const progress = setInterval(() => say("progress"), 20);
await flow.finished;
clearInterval(progress);
await flow.stop();
await store.close();
say("finished");
process.off("disconnect", orphaned);
process.disconnect?.();
