import { describe, expect, it } from "vitest";
import { memoryStore, type Store, type Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { createLedger } from "./ledger.js";
import { deserialise, serialise } from "./serialisable.js";

const codec = {
  encode: (_: string, value: unknown) => serialise(value),
  decode: (_: string, bytes: Uint8Array) => deserialise(bytes),
};
const problem = new NeuroranError("STATE_CORRUPT", "an entry is damaged");

/** A ledger, what it has told, and a store that commits when it is told to. */
function setUp() {
  const memory = memoryStore();
  const committing: { batch: readonly Write[]; end: (error?: Error) => Promise<void> }[] = [];
  const store: Store = {
    ...memory,
    commit: (batch) =>
      new Promise((resolve, reject) => {
        const end = async (error?: Error) => {
          committing.shift();
          if (error !== undefined) return reject(error);
          await memory.commit(batch);
          resolve();
        };
        committing.push({ batch, end });
      }),
  };
  const told: string[] = [];
  const ledger = createLedger(store, codec, (error, firstLost) =>
    told.push(`lost from ${firstLost}: ${error.code}`),
  );
  const wait = (name: string) =>
    ledger.whenDurable(
      () => told.push(`${name} durable`),
      () => told.push(`${name} lost`),
    );
  return { ledger, told, wait, committing };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("ledger", () => {
  it("drops what is abandoned, and what gathers until then, behind what is being committed (invariant 1)", async () => {
    const { ledger, told, wait, committing } = setUp();
    ledger.put("kept", 1);
    wait("kept");
    ledger.cut();
    ledger.put("abandoned", 2);
    wait("abandoned");
    ledger.abandon(problem);
    // Whatever is made of what was read before must not come true without it.
    ledger.put("made of it", ledger.read("abandoned"));
    wait("made of it");
    await committing[0]!.end();
    await settled();
    expect(told).toEqual(["lost from 1: STATE_CORRUPT", "abandoned lost", "made of it lost", "kept durable"]);
    expect(committing).toEqual([]);
    expect(["kept", "abandoned", "made of it"].map(ledger.read)).toEqual([1, undefined, undefined]);
    expect(["kept", "abandoned"].map(ledger.has)).toEqual([true, false]);
    ledger.put("later", 3);
    ledger.cut();
    await committing[0]!.end();
    await settled();
    expect(ledger.read("later")).toBe(3);
  });

  it("loses once what was abandoned behind a commit that fails", async () => {
    const { ledger, told, wait, committing } = setUp();
    ledger.put("first", 1);
    wait("first");
    ledger.cut();
    ledger.put("second", 2);
    wait("second");
    ledger.abandon(problem);
    await committing[0]!.end(new Error("full"));
    await settled();
    expect(told).toEqual(["lost from 0: COMMIT_FAILED", "first lost", "second lost"]);
    expect(ledger.idle).toBe(true);
  });

  it("abandons at once where nothing is being committed", () => {
    const { ledger, told, wait } = setUp();
    ledger.put("only", 1);
    wait("only");
    ledger.abandon(problem);
    expect(told).toEqual(["lost from 0: STATE_CORRUPT", "only lost"]);
    expect(ledger.read("only")).toBeUndefined();
  });
});
