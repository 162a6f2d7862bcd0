import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, describe, expect, it } from "vitest";
import { dice } from "../../test/bus/child-process.js";
import { type DataPages, reserveRoom } from "./data-room.js";

const seed = 20261121;
const root = mkdtempSync(join(tmpdir(), "neuroran-room-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Keys and lengths of values of a transaction, by what is known to cost a tree most. */
const kinds: Record<string, (random: (limit: number) => number, index: number) => [string, number]> = {
  ascending: (_, index) => [`key ${String(index).padStart(9, "0")}`, 100],
  descending: (_, index) => [`key ${String(1e8 - index)}`, 700],
  "anywhere, as long as half a page": (random) => [`key ${random(1e6)}`, 1900 + random(80)],
  "anywhere, of any length": (random) => [`key ${random(20_000)}`, random(9000)],
  "the same again and again": (random) => [`key ${random(300)}`, random(300)],
  "long keys": (random) => [`${random(1e6)} ${"k".repeat(1900)}`, 10],
  "small and large in turn": (random, index) => [`key ${random(1e6)}`, index % 2 === 0 ? 1 : 1950],
};

describe("room in the data file", () => {
  // Invariant 3 of the data file.
  it.each(Object.keys(kinds))("is there before the transaction: %s", async (kind) => {
    const path = join(root, kind.replaceAll(/\W/g, "-"));
    const database = open<Buffer, Buffer>({
      path,
      noSubdir: true,
      keyEncoding: "binary",
      encoding: "binary",
      overlappingSync: false,
    });
    const random = dice(seed);
    let index = 0;
    let grown = 0;
    for (let transaction = 0; transaction < 40; transaction++) {
      const writes = new Map<string, Uint8Array | undefined>();
      for (let left = 1 + random(transaction % 3 === 0 ? 3 : 800); left > 0; left--) {
        const [key, length] = kinds[kind]!(random, index++);
        writes.set(key, random(6) === 0 ? undefined : Buffer.alloc(length));
      }
      const before = statSync(path).size;
      reserveRoom(path, database.getStats() as DataPages, writes);
      const { size } = statSync(path);
      if (size > before) grown++;
      database.transactionSync(() => {
        for (const [key, value] of writes) {
          if (value === undefined) database.remove(Buffer.from(key));
          else database.put(Buffer.from(key), Buffer.concat([Buffer.alloc(4), value]));
        }
      });
      expect(statSync(path).size, `transaction ${transaction}, ${writes.size} writes`).toBe(size);
      const { lastPageNumber, pageSize } = database.getStats() as DataPages;
      expect((lastPageNumber + 1) * pageSize).toBeLessThanOrEqual(size);
    }
    expect(grown).toBeGreaterThan(0);
    await database.close();
  });
});
