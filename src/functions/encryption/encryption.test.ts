import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mountSmallDisk, needsRoot } from "../../../test/bus/small-disk.js";
import { memoryStore, type Store } from "../../bus/index.js";
import {
  createNodeKey,
  openEncryption,
  openNodeKey,
  resealRange,
  sealedVersion,
  sealingOverhead_bytes,
} from "./index.js";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (of: Uint8Array): string => Buffer.from(of).toString();
const seed = 20261121;

async function prepared(store: Store = memoryStore(), node = createNodeKey()) {
  const encryption = openEncryption(store, node);
  await encryption.prepare(["counter", "session"]);
  return { store, node, encryption };
}

/** Everything of one store in another. */
async function copyOf(store: Store): Promise<Store> {
  const copy = memoryStore();
  await copy.commit([...store.range("", "\u{10ffff}")]);
  return copy;
}

describe("sealed bytes", () => {
  it("open as what they were, under the same text only", async () => {
    const { encryption } = await prepared();
    const [counter, session] = [encryption.forFunction("counter"), encryption.forFunction("session")];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.string(), (plain, where, elsewhere) => {
        const sealed = counter.seal(plain, where);
        expect(sealed.length).toBe(plain.length + sealingOverhead_bytes);
        expect(new Uint8Array(counter.open(sealed, where))).toEqual(plain);
        expect(() => session.open(sealed, where)).toThrow(expect.objectContaining({ code: "STATE_CORRUPT" }));
        if (where === elsewhere) return;
        expect(() => counter.open(sealed, elsewhere)).toThrow(
          expect.objectContaining({ code: "STATE_CORRUPT" }),
        );
      }),
      { seed, numRuns: 200 },
    );
  });

  it("are refused when any bit differs or bytes are missing, with the name of what is damaged", async () => {
    const { encryption } = await prepared();
    const cipher = encryption.forFunction("counter");
    const sealed = cipher.seal(bytes("seven"), "t\0counter\x000a\0s\0key");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = sealed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => cipher.open(flipped, "t\0counter\x000a\0s\0key")).toThrow(
        /t\/counter\/0a\/s\/key of counter/,
      );
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => cipher.open(sealed.subarray(0, length), "t\0counter\x000a\0s\0key")).toThrow(
        /STATE_CORRUPT|counter/,
      );
    }
  });

  // Invariant 1 of the cipher.
  it("never share key and nonce, after a rollback of the store neither", async () => {
    const { store, node, encryption } = await prepared();
    const seen = new Set<string>();
    const sealSome = (from: ReturnType<typeof openEncryption>): void => {
      for (let count = 0; count < 100; count++) {
        const sealed = from.forFunction("counter").seal(bytes("same"), "same");
        // Version, salt and counter: the key and the nonce follow from them and nothing else.
        seen.add(Buffer.from(sealed.subarray(1, 25)).toString("hex"));
      }
    };
    sealSome(encryption);
    for (let restart = 0; restart < 5; restart++) sealSome(openEncryption(await copyOf(store), node));
    expect(seen.size).toBe(600);
  });

  it("open after a restart, and after more sessions than are remembered", async () => {
    const { store, node } = await prepared();
    const sealed = Array.from({ length: 300 }, (_, index) =>
      openEncryption(store, node)
        .forFunction("counter")
        .seal(bytes(`${index}`), "at"),
    );
    const cipher = openEncryption(store, node).forFunction("counter");
    for (let round = 0; round < 2; round++) {
      expect(sealed.map((one) => text(cipher.open(one, "at")))).toEqual(sealed.map((_, index) => `${index}`));
    }
  });
});

