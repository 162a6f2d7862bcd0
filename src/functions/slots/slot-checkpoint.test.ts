import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { accountFlow } from "../../../test/slot-flow.js";
import type { CheckpointPart } from "./slot-checkpoint.js";
import { type SharedVariant, type SlotExecutor, startSlotExecutor } from "./slot-executor.js";
import type { KeyedStateStore } from "./slot-keys.js";

type Flow = typeof accountFlow;
type Executor = SlotExecutor<Flow["inputs"], Flow["outputs"]>;
type Slot = SharedVariant<Flow["inputs"], Flow["outputs"]>;

/** Rows of 200 kB: four chunks each. */
const width = 50_000;
const accounts = 24;
const seed = 161803;
const open: Executor[] = [];

async function start(rows = accounts, store?: KeyedStateStore): Promise<[Executor, Slot]> {
  const executor = await startSlotExecutor<Flow>({
    module: new URL("../../../test/slot-flow.js", import.meta.url),
    factory: "createAccountFlow",
    options: { account: rows, width },
    arenaBytes: 16 << 20,
    ...(store ? { store } : {}),
  });
  open.push(executor);
  return [executor, await executor.prepare({ key: "only", dimensions: { place: 3 } })];
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

/** The sum of each account in some parts; every number of a row must be the same. */
function sumsOf(parts: readonly CheckpointPart[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const part of parts) {
    if (part.kind !== "row") continue;
    const { buffer, byteOffset, byteLength } = part.bytes["accounts.sum"];
    const row = new Int32Array(buffer, byteOffset, byteLength / 4);
    expect(row.length).toBe(width);
    expect(row.every((one) => one === row[0])).toBe(true);
    sums.set(part.key, row[0]);
  }
  return sums;
}

function visitsOf(parts: readonly CheckpointPart[]): number {
  const part = parts.find(({ kind, name }) => kind === "tensor" && name === "accounts.visits");
  return new Int32Array((part as { bytes: Uint8Array }).bytes.slice().buffer)[0];
}

describe("a checkpoint of a slot executor", () => {
  it(`holds what was written up to its slot while slots go on and a swap comes in between, seed ${seed}`, async () => {
    const [executor, variant] = await start();
    const model = new Map<number, number>();
    /** Sums by the number of the next slot. */
    const history: Map<number, number>[] = [new Map()];
    const slots = fc.sample(
      fc.tuple(fc.uniqueArray(fc.nat(accounts - 1), { minLength: 1, maxLength: 3 }), fc.nat(8)),
      {
        seed,
        numRuns: 600,
      },
    );
    const stored = new Map<number, number>();
    let done = false;
    let taken = 0;
    let incremental = 0;
    const checkpointing = (async () => {
      while (!done) {
        const { slot, parts, stored: confirm, discarded } = await executor.checkpoint();
        const sums = sumsOf(parts);
        expect(visitsOf(parts)).toBe(slot);
        for (const [key, sum] of sums) stored.set(key, sum);
        expect(stored).toEqual(history[slot]);
        if (sums.size < history[slot].size) incremental++;
        if (++taken % 3 > 0) confirm();
        else discarded();
        for (let count = 0; count < 5; count++) await setImmediate();
      }
    })();
    const swapping = executor.swap({ implementations: { accounts: "fragile" }, fallback: { slots: 100 } });
    // As many slots as it takes, on a busy machine, until so many checkpoints are there.
    for (let slot = 0; slot < 600 || (taken < 12 && slot < 100_000); slot++) {
      const [writes, added] = slots[slot % slots.length];
      variant.inputs.added.view[0] = added;
      for (const key of writes) model.set(key, (model.get(key) ?? 0) + added);
      history.push(new Map(model));
      await executor.submit(variant, { account: { writes } });
      if (slot % 8 === 0) await setImmediate();
    }
    done = true;
    await checkpointing;
    await swapping;
    console.log(
      `${taken} checkpoints over ${history.length - 1} slots, ${incremental} of them of some rows only`,
    );
    expect(taken).toBeGreaterThanOrEqual(12);
    expect(incremental).toBeGreaterThan(0);
  });

  it("leaves out what lost its row to another key meanwhile, where there is no store", async () => {
    const [executor, variant] = await start(8);
    let running = true;
    let rows = 0;
    const slots = (async () => {
      for (let slot = 0; running; slot++) {
        variant.inputs.added.view[0] = 1;
        await executor.submit(variant, { account: { writes: [(7 * slot) % 24, (11 * slot + 1) % 24] } });
        await setImmediate();
      }
    })();
    // How many rows stay while they are copied is a matter of time: as many checkpoints as it takes.
    for (let count = 0; count < 40 || rows <= 10; count++) {
      const { parts, stored } = await executor.checkpoint();
      // That no row is half of one key and half of another is looked at there.
      rows += sumsOf(parts).size;
      stored();
    }
    running = false;
    await slots;
    expect(rows).toBeGreaterThan(10);
    expect(executor.statistics().failed).toBe(0);
  });

  it("restores to what it was, and goes on from there", async () => {
    const [executor, variant] = await start();
    const add = async (one: Executor, slot: Slot, writes: number[], added: number) => {
      slot.inputs.added.view[0] = added;
      await one.submit(slot, { account: { writes } });
      return [...slot.outputs.sums.view];
    };
    await add(executor, variant, [1, 2, 3], 5);
    const first = await executor.checkpoint();
    const parts = first.parts.map((part) => structuredClone(part));
    first.stored();
    await add(executor, variant, [2], 3);
    const second = await executor.checkpoint();
    expect([...sumsOf(second.parts)]).toEqual([[2, 8]]);
    await add(executor, variant, [3], 100);

    const [other, slot] = await start();
    other.restore([...parts, ...second.parts]);
    expect(await add(other, slot, [3, 2, 1], 1)).toEqual([6, 9, 6]);
    expect(visitsOf((await other.checkpoint()).parts)).toBe(3);
    expect(() => other.restore([{ kind: "row", name: "user", key: 1, bytes: {} }])).toThrow(/parts/);
    const short = { "accounts.sum": new Uint8Array(4) };
    expect(() => other.restore([{ kind: "row", name: "account", key: 1, bytes: short }])).toThrow(
      /200000 bytes/,
    );
  });

  it("lets rows go that it stored, and no others, and is one at a time", async () => {
    const [executor, variant] = await start(2, { load: async () => undefined });
    await executor.load({ account: { writes: [1, 2] } });
    variant.inputs.added.view[0] = 1;
    await executor.submit(variant, { account: { writes: [1, 2] } });
    await expect(executor.load({ account: { writes: [3] } })).rejects.toMatchObject({
      code: "KEYED_STATE_FULL",
    });
    const [checkpoint, refused] = await Promise.allSettled([executor.checkpoint(), executor.checkpoint()]);
    expect(refused).toMatchObject({ reason: { code: "CHECKPOINT_UNDERWAY" } });
    await executor.submit(variant, { account: { writes: [2] } });
    (checkpoint as PromiseFulfilledResult<Awaited<ReturnType<Executor["checkpoint"]>>>).value.stored();
    await executor.load({ account: { writes: [3] } });
    await expect(executor.load({ account: { writes: [4, 5] } })).rejects.toMatchObject({
      code: "KEYED_STATE_FULL",
    });
  });
});
