import { openSync, writeSync } from "node:fs";
import { openLmdbStore } from "../../src/bus/index.js";

/*
 * A process that goes on committing whatever becomes of the batches, to be killed: batch n writes n under two of 20 keys, every
 * 30th so long a value that the log has no room for it. What became of each is added as a line to a file: `+n` when it was
 * durable, `-n` when it was rejected for lack of room. Runs as `node commit-through-full-disk.js <directory> <file>`.
 */
export const slots = 20;

export const slotKeys = (batch: number): [string, string] => [`a\0${batch % slots}`, `b\0${batch % slots}`];

if (process.argv[1]?.endsWith("commit-through-full-disk.js")) {
  const store = await openLmdbStore(process.argv[2]!);
  const answers = openSync(process.argv[3]!, "a");
  const open: Promise<void>[] = [];
  for (let batch = 1; ; batch++) {
    const length = batch % 30 === 29 ? 2 ** 23 : 20_000 + (batch % 7) * 5000;
    const value = Buffer.from(`${batch} ${"x".repeat(length)}`);
    const [one, other] = slotKeys(batch);
    const commit = store.commit([
      { key: one, value },
      { key: other, value: value.subarray(0, 1000) },
    ]);
    open.push(
      commit.then(
        () => void writeSync(answers, `+${batch}\n`),
        async (error) => {
          if (error.code !== "STORE_FULL") process.exit(3);
          writeSync(answers, `-${batch}\n`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        },
      ),
    );
    // Some in flight at a time, so that there are some behind those that are rejected.
    if (open.length >= 1 + (batch % 4)) await open.shift();
  }
}
