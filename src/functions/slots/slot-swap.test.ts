import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { slotFlow } from "../../../test/slot-flow.js";
import { type SharedVariant, type SlotExecutor, startSlotExecutor } from "./slot-executor.js";

type Flow = typeof slotFlow;
type Executor = SlotExecutor<Flow["inputs"], Flow["outputs"]>;
type Slot = SharedVariant<Flow["inputs"], Flow["outputs"]>;

const module = new URL("../../../test/slot-flow.js", import.meta.url);
const open: Executor[] = [];

async function start(options?: unknown): Promise<Executor> {
  const executor = await startSlotExecutor<Flow>({
    module,
    factory: "createSlotFlow",
    arenaBytes: 1 << 20,
    options,
  });
  open.push(executor);
  return executor;
}

function prepare(executor: Executor, key: string): Promise<Slot> {
  return executor.prepare({ key, dimensions: { element: 4 }, parameters: { obey: { milliseconds: 0 } } });
}

const to = (obey: string) => ({ implementations: { obey } });

afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

/** Submits slots of ones, or of what `value` says, until told to stop; checks that none is lost or run twice. */
function keepRunning(
  executor: Executor,
  variants: readonly Slot[],
  value: (slot: number) => number = () => 1,
) {
  let stopped = false;
  const factors: number[] = [];
  const run = async (): Promise<number> => {
    let total = variants[0].outputs.total.view[0];
    const first = executor.statistics().completed;
    for (let slot = first; !stopped; slot++) {
      const variant = variants[slot % variants.length];
      const added = value(slot);
      variant.inputs.values.view.fill(added);
      await executor.submit(variant);
      expect(variant.outputs.slots.view[0]).toBe(slot + 1);
      factors.push((variant.outputs.total.view[3] - total) / added);
      total = variant.outputs.total.view[3];
    }
    return factors.length;
  };
  const done = run();
  done.catch(() => undefined);
  return {
    factors,
    async stop() {
      stopped = true;
      return await done;
    },
  };
}

