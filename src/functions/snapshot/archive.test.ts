import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { mountSmallDisk, needsRoot } from "../../../test/bus/small-disk.js";
import { memoryStore, openLmdbStore, type Store } from "../../bus/index.js";
import { createNodeKey, openEncryption } from "../encryption/index.js";
import { checkRestored, exportStore, importStore } from "./index.js";

const directory = mkdtempSync(join(tmpdir(), "neuroran-archive-"));
afterAll(() => rmSync(directory, { recursive: true }));
const node = createNodeKey();
const everything = (store: Store) =>
  [...store.range("", "\u{10ffff}")].map(({ key, value }) => [key, Buffer.from(value).toString("latin1")]);

async function filled(): Promise<Store> {
  const store = memoryStore();
  const encryption = openEncryption(store, node);
  await encryption.prepare(["counter"]);
  const cipher = encryption.forFunction("counter");
  const keys = Array.from({ length: 500 }, (_, index) => `t\0counter\0${index}é`);
  await store.commit(
    keys.map((key, index) => ({ key, value: cipher.seal(Buffer.alloc(index * 5, "plaintext"), key) })),
  );
  await store.commit([{ key: "empty", value: new Uint8Array() }]);
  return store;
}

describe("the archive of a store", () => {
  it("restores everything into an empty store, sealed as it was, on a real disk", async () => {
    const store = await filled();
    const path = join(directory, "whole");
    const written = await exportStore(store, node, path);
    expect(written.entries).toBe(502);
    expect(readdirSync(directory)).toEqual(["whole"]);
    expect(readFileSync(path).includes("plaintext")).toBe(false);

    const restored = await openLmdbStore(join(directory, "restored"));
    expect(await importStore(restored, path, [node.identity])).toEqual(written);
    expect(everything(restored)).toEqual(everything(store));
    checkRestored(restored);
    const key = "t\0counter\x0041é";
    const cipher = openEncryption(restored, node).forFunction("counter");
    expect(Buffer.from(cipher.open(restored.get(key)!, key))).toEqual(Buffer.alloc(205, "plaintext"));
    await restored.close();
  });

  it("holds the store as it was when it was asked for, while commits go on", async () => {
    const store = await openLmdbStore(join(directory, "busy"));
    const keys = Array.from({ length: 4000 }, (_, index) => `key ${index}`);
    await store.commit(keys.map((key) => ({ key, value: Buffer.alloc(1000, "a") })));
    await store.close();
    const again = await openLmdbStore(join(directory, "busy"));
    const path = join(directory, "consistent");
    const exported = exportStore(again, node, path);
    let done = false;
    const commits = (async () => {
      for (let round = 0; !done; round++) {
        await again.commit(
          keys.map((key) => ({ key, value: round % 2 ? Buffer.alloc(1000, "b") : undefined })),
        );
      }
    })();
    // The range is taken when the file is open.
    await exported;
    done = true;
    await commits;
    const restored = memoryStore();
    await importStore(restored, path, [node.identity]);
    const contents = new Set(everything(restored).map(([, value]) => value));
    expect(contents.size).toBeLessThanOrEqual(1);
    expect([0, keys.length]).toContain(everything(restored).length);
    await again.close();
  }, 20_000);

  it("is refused whole when anything about it is wrong, and nothing has changed then", async () => {
    const path = join(directory, "original");
    await exportStore(await filled(), node, path);
    const original = readFileSync(path);
    const damagedPath = join(directory, "damaged");
    const target = memoryStore();
    await target.commit([{ key: "kept", value: Buffer.from("kept") }]);
    const refuse = async (bytes: Uint8Array): Promise<void> => {
      writeFileSync(damagedPath, bytes);
      await expect(importStore(target, damagedPath, [node.identity], true)).rejects.toMatchObject({
        code: "SNAPSHOT_CORRUPT",
        message: expect.stringContaining(damagedPath),
      });
    };
    for (let flip = 0; flip < 150; flip++) {
      // Spread over the file; the signature's last character, some bits of which stand for nothing, is not met.
      const at = flip < 30 ? flip : Math.floor(((original.length - 100) * flip) / 150);
      const damaged = Buffer.from(original);
      damaged[at]! ^= 1 << (flip & 7);
      await refuse(damaged);
    }
    for (let cut = 1; cut < 40; cut++)
      await refuse(original.subarray(0, Math.floor((original.length * cut) / 40)));
    await refuse(original.subarray(0, -1));
    await refuse(Buffer.concat([original, Buffer.of(0)]));
    await refuse(new Uint8Array());
    await expect(importStore(target, path, [createNodeKey().identity], true)).rejects.toThrow(
      /not signed by a permitted node/,
    );
    expect(everything(target)).toEqual([["kept", "kept"]]);
  });

  it("is refused when it is followed by more than there can be", async () => {
    const path = join(directory, "endless");
    await exportStore(await filled(), node, path);
    // Blanks of which the disk has none.
    truncateSync(path, 8 * 2 ** 30);
    await expect(importStore(memoryStore(), path, [node.identity])).rejects.toMatchObject({
      code: "SNAPSHOT_CORRUPT",
    });
    rmSync(path);
  });

  // Invariant 1.
  it("that changes while it is restored leaves the store unfinished", async () => {
    const path = join(directory, "changing");
    await exportStore(await filled(), node, path);
    const target = memoryStore();
    const tampering: Store = {
      ...target,
      commit(batch) {
        const file = openSync(path, "r+");
        writeSync(file, "!", 100);
        closeSync(file);
        return target.commit(batch);
      },
    };
    await expect(importStore(tampering, path, [node.identity])).rejects.toMatchObject({
      code: "SNAPSHOT_CORRUPT",
    });
    expect(() => checkRestored(target)).toThrow(expect.objectContaining({ code: "RESTORE_UNFINISHED" }));
  });

  it("is written over nothing that somebody has put beside it, and only its owner may read it", async () => {
    const path = join(directory, "beside");
    writeFileSync(join(directory, "victim"), "victim");
    symlinkSync(join(directory, "victim"), `${path}.partial`);
    const store = await filled();
    await Promise.all([exportStore(store, node, path), exportStore(store, node, path)]);
    expect(readFileSync(join(directory, "victim"), "utf8")).toBe("victim");
    expect(statSync(path).mode & 0o077).toBe(0);
    await importStore(memoryStore(), path, [node.identity]);
    expect(readdirSync(directory).filter((name) => name.startsWith("beside"))).toEqual([
      "beside",
      "beside.partial",
    ]);
  });

  it("is whole or not there when the disk is full", async ({ skip }) => {
    const disk = mountSmallDisk(join(directory, "disk"), 1);
    if (disk === undefined) return skip(needsRoot);
    onTestFinished(() => disk.unmount());
    const path = join(disk.path, "archive");
    let refused = 0;
    for (let length = 2048; length <= 4096; length += 128) {
      const store = memoryStore();
      await store.commit([{ key: "key", value: Buffer.alloc(length) }]);
      disk.fill(4096);
      const written = await exportStore(store, node, path).catch((error) => error);
      disk.free();
      if (written instanceof Error) {
        refused++;
        expect(written).toMatchObject({ code: "ENOSPC" });
        expect(readdirSync(disk.path)).toEqual([]);
      } else {
        expect(await importStore(memoryStore(), path, [node.identity])).toEqual(written);
        rmSync(path);
      }
    }
    expect(refused).toBeGreaterThan(1);
    expect(refused).toBeLessThan(16);
  });

  it("replaces what a store holds only when told, and an interrupted restore shows", async () => {
    const store = await filled();
    const path = join(directory, "replacing");
    await exportStore(store, node, path);
    const target = memoryStore();
    await target.commit([{ key: "other", value: Buffer.from("other") }]);
    await expect(importStore(target, path, [node.identity])).rejects.toMatchObject({ code: "INPUT_INVALID" });
    expect(everything(target)).toEqual([["other", "other"]]);

    let left = 3;
    const failing: Store = {
      ...target,
      commit: (batch) => (left-- > 0 ? target.commit(batch) : Promise.reject(new Error("crash"))),
    };
    await expect(importStore(failing, path, [node.identity], true)).rejects.toThrow("crash");
    expect(() => checkRestored(target)).toThrow(expect.objectContaining({ code: "RESTORE_UNFINISHED" }));
    await expect(exportStore(target, node, join(directory, "half"))).rejects.toMatchObject({
      code: "RESTORE_UNFINISHED",
    });
    await expect(importStore(target, path, [node.identity])).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await importStore(target, path, [node.identity], true);
    checkRestored(target);
    expect(everything(target)).toEqual(everything(store));
  });
});
