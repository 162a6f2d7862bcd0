/**
 * The process that `verify dataflow` kills: runs the counted sequence over a store until it is done, and says how far it is.
 */
import { openLmdbStore } from "../../bus/index.js";
import { startFlow } from "./running-flow.js";

/** What the process is started with, as JSON in its first argument. */
export interface ChildStart {
  readonly directory: string;
  readonly module: string;
  readonly workers: number;
  readonly parallelism: Readonly<Record<string, number>>;
  readonly epochInterval_ms: number;
}

const start = JSON.parse(process.argv[2]) as ChildStart;
const store = await openLmdbStore(start.directory);
const flow = await startFlow({
  module: start.module,
  name: "countedSequence",
  store,
  deployment: { workers: start.workers, parallelism: start.parallelism, ringBytes: 1 << 14 },
  epochInterval_ms: start.epochInterval_ms,
  keptOutputs: Number.MAX_SAFE_INTEGER,
});
const say = (message: object): void => void process.send?.(message);
say({ kind: "started", statistics: flow.statistics() });
const progress = setInterval(() => say({ kind: "progress", statistics: flow.statistics() }), 50);
process.on("message", async () => {
  say({ kind: "description", description: await flow.describe() });
});
const orphaned = (): never => process.exit(1);
process.on("disconnect", orphaned);
try {
  await flow.finished;
  say({ kind: "progress", statistics: flow.statistics() });
  await store.close();
  say({ kind: "finished" });
} catch (error) {
  say({ kind: "failed", message: (error as Error).stack ?? String(error) });
  process.exitCode = 1;
}
clearInterval(progress);
process.off("disconnect", orphaned);
process.disconnect?.();
