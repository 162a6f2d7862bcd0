import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acknowledgedBy, dice, kill, startCommitting } from "../../test/bus/child-process.js";
import { batchOf } from "../../test/bus/commit-until-killed.js";
import { everythingIn, freshDirectories } from "../../test/bus/store-folder.js";
import { openLmdbStore, type Write } from "./index.js";

const seed = 20261121;
const freshDirectory = freshDirectories();
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("corruption", () => {
  it("in the data file is found when the store is opened, or changes nothing", async () => {
    const directory = await filled();
    const path = join(directory, "data.mdb");
    const original = readFileSync(path);
    const store = await openLmdbStore(directory);
    const expected = everythingIn(store);
    await store.close();
    const random = dice(seed);
    let found = 0;
    const flips = 100;
    for (let flip = 0; flip < flips; flip++) {
      const damaged = Buffer.from(original);
      // A third of them in the meta pages, which are few among many.
      const bit = flip % 3 === 0 ? random(2) * 4096 * 8 + random(168 * 8) : random(original.length * 8);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, damaged);
      const opened = await openLmdbStore(directory).catch((error) => error as Error & { code?: string });
      if (opened instanceof Error) {
        expect(opened.code, `bit ${bit}: ${opened.message}`).toBe("STORE_CORRUPT");
        found++;
      } else {
        expect(everythingIn(opened), `bit ${bit}`).toEqual(expected);
        await opened.close();
      }
    }
    expect(found).toBeGreaterThan(flips / 6);
  }, 20_000);

  it("in an entry, wherever it is, is found", async () => {
    const directory = await filled();
    const path = join(directory, "data.mdb");
    const original = readFileSync(path);
    for (const text of ["value of 17 ", "key\x0017", "overflowing "]) {
      for (let at = original.indexOf(text); at >= 0; at = original.indexOf(text, at + 1)) {
        const damaged = Buffer.from(original);
        damaged[at + 2]! ^= 4;
        writeFileSync(path, damaged);
        const opened = await openLmdbStore(directory).catch((error) => error as Error & { code?: string });
        if (opened instanceof Error) {
          expect(opened.message).toMatch(/data\.mdb .*damaged|checksum/);
          at = original.length;
        } else await opened.close();
      }
      await expect(openLmdbStore(directory)).rejects.toThrow(
        expect.objectContaining({ code: "STORE_CORRUPT" }),
      );
    }
  });

  it("in the list of free pages is found before a page in use is written over", async () => {
    const directory = await filled();
    const path = join(directory, "data.mdb");
    const file = readFileSync(path);
    // As liblmdb lays out its meta pages (transaction at 152, roots at 88 and 136) and the free list's leaf pages.
    const meta = file.readBigUInt64LE(152) > file.readBigUInt64LE(4096 + 152) ? 0 : 4096;
    const [freePage, mainRoot] = [
      Number(file.readBigUInt64LE(meta + 88)) * 4096,
      file.readBigUInt64LE(meta + 136),
    ];
    const firstId = freePage + 24 + file.readUInt16LE(freePage + 24) + 8 + 8 + 8;
    expect(file.readBigUInt64LE(firstId)).toBeLessThan(BigInt(file.length / 4096));
    for (const page of [mainRoot, 1n, 2n ** 40n, -(2n ** 40n)]) {
      file.writeBigInt64LE(page, firstId);
      writeFileSync(path, file);
      await expect(openLmdbStore(directory), `page ${page}`).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    }
  });

  it("that comes while the store is open is found when the entry is read", async () => {
    const directory = await filled();
    const store = await openLmdbStore(directory);
    const path = join(directory, "data.mdb");
    const file = openSync(path, "r+");
    const original = readFileSync(path);
    for (let at = original.indexOf("value of 17 "); at >= 0; at = original.indexOf("value of 17 ", at + 1)) {
      writeSync(file, Buffer.of(0), 0, 1, at + 3);
    }
    closeSync(file);
    const damage = expect.objectContaining({
      code: "STORE_CORRUPT",
      message: expect.stringContaining("key/17;"),
    });
    expect(() => store.get("key\x0017")).toThrow(damage);
    expect(() => [...store.range("", "z")]).toThrow(damage);
    expect(store.get("key\x0019")).toBeDefined();
    await store.close();
  });

  it("of any length is found when a file is cut off or missing", async () => {
    const directory = await filled();
    const copy = freshDirectory();
    const store = await openLmdbStore(directory);
    const expected = everythingIn(store);
    await store.close();
    for (const name of ["data.mdb", "log-0", "log-1"]) {
      const { length } = readFileSync(join(directory, name));
      for (const kept of [0, 100, 4096, 4097, Math.floor(length / 2), undefined]) {
        rmSync(copy, { recursive: true, force: true });
        cpSync(directory, copy, { recursive: true });
        if (kept === undefined) rmSync(join(copy, name));
        else truncateSync(join(copy, name), kept);
        const opened = await openLmdbStore(copy).catch((error) => error as Error & { code?: string });
        if (opened instanceof Error) {
          expect(opened.code, `${name} cut at ${kept}`).toBe("STORE_CORRUPT");
          continue;
        }
        // The end of the data file may hold nothing that counts.
        expect([name, kept]).toEqual(["data.mdb", Math.floor(length / 2)]);
        expect(everythingIn(opened)).toEqual(expected);
        await opened.close();
      }
    }
  });

  // Invariant 1 of the log.
  it("in the log is found, except in its last record, which counts as never written", async () => {
    const directory = freshDirectory();
    const child = await startCommitting(directory);
    while (acknowledgedBy(directory) < 30) await new Promise((resolve) => setTimeout(resolve, 5));
    await kill(child);
    const path = join(directory, "log-0");
    const original = readFileSync(path);
    const copy = freshDirectory();
    const lastMark =
      original.lastIndexOf("NRRL".split("").reverse().join("")) >= 0 ? 0 : original.lastIndexOf("RNRL");
    expect(lastMark).toBeGreaterThan(10_000);
    const random = dice(seed);
    for (let flip = 0; flip < 20; flip++) {
      const bit = random(lastMark * 8);
      rmSync(copy, { recursive: true, force: true });
      cpSync(directory, copy, { recursive: true });
      const damaged = Buffer.from(original);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(join(copy, "log-0"), damaged);
      await expect(openLmdbStore(copy), `bit ${bit}`).rejects.toThrow(/log-0 is damaged/);
    }
    rmSync(copy, { recursive: true, force: true });
    cpSync(directory, copy, { recursive: true });
    original.fill(0, lastMark + 100, lastMark + 200);
    writeFileSync(join(copy, "log-0"), original);
    const torn = await openLmdbStore(copy);
    expect(batchOf(torn.get("last"))).toBeGreaterThan(10);
    await torn.close();
  }, 20_000);
});

/** A store with some pages, some of them freed, and an entry of several pages. */
async function filled(): Promise<string> {
  const directory = freshDirectory();
  for (let round = 0; round < 4; round++) {
    const store = await openLmdbStore(directory);
    const batch: Write[] = Array.from({ length: 300 }, (_, index) => ({
      key: `key\0${index}`,
      value: index % 5 === round ? undefined : bytes(`value of ${index} ${round} ${"-".repeat(index)}`),
    }));
    await store.commit([...batch, { key: "long", value: bytes(`overflowing ${"o".repeat(10_000)}`) }]);
    await store.close();
  }
  expect(existsSync(join(directory, "data.mdb"))).toBe(true);
  return directory;
}
