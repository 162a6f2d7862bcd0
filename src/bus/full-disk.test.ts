import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { dice, kill } from "../../test/bus/child-process.js";
import { slotKeys, slots } from "../../test/bus/commit-through-full-disk.js";
import { batchOf } from "../../test/bus/commit-until-killed.js";
import { mountSmallDisk, needsRoot, type SmallDisk } from "../../test/bus/small-disk.js";
import { openLmdbStore, type Store } from "./index.js";
import { logPaths } from "./log.js";

const seed = 20261121;
const root = mkdtempSync(join(tmpdir(), "neuroran-full-disk-"));
let disk: SmallDisk | undefined;
beforeAll(() => {
  disk = mountSmallDisk(join(root, "mount"), 96);
});
afterAll(() => {
  disk?.unmount();
  rmSync(root, { recursive: true });
});
const full = { code: "STORE_FULL", message: expect.stringContaining("make room") };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const keysOf = (store: Store): string[] => [...store.range("", "\u{10ffff}")].map(({ key }) => key);
const sleep = (pause_ms: number) => new Promise((resolve) => setTimeout(resolve, pause_ms));

/** Commits values of so many bytes until one is rejected; gives what was acknowledged and the error. */
async function commitUntilFull(store: Store, prefix: string, length: number) {
  const acknowledged: string[] = [];
  for (let index = 0; index < 2000; index++) {
    const key = `${prefix} ${index}`;
    try {
      await store.commit([{ key, value: Buffer.alloc(length, index) }]);
      acknowledged.push(key);
    } catch (error) {
      return { acknowledged, error };
    }
  }
  throw new Error("the disk was never full");
}

/** Commits what the log has no room for, unless the data file had, until it succeeds. */
async function commitWhenRoom(store: Store, key: string, length = 100_000): Promise<void> {
  const until_ms = performance.now() + 8000;
  for (;;) {
    try {
      return await store.commit([{ key, value: Buffer.alloc(length) }]);
    } catch (error) {
      if (performance.now() > until_ms) throw error;
      await sleep(20);
    }
  }
}

