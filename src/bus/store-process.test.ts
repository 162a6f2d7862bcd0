import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { acknowledgedBy, dice, kill, startCommitting, startScript } from "../../test/bus/child-process.js";
import { batchOf, keysOf, slots } from "../../test/bus/commit-until-killed.js";
import { openLmdbStore } from "./index.js";

const seed = 20261121;
const root = mkdtempSync(join(tmpdir(), "neuroran-store-"));
afterAll(() => rmSync(root, { recursive: true }));
let directories = 0;
const freshDirectory = (): string => join(root, `${directories++}`);

describe("a store's directory", () => {
  it("is one process's at a time, and free when that is killed", async () => {
    const directory = freshDirectory();
    const child = await startCommitting(directory);
    await expect(openLmdbStore(directory)).rejects.toThrow(
      expect.objectContaining({
        code: "STORE_LOCKED",
        message: expect.stringContaining(`process ${child.pid} `),
      }),
    );
    await kill(child);
    const store = await openLmdbStore(directory);
    await expect(openLmdbStore(directory)).rejects.toThrow(
      expect.objectContaining({
        code: "STORE_LOCKED",
        message: expect.stringContaining(`process ${process.pid} `),
      }),
    );
    await store.close();
    await (await openLmdbStore(directory)).close();
  });

  // Invariants 1 and 2 of the interface.
  it("has whole batches in order, and all that were acknowledged, after its process was killed", async () => {
    const directory = freshDirectory();
    const random = dice(seed);
    let total = 0;
    for (let round = 0; round < 8; round++) {
      const child = await startCommitting(directory);
      await new Promise((resolve) => setTimeout(resolve, 50 + random(700)));
      await kill(child);
      const acknowledged = acknowledgedBy(directory);

      const store = await openLmdbStore(directory);
      const last = batchOf(store.get("last"));
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      for (let batch = Math.max(1, last - slots + 1); batch <= last; batch++) {
        for (const key of keysOf(batch)) expect(batchOf(store.get(key))).toBe(batch);
      }
      await store.close();
      total = last;
    }
    // Otherwise the log was never drained meanwhile.
    expect(total).toBeGreaterThan(2000);
  }, 30_000);

  it("can be opened when its process was killed while it was made", async () => {
    const random = dice(seed);
    for (let round = 0; round < 12; round++) {
      const directory = freshDirectory();
      const child = startScript(directory);
      // Node itself takes a while to start.
      while (!existsSync(directory)) await new Promise((resolve) => setTimeout(resolve, 1));
      await new Promise((resolve) => setTimeout(resolve, random(60)));
      await kill(child);
      const store = await openLmdbStore(directory);
      await store.commit([{ key: "after", value: Buffer.from("a") }]);
      await store.close();
      rmSync(directory, { recursive: true });
    }
  }, 20_000);

  it("can be opened whatever of the making was done", async () => {
    const made = freshDirectory();
    await (await openLmdbStore(made)).close();
    const dataFile = readFileSync(join(made, "data.mdb"));
    for (const length of [undefined, 0, 4096, 8192, dataFile.length]) {
      for (const log of ["none", "short", "whole"]) {
        const directory = freshDirectory();
        cpSync(made, directory, { recursive: true });
        if (log === "none") rmSync(join(directory, "log-1"));
        if (log === "short") truncateSync(join(directory, "log-1"), 2 ** 20);
        // The data file is made when the log is whole.
        if (length === undefined || log !== "whole") rmSync(join(directory, "data.mdb"));
        else truncateSync(join(directory, "data.mdb"), length);
        const store = await openLmdbStore(directory);
        await store.commit([{ key: "after", value: Buffer.from("a") }]);
        await store.close();
        rmSync(directory, { recursive: true });
      }
    }
  }, 20_000);
});
