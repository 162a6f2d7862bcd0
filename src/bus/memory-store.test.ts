import { describe, expect, it } from "vitest";
import { memoryStore } from "./index.js";

describe("the memory store", () => {
  it("does as a sorted list does, and hands out bytes of the caller's own", async () => {
    const store = memoryStore();
    // A buffer, whose `slice` is no copy.
    const value = Buffer.of(1);
    const first = store.commit([
      { key: "b", value },
      { key: "a", value },
      { key: "b", value: undefined },
    ]);
    value[0] = 9;
    expect(store.get("a")).toBeUndefined();
    await first;
    expect(store.get("b")).toBeUndefined();
    store.get("a")![0] = 7;
    expect([...store.range("", "z")]).toEqual([{ key: "a", value: Buffer.of(1) }]);
    const before = store.range("a", "z");
    await store.commit([
      { key: "aa", value },
      { key: "z", value },
    ]);
    expect([...before].map((entry) => entry.key)).toEqual(["a"]);
    expect([...store.range("a", "z")].map((entry) => entry.key)).toEqual(["a", "aa"]);
    await expect(store.commit([{ key: "", value }])).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await store.close();
    await expect(store.commit([])).rejects.toThrow(expect.objectContaining({ code: "STORE_CLOSED" }));
  });
});
