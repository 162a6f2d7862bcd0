import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../system/index.js";
import { memoryStore, openObjectStore, type Store } from "./index.js";
import { chunk_bytes } from "./object-store.js";
import { afterPrefix } from "./store.js";

const seed = 81;

function bytesOf(length: number, bytesSeed = seed): Uint8Array {
  const random = createRandom(bytesSeed);
  return Uint8Array.from({ length }, () => random.integer(256));
}

const keysOf = (store: Store): string[] => [...store.range("", afterPrefix(""))].map(({ key }) => key);

describe("the object store", () => {
  it.each([0, 1, chunk_bytes - 1, chunk_bytes, chunk_bytes + 1, 40 * chunk_bytes + 7])(
    "gives %i bytes back, with their digest",
    async (length) => {
      const bytes = bytesOf(length);
      const objects = await openObjectStore(memoryStore(), "models");
      const info = await objects.put("graph/ü", bytes);
      expect(info).toMatchObject({
        name: "graph/ü",
        size_bytes: length,
        chunks: Math.ceil(length / chunk_bytes),
      });
      expect(info.digest).toBe(`SHA-256=${createHash("sha256").update(bytes).digest("base64url")}`);
      expect(Buffer.compare((await objects.get("graph/ü"))!, bytes)).toBe(0);
      expect(await objects.info("graph/ü")).toEqual(info);
      expect(await objects.list()).toEqual([info]);
    },
  );

  it("does as a map does, whatever is put, replaced and deleted, and keeps nothing beside it", async () => {
    const name = fc.constantFrom("a", "a/b", "b", "ä");
    const step = fc.oneof(
      fc.record({ name, length: fc.constantFrom(0, 3, chunk_bytes + 1) }),
      fc.record({ name }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const store = memoryStore();
        const objects = await openObjectStore(store, "models");
        const model = new Map<string, Uint8Array>();
        let at = 0;
        for (const one of steps) {
          if ("length" in one) {
            const bytes = bytesOf(one.length, at++);
            await objects.put(one.name, bytes);
            model.set(one.name, bytes);
          } else expect(await objects.delete(one.name)).toBe(model.delete(one.name));
        }
        expect((await objects.list()).map((info) => info.name)).toEqual([...model.keys()].sort());
        for (const [key, bytes] of model) expect(Buffer.compare((await objects.get(key))!, bytes)).toBe(0);
        const chunks = [...model.values()].reduce(
          (sum, { length }) => sum + Math.ceil(length / chunk_bytes),
          0,
        );
        expect(keysOf(store)).toHaveLength(model.size + chunks);
      }),
      { seed, numRuns: 60 },
    );
  });

  it("hands out what has the digest of its entry only (invariant 3)", async () => {
    const store = memoryStore();
    const objects = await openObjectStore(store, "models");
    await objects.put("model", bytesOf(chunk_bytes + 5));
    const chunk = keysOf(store).find((key) => key.includes("/chunk/"))!;
    const value = Buffer.from(store.get(chunk)!);
    value[17]! ^= 1;
    await store.commit([{ key: chunk, value }]);
    await expect(objects.get("model")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
    await store.commit([{ key: chunk, value: undefined }]);
    await expect(objects.get("model")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
  });

  it("keeps serving the others beside a damaged entry, which can be deleted or replaced", async () => {
    const store = memoryStore();
    const before = await openObjectStore(store, "models");
    for (const name of ["a", "b", "c"]) await before.put(name, bytesOf(chunk_bytes + 5));
    const entries = keysOf(store).filter((key) => key.includes("/entry/"));
    await store.commit(entries.slice(0, 2).map((key) => ({ key, value: Buffer.from("{") })));
    const objects = await openObjectStore(store, "models");
    await expect(objects.get("a")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
    expect(await objects.get("c")).toHaveLength(chunk_bytes + 5);
    expect(await objects.delete("a")).toBe(true);
    await objects.put("b", bytesOf(3));
    expect(await objects.get("b")).toHaveLength(3);
    // What the damaged entries left goes when it is opened again: two entries and two chunks, one of one chunk.
    await openObjectStore(store, "models");
    expect(keysOf(store)).toHaveLength(2 + 2 + 1);
  });

  it("has the one object or the other when a put breaks off, and clears up when it is opened (1, 2)", async () => {
    const store = memoryStore();
    // Refuses all from the third batch on, as a full disk does.
    let batches = 0;
    const failing: Store = {
      ...store,
      commit: (batch) => (++batches > 2 ? Promise.reject(new Error("full")) : store.commit(batch)),
    };
    const before = bytesOf(10);
    await (await openObjectStore(store, "models")).put("model", before);
    const other = await openObjectStore(store, "others");
    await other.put("model", before);
    const keys = keysOf(store);
    await expect(
      (await openObjectStore(failing, "models")).put("model", bytesOf(100 * chunk_bytes)),
    ).rejects.toThrow("full");
    expect(keysOf(store)).toHaveLength(keys.length + 32);
    const objects = await openObjectStore(store, "models");
    expect(Buffer.compare((await objects.get("model"))!, before)).toBe(0);
    expect(keysOf(store)).toEqual(keys);
  });

  it("refuses names that are empty or long", async () => {
    const objects = await openObjectStore(memoryStore(), "models");
    for (const name of ["", "n".repeat(513)]) {
      await expect(objects.put(name, bytesOf(1))).rejects.toMatchObject({ field: "object name" });
      await expect(objects.get(name)).rejects.toMatchObject({ field: "object name" });
    }
  });
});
