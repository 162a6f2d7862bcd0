import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { accountFlow } from "../../../test/slot-flow.js";
import { type SharedVariant, type SlotExecutor, startSlotExecutor } from "./slot-executor.js";
import type { KeyedStateStore, RowBytes } from "./slot-keys.js";

type Flow = typeof accountFlow;
type Executor = SlotExecutor<Flow["inputs"], Flow["outputs"]>;
type Slot = SharedVariant<Flow["inputs"], Flow["outputs"]>;

const width = 1000;
const seed = 2718;
const open: Executor[] = [];

async function start(account: number, store?: KeyedStateStore): Promise<[Executor, Slot]> {
  const executor = await startSlotExecutor<Flow>({
    module: new URL("../../../test/slot-flow.js", import.meta.url),
    factory: "createAccountFlow",
    options: { account, width },
    arenaBytes: 1 << 20,
    ...(store ? { store } : {}),
  });
  open.push(executor);
  return [executor, await executor.prepare({ key: "only", dimensions: { place: 3 } })];
}

async function add(executor: Executor, variant: Slot, writes: number[], added: number, reads: number[] = []) {
  variant.inputs.added.view[0] = added;
  await executor.submit(variant, { account: { writes, reads } });
  return [...variant.outputs.sums.view];
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

describe("keyed state on a slot thread", () => {
  it("is found again by its keys, as many as a slot touches", async () => {
    const [executor, variant] = await start(40);
    const model = new Map<number, number>();
    const slots = fc.tuple(fc.array(fc.nat(39), { minLength: 1, maxLength: 3 }), fc.nat(8));
    for (const [touched, added] of fc.sample(slots, { seed, numRuns: 500 })) {
      const keys = new Set(touched);
      for (const key of keys) model.set(key, (model.get(key) ?? 0) + added);
      const wanted = [...[...keys].map((key) => model.get(key)!), -1, -1].slice(0, 3);
      expect(await add(executor, variant, [...keys], added)).toEqual(wanted);
    }
    await executor.submit(variant);
    expect([...variant.outputs.sums.view]).toEqual([-1, -1, -1]);
  });

  it("begins anew for a key that has lost its row to another, where there is no store", async () => {
    const [executor, variant] = await start(2);
    expect(await add(executor, variant, [7], 1)).toEqual([1, -1, -1]);
    await add(executor, variant, [8], 2);
    expect(await add(executor, variant, [7, 8], 1)).toEqual([2, 3, -1]);
    await add(executor, variant, [9], 5);
    expect(await add(executor, variant, [8, 9], 1)).toEqual([4, 6, -1]);
    expect(await add(executor, variant, [7], 1)).toEqual([1, -1, -1]);
    await expect(executor.submit(variant, { account: { writes: [1, 2, 3] } })).rejects.toMatchObject({
      code: "KEYED_STATE_FULL",
    });
  });

  it("comes from the store beforehand; what was written and is not stored keeps its row", async () => {
    const stored = (sum: number): RowBytes => ({
      "accounts.sum": new Uint8Array(new Int32Array(width).fill(sum).buffer),
    });
    const loads: number[] = [];
    const [executor, variant] = await start(2, {
      async load(name, key) {
        expect(name).toBe("account");
        loads.push(key);
        await setTimeout(5);
        return key === 3 ? undefined : stored(100 * key);
      },
    });
    await expect(executor.submit(variant, { account: { reads: [1] } })).rejects.toMatchObject({
      code: "KEY_NOT_RESIDENT",
    });
    await Promise.all([
      executor.load({ account: { reads: [1] } }),
      executor.load({ account: { writes: [1, 2] } }),
    ]);
    expect(loads).toEqual([1, 2]);
    expect(await add(executor, variant, [2], 5)).toEqual([205, -1, -1]);
    expect(await add(executor, variant, [], 0, [2, 1])).toEqual([205, 100, -1]);
    // 1 was read only, so its row may go; 2 must stay.
    await executor.load({ account: { reads: [3] } });
    expect(await add(executor, variant, [], 0, [3, 2])).toEqual([0, 205, -1]);
    await executor.load({ account: { reads: [1] } });
    await expect(executor.submit(variant, { account: { reads: [3] } })).rejects.toMatchObject({
      code: "KEY_NOT_RESIDENT",
    });
  });

  it.each(["fragile", "mortal"])("is as of before a slot that a %s candidate failed in", async (kind) => {
    const [executor, variant] = await start(8);
    expect(await add(executor, variant, [3, 4], 1)).toEqual([1, 1, -1]);
    const { outcome } = await executor.swap({ implementations: { accounts: kind } });
    expect(await add(executor, variant, [4], 1)).toEqual([2, -1, -1]);
    expect(await add(executor, variant, [5, 3], 13)).toEqual([13, 14, -1]);
    await expect(outcome).resolves.toMatchObject({ kept: false });
    expect(await add(executor, variant, [], 0, [3, 4, 5])).toEqual([14, 2, 13]);
  });

  it("refuses what is no key", async () => {
    const [executor, variant] = await start(2);
    for (const key of [-1, 0.5, 2 ** 31, Number.NaN])
      await expect(executor.submit(variant, { account: { writes: [key] } })).rejects.toMatchObject({
        code: "INPUT_INVALID",
      });
    await expect(executor.submit(variant, { user: { writes: [1] } })).rejects.toThrow(/keyed by account/);
    const many = Array.from({ length: 9 }, (_, key) => key);
    await expect(executor.submit(variant, { account: { reads: many } })).rejects.toThrow(/at most 8/);
  });
});