describe("the key ring", () => {
  it("must be prepared, durably, before anything is sealed", async () => {
    const store = memoryStore();
    const encryption = openEncryption(store, createNodeKey());
    expect(() => encryption.forFunction("counter")).toThrow(expect.objectContaining({ code: "KEY_MISSING" }));
    const failing: Store = { ...store, commit: () => Promise.reject(new Error("disk full")) };
    const unlucky = openEncryption(failing, createNodeKey());
    await expect(unlucky.prepare(["counter"])).rejects.toThrow("disk full");
    expect(() => unlucky.forFunction("counter")).toThrow(expect.objectContaining({ code: "KEY_MISSING" }));
    await encryption.prepare(["counter"]);
    await encryption.prepare(["counter", "counter"]);
    expect(encryption.listKeys().map((keys) => keys.versions.length)).toEqual([1]);
  });

  it("rotates: new seals use the new version, old ones stay readable, and unused versions can be retired", async () => {
    const { encryption, store, node } = await prepared();
    const cipher = encryption.forFunction("counter");
    const old = cipher.seal(bytes("old"), "a");
    await Promise.all([encryption.rotateKey("counter"), encryption.rotateKey("counter")]);
    const young = cipher.seal(bytes("young"), "b");
    expect([sealedVersion(old), sealedVersion(young)]).toEqual([1, 3]);
    expect(text(cipher.open(old, "a"))).toBe("old");
    expect(cipher.reseal(young, "b")).toBeUndefined();
    expect(await encryption.retireKeys("counter", [old, young])).toEqual([2]);
    const resealed = cipher.reseal(old, "a")!;
    expect(text(cipher.open(resealed, "a"))).toBe("old");
    expect(await encryption.retireKeys("counter", [resealed, young])).toEqual([1]);
    const restarted = openEncryption(store, node).forFunction("counter");
    expect(text(restarted.open(resealed, "a"))).toBe("old");
    expect(() => restarted.open(old, "a")).toThrow(/version 1 of its key, which is not there/);
    const versions = encryption
      .listKeys()
      .map(({ function: name, versions }) => [name, versions.map((one) => one.version)]);
    expect(versions).toEqual([
      ["counter", [3]],
      ["session", [1]],
    ]);
  });

  it("lets go of an old version when a range was sealed anew", async () => {
    const { encryption, store } = await prepared();
    const cipher = encryption.forFunction("counter");
    const keys = Array.from({ length: 1200 }, (_, index) => `t\0counter\0${index}`);
    await store.commit(keys.map((key) => ({ key, value: cipher.seal(bytes(key), key) })));
    await encryption.rotateKey("counter");
    await store.commit([{ key: keys[7]!, value: cipher.seal(bytes(keys[7]!), keys[7]!) }]);
    expect(await resealRange(store, cipher, "t\0counter\0", "t\0counter\x01")).toBe(1199);
    const values = [...store.range("t\0counter\0", "t\0counter\x01")].map((entry) => entry.value);
    expect(await encryption.retireKeys("counter", values)).toEqual([1]);
    for (const key of keys) expect(text(cipher.open(store.get(key)!, key))).toBe(key);
    expect(await resealRange(store, cipher, "t\0counter\0", "t\0counter\x01")).toBe(0);
  });

  it("opens for permitted nodes only, and turns the keys over when one is removed", async () => {
    const { encryption, store, node } = await prepared();
    const other = createNodeKey();
    const cipher = encryption.forFunction("counter");
    const before = cipher.seal(bytes("before"), "a");
    const refused = openEncryption(store, other, [node.identity]);
    expect(() => refused.forFunction("counter")).toThrow(
      expect.objectContaining({ code: "KEY_NOT_PERMITTED" }),
    );

    expect(await encryption.permit([other.identity])).toEqual([]);
    const elsewhere = openEncryption(store, other, [node.identity]).forFunction("counter");
    expect(text(elsewhere.open(before, "a"))).toBe("before");

    expect(await encryption.permit([])).toEqual(["counter", "session"]);
    const after = cipher.seal(bytes("after"), "a");
    expect(() => elsewhere.open(after, "a")).toThrow(expect.objectContaining({ code: "KEY_NOT_PERMITTED" }));
    expect(text(cipher.open(before, "a"))).toBe("before");
  });

  it("stays as it is when the change of nodes cannot be stored", async () => {
    const { store, node, encryption } = await prepared();
    const [other, third] = [createNodeKey(), createNodeKey()];
    await encryption.permit([other.identity]);
    let isFull = false;
    const failing: Store = {
      ...store,
      commit: (batch) => (isFull ? Promise.reject(new Error("disk full")) : store.commit(batch)),
    };
    const theirs = openEncryption(failing, other, [node.identity]);
    isFull = true;
    await expect(theirs.permit([third.identity])).rejects.toThrow("disk full");
    isFull = false;
    // The first node signed what is there, and is to read what comes.
    expect(theirs.listKeys()).toHaveLength(2);
    theirs.forFunction("counter");
    await theirs.prepare(["late"]);
    expect(theirs.listKeys().map(({ versions }) => versions.at(-1)!.nodes)).toEqual(
      Array(3).fill([node.fingerprint, other.fingerprint].sort()),
    );
  });

  it("takes no old version for the newest that stands behind it under another writing of its number", async () => {
    const { encryption, store, node } = await prepared();
    await encryption.rotateKey("counter");
    const [first] = [...store.range("k\0counter\0", "k\0counter\x01")];
    for (const number of ["1", "0000000000001", "1x", "x", ""]) {
      const key = `k\0counter\0${number}`;
      await store.commit([{ key, value: first!.value }]);
      expect(() => openEncryption(store, node).forFunction("counter"), number).toThrow(
        expect.objectContaining({ code: "KEY_RING_CORRUPT" }),
      );
      await store.commit([{ key, value: undefined }]);
    }
    expect(sealedVersion(openEncryption(store, node).forFunction("counter").seal(bytes(""), ""))).toBe(2);
  });

  it("refuses records that no permitted node signed, or that were changed", async () => {
    const { store, node } = await prepared();
    const intruder = createNodeKey();
    const forged = memoryStore();
    const theirs = openEncryption(forged, intruder);
    await theirs.prepare(["counter"]);
    await theirs.permit([node.identity]);
    expect(() => openEncryption(forged, node).forFunction("counter")).toThrow(
      expect.objectContaining({ code: "KEY_RING_CORRUPT" }),
    );

    const [record] = [...store.range("k\0counter\0", "k\0counter\x01")];
    for (let index = 0; index < record!.value.length; index++) {
      const damaged = record!.value.slice();
      damaged[index]! ^= 1 << (index & 3);
      const copy = memoryStore();
      await copy.commit([{ key: record!.key, value: damaged }]);
      expect(() => openEncryption(copy, node).forFunction("counter")).toThrow(/KEY_|key/);
    }
    // One function's record in place of another's.
    const swapped = memoryStore();
    await swapped.commit([{ key: record!.key.replace("counter", "session"), value: record!.value }]);
    expect(() => openEncryption(swapped, node).forFunction("session")).toThrow(
      expect.objectContaining({ code: "KEY_RING_CORRUPT" }),
    );
  });

  it("refuses names that would run into others", async () => {
    const { encryption } = await prepared();
    await expect(encryption.prepare(["a\0b"])).rejects.toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }),
    );
    await expect(encryption.prepare([""])).rejects.toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }),
    );
  });
});