describe("a swap", () => {
  it("hands over between two slots with the state, to and fro, and loses no slot (invariants 1, 2, 5)", async () => {
    const executor = await start();
    const variants = [await prepare(executor, "a"), await prepare(executor, "b")];
    const { factors, stop } = keepRunning(executor, variants);
    for (const [implementation, factor] of [
      ["doubling", 2],
      ["plain", 1],
      ["doubling", 2],
    ] as const) {
      const { slot, prepare_ms, outcome } = await executor.swap({
        ...to(implementation),
        fallback: { slots: 50 },
      });
      expect(prepare_ms).toBeGreaterThan(0);
      await expect(outcome).resolves.toEqual({ kept: true });
      while (factors.length < slot + 50) await setTimeout(1);
      expect(factors.slice(slot, slot + 50)).toEqual(new Array(50).fill(factor));
      expect(factors[slot - 1]).toBe(3 - factor);
      await untilServing(executor);
    }
    const slots = await stop();
    const { completed, failed, swaps } = executor.statistics();
    expect([completed, failed]).toEqual([slots, 0]);
    expect(swaps.map(({ implementations, outcome }) => [implementations.obey, outcome])).toEqual([
      ["doubling", { kept: true }],
      ["plain", { kept: true }],
      ["doubling", { kept: true }],
    ]);
  });

  it("returns when the new implementation throws, and runs that slot again on the state before it (invariants 3, 4)", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    const { factors, stop } = keepRunning(executor, [variant], (slot) => (slot % 200 === 199 ? 13 : 1));
    const { slot, outcome } = await executor.swap(to("fragile"));
    const ended = await outcome;
    expect(ended).toMatchObject({ kept: false, reason: "slot failed", error: { message: "thirteen" } });
    if (ended.kept) throw new Error("kept");
    expect(ended.slot % 200).toBe(199);
    while (factors.length < ended.slot + 20) await setTimeout(1);
    expect(factors[slot]).toBe(2);
    expect(factors.slice(ended.slot - 1, ended.slot + 20)).toEqual([2, ...new Array(20).fill(1)]);
    await stop();
    expect(executor.statistics()).toMatchObject({ failed: 0, swaps: [{ outcome: { kept: false } }] });
  });

  it("returns when too many slots are late", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    const { factors, stop } = keepRunning(executor, [variant]);
    const { slot, outcome } = await executor.swap({ ...to("slow"), fallback: { deadline_ms: 3, misses: 4 } });
    const ended = await outcome;
    expect(ended).toMatchObject({ kept: false, reason: "deadline missed", slot: slot + 3 });
    while (factors.length < slot + 10) await setTimeout(1);
    expect(factors.slice(slot - 1, slot + 6)).toEqual([1, 2, 2, 2, 2, 1, 1]);
    await stop();
  });

  it("returns when the new thread ends in a slot", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    const { factors, stop } = keepRunning(executor, [variant], (slot) => (slot % 200 === 199 ? 13 : 1));
    const { slot, outcome } = await executor.swap(to("mortal"));
    const ended = await outcome;
    expect(ended).toMatchObject({ kept: false, reason: "thread ended" });
    if (ended.kept) throw new Error("kept");
    while (factors.length < ended.slot + 20) await setTimeout(1);
    expect(factors[slot]).toBe(2);
    expect(factors.slice(ended.slot - 1, ended.slot + 20)).toEqual([2, ...new Array(20).fill(1)]);
    await stop();
    expect(executor.statistics().failed).toBe(0);
  });

  it("changes nothing when the new implementation cannot be prepared, and is one at a time (invariant 6)", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    const { factors, stop } = keepRunning(executor, [variant]);
    const swapping = executor.swap(to("lazy"));
    await expect(executor.swap(to("doubling"))).rejects.toMatchObject({ code: "SWAP_UNDERWAY" });
    await expect(swapping).rejects.toMatchObject({ message: "not today" });
    await untilServing(executor);
    await expect(executor.swap(to("unheard-of"))).rejects.toMatchObject({ field: "implementations.obey" });
    await untilServing(executor);
    await stop();
    expect(new Set(factors)).toEqual(new Set([1]));
    const { outcome } = await executor.swap({ ...to("doubling"), fallback: { slots: 1 } });
    await executor.submit(variant);
    await expect(outcome).resolves.toEqual({ kept: true });
  });

  it("prepares variants that come while it goes on, on both threads", async () => {
    const executor = await start();
    const swapping = executor.swap(to("fragile"));
    const variant = await prepare(executor, "a");
    variant.inputs.values.view.fill(1);
    await executor.submit(variant);
    const { outcome } = await swapping;
    const late = await prepare(executor, "b");
    late.inputs.values.view.fill(1);
    await executor.submit(late);
    expect([...late.outputs.total.view]).toEqual([3, 3, 3, 3]);
    late.inputs.values.view.fill(13);
    await executor.submit(late);
    expect([...late.outputs.total.view]).toEqual([16, 16, 16, 16]);
    expect(late.outputs.slots.view[0]).toBe(3);
    await expect(outcome).resolves.toMatchObject({ kept: false, slot: 2 });
  });

  it("returns when the new implementation hangs in a slot", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    const { outcome } = await executor.swap({ ...to("endless"), fallback: { deadline_ms: 10, misses: 100 } });
    for (const added of [1, 13, 1]) {
      variant.inputs.values.view.fill(added);
      await executor.submit(variant);
    }
    await expect(outcome).resolves.toMatchObject({ kept: false, reason: "thread ended", slot: 1 });
    expect([variant.outputs.slots.view[0], variant.outputs.total.view[0]]).toEqual([3, 16]);
  });

  it("redeploys a module with the state it had, migrated where its version is another", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    variant.inputs.values.view.fill(1);
    await executor.submit(variant);
    await executor.submit(variant);
    // The same code by another name is another module.
    const again = await executor.swap({ module: new URL("?again", module), fallback: { slots: 1 } });
    await executor.submit(variant);
    expect(variant.outputs.slots.view[0]).toBe(3);
    await expect(again.outcome).resolves.toEqual({ kept: true });
    await untilServing(executor);
    const { outcome } = await executor.swap({ factory: "createFlowInTens" });
    await executor.submit(variant);
    expect([variant.outputs.slots.view[0], variant.outputs.total.view[0]]).toEqual([40, 4]);
    await expect(outcome).resolves.toEqual({ kept: true });
    await untilServing(executor);
    await expect(executor.swap({ factory: "createSlotFlow" })).rejects.toMatchObject({
      code: "STATE_LAYOUT",
    });
    await untilServing(executor);
    await expect(executor.swap({ factory: "createAccountFlow" })).rejects.toThrow(/stateDimensions|inputs/);
    await executor.submit(variant);
    expect(variant.outputs.slots.view[0]).toBe(50);
  });

  it("refuses a factory that does not choose what it is told", async () => {
    const executor = await start("deaf");
    await expect(executor.swap(to("doubling"))).rejects.toThrow(/hand the implementations .* createSlotFlow/);
    await executor.submit(await prepare(executor, "a"));
  });
});

async function untilServing(executor: Executor): Promise<void> {
  while (executor.statistics().swapping !== "serving") await setTimeout(1);
}