describe("a full disk", () => {
  // Invariant 4 of the store.
  it("rejects commits as long as there is no room in the data file, and no longer", async ({ skip }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "store");
    let store = await openLmdbStore(directory);
    const expected: string[] = [];
    for (let round = 0; round < 2; round++) {
      disk.fill();
      const { acknowledged, error } = await commitUntilFull(store, `round ${round}`, 100_000);
      expect(error).toMatchObject(full);
      // Both files of the log take some, whatever the data file does.
      expect(acknowledged.length).toBeGreaterThan(30);
      expected.push(...acknowledged);
      for (const key of acknowledged) expect(store.get(key)?.length).toBe(100_000);
      expect(keysOf(store)).toEqual([...expected].sort());
      await sleep(700);
      const behind = [
        store.commit([{ key: "rejected", value: Buffer.alloc(200_000) }]),
        store.commit([{ key: "behind", value: bytes("b") }]),
      ];
      for (const commit of behind) await expect(commit).rejects.toMatchObject(full);
      if (round === 1) {
        // What a process that is killed now leaves.
        const left = join(root, "left");
        cpSync(directory, left, { recursive: true });
        const found = await openLmdbStore(left);
        expect(keysOf(found)).toEqual([...expected].sort());
        await found.close();
      }
      disk.free();
      await commitWhenRoom(store, `when there was room ${round}`);
      expected.push(`when there was room ${round}`);
    }
    await store.close();
    store = await openLmdbStore(directory);
    expect(keysOf(store)).toEqual(expected.sort());
    await store.close();
    rmSync(directory, { recursive: true });
  }, 20_000);

  it("closes, and opens again when there is room", async ({ skip }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "closed");
    const store = await openLmdbStore(directory);
    disk.fill();
    const { acknowledged } = await commitUntilFull(store, "key", 100_000);
    await store.close();
    await expect(openLmdbStore(directory)).rejects.toMatchObject(full);
    disk.free();
    const again = await openLmdbStore(directory);
    expect(keysOf(again)).toEqual(acknowledged.sort());
    await again.close();
    rmSync(directory, { recursive: true });
  }, 20_000);

  // Invariant 3 of the store.
  it("closes without applying what came later to the data file than what it has no room for", async ({
    skip,
  }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "order");
    const store = await openLmdbStore(directory);
    disk.fill(2 ** 20);
    await store.commit([{ key: "long", value: Buffer.alloc(3 * 2 ** 20) }]);
    await sleep(300);
    await store.commit([{ key: "short", value: bytes("s") }]);
    await store.close();
    disk.free();
    const again = await openLmdbStore(directory);
    expect(keysOf(again)).toEqual(["long", "short"]);
    await again.close();
    rmSync(directory, { recursive: true });
  });

  it("rejects a batch that the log has no room for and what is behind it, and takes what is smaller", async ({
    skip,
  }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "large");
    const store = await openLmdbStore(directory);
    await store.commit([{ key: "before", value: bytes("b") }]);
    const expected = ["before"];
    for (let round = 0; round < 3; round++) {
      disk.fill();
      const behind = [
        store.commit([{ key: "large", value: Buffer.alloc(7 * 2 ** 20, "l") }]),
        store.commit([{ key: "behind", value: bytes("b") }]),
      ];
      // Handed over when the first has been rejected, but nobody can have heard of it.
      const unheard = behind[0]!.catch(() => store.commit([{ key: "unheard", value: bytes("u") }]));
      for (const commit of [...behind, unheard]) await expect(commit).rejects.toMatchObject(full);
      await sleep(0);
      await store.commit([{ key: `small ${round}`, value: bytes("s") }]);
      expected.push(`small ${round}`);
      expect(keysOf(store)).toEqual(expected);
      disk.free();
      for (const path of logPaths(directory)) expect(statSync(path).size).toBe(4 * 2 ** 20);
    }
    await commitWhenRoom(store, "large", 7 * 2 ** 20);
    await store.close();
    const again = await openLmdbStore(directory);
    expect(keysOf(again)).toEqual(["before", "large", ...expected.slice(1)]);
    await again.close();
    rmSync(directory, { recursive: true });
  }, 20_000);

  it("in the midst of the log takes nothing of what did not fit, after a restart neither", async ({
    skip,
  }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "holes");
    const store = await openLmdbStore(directory);
    await store.commit([{ key: "before", value: Buffer.alloc(1000) }]);
    // As file systems do that write nothing in place, the log's room is not its own any more.
    const [path] = logPaths(directory);
    execFileSync("fallocate", ["--punch-hole", "--offset", "8192", "--length", "1048576", path]);
    disk.fill();
    await expect(store.commit([{ key: "large", value: Buffer.alloc(50_000) }])).rejects.toMatchObject(full);
    const left = join(root, "holes");
    cpSync(directory, left, { recursive: true });
    await sleep(0);
    await store.commit([{ key: "small", value: bytes("s") }]);
    await expect(store.commit([{ key: "large", value: Buffer.alloc(50_000) }])).rejects.toMatchObject(full);
    disk.free();
    await commitWhenRoom(store, "room");
    expect(keysOf(store)).toEqual(["before", "room", "small"]);
    const found = await openLmdbStore(left);
    expect(keysOf(found)).toEqual(["before"]);
    await found.close();
    await store.close();
    rmSync(directory, { recursive: true });
  });

  // Invariants 1 and 2 of the interface.
  it("leaves what was acknowledged, and nothing that was rejected, when the process is killed", async ({
    skip,
  }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "killed");
    const script = new URL("../../test/bus/commit-through-full-disk.js", import.meta.url).pathname;
    const random = dice(seed);
    const answers = join(root, "answers");
    let rejections = 0;
    for (let round = 0; round < 4; round++) {
      rmSync(directory, { recursive: true, force: true });
      rmSync(answers, { force: true });
      const child = spawn(process.execPath, [script, directory, answers], { stdio: "inherit" });
      onTestFinished(() => void child.kill("SIGKILL"));
      while (child.exitCode === null && (!existsSync(answers) || statSync(answers).size < 20)) await sleep(5);
      for (let turn = 0; turn < 2; turn++) {
        await sleep(random(300));
        disk.fill();
        await sleep(100 + random(500));
        if (turn === 0 || round % 2 === 0) {
          disk.free();
          await sleep(random(900));
        }
      }
      expect(child.exitCode).toBeNull();
      await kill(child);
      disk.free();
      rejections += await checkAnswers(directory, answers);
    }
    expect(rejections).toBeGreaterThan(20);
    rmSync(directory, { recursive: true });
  }, 30_000);

  it("refuses to open a store that has no room for the table of readers", async ({ skip }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "readers");
    await (await openLmdbStore(directory)).close();
    rmSync(join(directory, "data.mdb-lock"));
    for (const left_bytes of [0, 4096, 8192]) {
      disk.fill(left_bytes);
      await expect(openLmdbStore(directory)).rejects.toMatchObject({ code: "STORE_FULL" });
      disk.free();
    }
    const store = await openLmdbStore(directory);
    const { blocks, size } = statSync(join(directory, "data.mdb-lock"));
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    await store.close();
    rmSync(directory, { recursive: true });
  });

  it("refuses to make a store that has no room for its log", async ({ skip }) => {
    if (disk === undefined) return skip(needsRoot);
    disk.fill();
    await expect(openLmdbStore(join(disk.path, "new"))).rejects.toMatchObject({ code: "STORE_FULL" });
    disk.free();
  });
});

/** What each key holds is the last of its batches that was acknowledged, or a later one that nobody had an answer to. */
async function checkAnswers(directory: string, answers: string): Promise<number> {
  const became = new Map<number, string>();
  for (const line of readFileSync(answers, "utf8").split("\n").slice(0, -1)) {
    became.set(Number(line.slice(1)), line[0]!);
  }
  const store = await openLmdbStore(directory);
  for (let slot = 0; slot < slots; slot++) {
    const last = Math.max(
      0,
      ...[...became]
        .filter(([batch, answer]) => batch % slots === slot && answer === "+")
        .map(([batch]) => batch),
    );
    const [one, other] = slotKeys(slot).map((key) => batchOf(store.get(key)));
    expect(other).toBe(one);
    expect(one).toBeGreaterThanOrEqual(last);
    expect(one === last || !became.has(one!), `batch ${one} was ${became.get(one!)}`).toBe(true);
  }
  await store.close();
  return [...became.values()].filter((answer) => answer === "-").length;
}
