import { openSync, writeSync } from "node:fs";
import { openLmdbStore } from "../../src/bus/index.js";

/*
 * A process that commits batches without end, to be killed: batch n writes n under two of 50 keys and under "last", and its
 * number is added to `<directory>.acknowledged` when it is durable. Runs as `node commit-until-killed.js <directory>`.
 */
export const slots = 50;

export const keysOf = (batch: number): [string, string] => [`a\0${batch % slots}`, `b\0${batch % slots}`];

/** The number in front, and something to fill the log with. */
export const valueOfBatch = (batch: number): Buffer =>
  Buffer.from(`${batch} ${"x".repeat(2000 + (batch % 7) * 500)}`);

export const batchOf = (value: Uint8Array | undefined): number =>
  Number.parseInt(Buffer.from(value ?? "0").toString(), 10);

if (process.argv[1]?.endsWith("commit-until-killed.js")) {
  const store = await openLmdbStore(process.argv[2]!);
  const acknowledged = openSync(`${process.argv[2]}.acknowledged`, "a");
  const durable: Promise<void>[] = [];
  for (let batch = batchOf(store.get("last")) + 1; ; batch++) {
    const value = valueOfBatch(batch);
    const commit = store.commit([...keysOf(batch), "last"].map((key) => ({ key, value })));
    durable.push(commit.then(() => void writeSync(acknowledged, `${batch}\n`)));
    // Some in flight at a time, so that batches that wait are tried as well.
    if (durable.length >= 1 + (batch % 4)) await durable.shift();
  }
}
