import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { everythingIn, freshDirectories } from "../../test/bus/store-folder.js";
import { measureFlushFloor, openLmdbStore } from "./index.js";

const seed = 20261121;
const freshDirectory = freshDirectories();
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("the flush floor", () => {
  it("is measured beside what is there, and leaves nothing", async () => {
    const directory = freshDirectory();
    mkdirSync(directory);
    const { store, lmdb, commits } = await measureFlushFloor(directory);
    expect(commits).toBeGreaterThanOrEqual(100);
    for (const { p50_ms, p99_ms } of [store, lmdb]) {
      expect(p50_ms).toBeGreaterThan(0);
      expect(p99_ms).toBeGreaterThanOrEqual(p50_ms);
    }
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("the LMDB store", () => {
  it("does as a sorted map does, through reopening, and from any of its layers", async () => {
    const key = fc.oneof(
      fc.integer({ min: 0, max: 40 }).map((n) => `k\0${n}`),
      fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
    );
    const value = fc.option(fc.uint8Array({ maxLength: 5000, size: "max" }), { freq: 3, nil: undefined });
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.array(fc.record({ key, value }), { maxLength: 30 }) },
      { weight: 1, arbitrary: fc.constant("reopen" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), key, key, async (steps, from, to) => {
        const directory = freshDirectory();
        let store = await openLmdbStore(directory);
        const model = new Map<string, Uint8Array>();
        for (const one of steps) {
          if (one === "reopen") {
            await store.close();
            store = await openLmdbStore(directory);
            continue;
          }
          await store.commit(one);
          for (const { key: name, value: held } of one) {
            if (held === undefined) model.delete(name);
            else model.set(name, held);
          }
        }
        const sorted = [...model].sort(([one], [other]) => Buffer.compare(bytes(one), bytes(other)));
        const expected = sorted.map(([name, held]) => [name, Buffer.from(held).toString("latin1")]);
        expect(everythingIn(store)).toEqual(expected);
        const isWithin = (name: string): boolean =>
          Buffer.compare(bytes(from), bytes(name)) <= 0 && Buffer.compare(bytes(name), bytes(to)) < 0;
        expect([...store.range(from, to)].map((entry) => entry.key)).toEqual(
          sorted.map(([name]) => name).filter(isWithin),
        );
        for (const [name, held] of sorted) expect(new Uint8Array(store.get(name)!)).toEqual(held);
        expect(store.get("never written")).toBeUndefined();
        await store.close();
        rmSync(directory, { recursive: true });
      }),
      { seed, numRuns: 4 },
    );
  }, 20_000);

  it("keeps ranges as they were, hands out copies, and drains what is long", async () => {
    const store = await openLmdbStore(freshDirectory());
    const value = Buffer.alloc(2000, "a");
    const keys = Array.from({ length: 3000 }, (_, index) => `key ${String(index).padStart(5, "0")}`);
    // Three times the log's file.
    for (let round = 0; round < 2; round++) {
      await store.commit(keys.map((key) => ({ key, value })));
      // The log is being drained as long as nothing else runs here.
      expect(keys.every((key) => value.equals(store.get(key) ?? value.subarray(1)))).toBe(true);
    }
    const first = store.commit([{ key: keys[0]!, value }]);
    value.fill("b");
    await first;
    const range = store.range(keys[0]!, keys[2999]!);
    await store.commit(keys.map((key) => ({ key, value: undefined })));
    const found = [...range];
    expect(found.map((entry) => entry.key)).toEqual(keys.slice(0, -1));
    expect(found.every((entry) => entry.value.every((byte) => byte === 97))).toBe(true);
    expect(everythingIn(store)).toEqual([]);

    await store.commit([{ key: "own", value: bytes("own") }]);
    store.get("own")!.fill(0);
    for (const entry of store.range("own", "p")) entry.value.fill(0);
    expect(store.get("own")).toEqual(Buffer.from("own"));
    await store.close();
  }, 20_000);

  it("keeps its files from others, whoever may look into the directory", async () => {
    const directory = freshDirectory();
    mkdirSync(directory, { mode: 0o755 });
    const store = await openLmdbStore(directory);
    await store.commit([{ key: "t\0function\0name of somebody", value: bytes("v") }]);
    const names = readdirSync(directory);
    expect(names).toEqual(expect.arrayContaining(["data.mdb", "log-0", "log-1"]));
    for (const name of names) expect(statSync(join(directory, name)).mode & 0o077, name).toBe(0);
    await store.close();
  });

  it("refuses keys that cannot be, and everything after it was closed", async () => {
    const store = await openLmdbStore(freshDirectory());
    const value = bytes("v");
    for (const key of ["", "x".repeat(1979), "\ud800"]) {
      await expect(store.commit([{ key, value }])).rejects.toThrow(
        expect.objectContaining({ code: "INPUT_INVALID" }),
      );
    }
    // Only these batches: what is handed over with them holds.
    const among = [
      store.commit([{ key: "before", value }]),
      store.commit([{ key: "", value }]).catch((error) => error.code),
      store.commit([{ key: "after", value }]),
    ];
    expect(await Promise.all(among)).toEqual([undefined, "INPUT_INVALID", undefined]);
    expect(everythingIn(store).map(([key]) => key)).toEqual(["after", "before"]);
    await store.commit([{ key: "é".repeat(989), value }]);
    const late = store.commit([{ key: "late", value }]);
    await store.close();
    await late;
    await expect(store.commit([{ key: "a", value }])).rejects.toThrow(
      expect.objectContaining({ code: "STORE_CLOSED" }),
    );
    const closed = expect.objectContaining({ code: "STORE_CLOSED" });
    expect(() => store.get("late")).toThrow(closed);
    expect(() => store.range("", "z")).toThrow(closed);
    await store.close();
  });
});