describe("the node key", () => {
  it("is not left in parts where it cannot be written", ({ skip }) => {
    const directory = mkdtempSync(join(tmpdir(), "neuroran-node-key-"));
    const disk = mountSmallDisk(join(directory, "disk"), 1);
    try {
      if (disk === undefined) return skip(needsRoot);
      disk.fill();
      const path = join(disk.path, "node-key.json");
      expect(() => openNodeKey(path)).toThrow("ENOSPC");
      expect(readdirSync(disk.path)).toEqual(["ballast"]);
      disk.free();
      openNodeKey(path);
      expect(readdirSync(disk.path)).toEqual(["node-key.json"]);
    } finally {
      disk?.unmount();
      rmSync(directory, { recursive: true });
    }
  });

  it("is made once, kept from others, and refused when they may read it or it is damaged", () => {
    const directory = mkdtempSync(join(tmpdir(), "neuroran-node-key-"));
    try {
      const path = join(directory, "node-key.json");
      const made = openNodeKey(path);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(directory)).toEqual(["node-key.json"]);
      expect(openNodeKey(path).identity).toEqual(made.identity);
      expect(openNodeKey(path).fingerprint).toBe(made.fingerprint);
      chmodSync(path, 0o644);
      expect(() => openNodeKey(path)).toThrow(/chmod 600/);
      chmodSync(path, 0o600);
      writeFileSync(path, readFileSync(path, "utf8").slice(0, 100));
      expect(() => openNodeKey(path)).toThrow(expect.objectContaining({ code: "NODE_KEY_INVALID" }));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
