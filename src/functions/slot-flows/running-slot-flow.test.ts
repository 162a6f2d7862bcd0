import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { accountFlow } from "../../../test/slot-flow.js";
import { slotOfNumber } from "../../../test/slot-flow-samples.js";
import { memoryStore, type Store } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { createRandom } from "../../system/index.js";
import { epochStore } from "../flows/epoch-store.js";
import { checksums } from "../flows/guard.js";
import { field, stateSchema } from "../schema/index.js";
import type { AdmittedMessage } from "../turns/index.js";
import { slotFlow } from "./declaration.js";
import { type RunningSlotFlow, type SlotFlowOptions, startSlotFlow } from "./running-slot-flow.js";

const samples = new URL("../../../test/slot-flow-samples.js", import.meta.url);
const open: RunningSlotFlow[] = [];
const seed = 299792458;

async function start(
  store: Store,
  name: string,
  query: string,
  options: Partial<SlotFlowOptions> = {},
): Promise<RunningSlotFlow> {
  const module = new URL(`${samples.href}?${query}`);
  const flow = await startSlotFlow({
    module,
    name,
    store,
    epochInterval_ms: 10,
    keptOutputs: 1e9,
    ...options,
  });
  open.push(flow);
  return flow;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((flow) => flow.abandon()));
});

interface Sums {
  readonly slot: number;
  readonly first: number;
  readonly second: number;
}

/** What a run without faults gives, computed here. */
function expected(count: number): Sums[] {
  const sums = new Map<number, number>();
  return Array.from({ length: count }, (_, slot) => {
    const { added, writes } = slotOfNumber(slot);
    for (const key of writes) sums.set(key, (sums.get(key) ?? 0) + added);
    return { slot, first: sums.get(writes[0]) as number, second: sums.get(writes[1]) as number };
  });
}

function given(flow: RunningSlotFlow): Sums[] {
  const messages = flow.output("sums").read(0, 1e6);
  expect(messages.map(({ position }) => position)).toEqual(messages.map((_, index) => index));
  return messages.map(({ message }) => message as Sums);
}

describe("a slot flow that delivers exactly once", () => {
  it("gives what its slots give, in order, and sends once", async () => {
    const admitted: AdmittedMessage[] = [];
    const flow = await start(memoryStore(), "accountSlots", "count=500", {
      admit: async (messages) => void admitted.push(...messages),
    });
    await flow.finished;
    expect(given(flow)).toEqual(expected(500));
    expect(admitted.map(({ id }) => id)).toEqual(
      Array.from({ length: 50 }, (_, index) => `account-slots#${10 * index}.slots.0`),
    );
    expect(flow.statistics()).toMatchObject({ position: 500, slots: { done: 500, failed: 0, dropped: 0 } });
  });

  it(`goes on where its last epoch ends, with fewer rows than keys, seed ${seed} (invariants 2, 3)`, async () => {
    const random = createRandom(seed);
    const store = memoryStore();
    const count = 900;
    let restarts = 0;
    let recovered = 0;
    /** Those that a run went on from. */
    const generations = new Set<number>();
    const epochs = epochStore(store, "account-slots", checksums);
    for (;;) {
      const flow = await start(store, "coldAccounts", `count=${count}`);
      if (flow.statistics().restored.epoch > 0) recovered++;
      const finished = flow.finished.then(() => true);
      // Some end before their first epoch.
      const enough = flow.statistics().position + random.integer(3) * random.integer(100);
      const killed = (async () => {
        while (flow.statistics().position < Math.min(enough, count)) await setTimeout(1);
        await setTimeout(random.integer(10));
        return restarts++ > 6;
      })();
      if ((await Promise.race([finished, killed])) && (await finished)) {
        expect(given(flow)).toEqual(expected(count));
        break;
      }
      await flow.abandon();
      for (const one of epochs.manifests().values()) if (typeof one === "object") generations.add(one.base);
    }
    console.log(`${restarts} restarts, ${recovered} from an epoch, of ${generations.size} generations`);
    expect(recovered).toBeGreaterThan(0);
    expect(generations.size).toBeGreaterThan(2);
  });

  it("lets one that is started elsewhere go on, and is fenced", async () => {
    const store = memoryStore();
    const former = await start(store, "accountSlots", "count=1000000");
    await former.commit();
    const later = await start(store, "accountSlots", "count=1000000");
    await expect(former.finished).rejects.toMatchObject({ code: "FLOW_FENCED" });
    await later.commit();
    const sums = given(later);
    expect(sums).toEqual(expected(sums.length));
  });

  it("refuses state that another version wrote otherwise, and leaves it as it was", async () => {
    const store = memoryStore();
    const before = await start(store, "accountSlots", "count=50");
    await before.finished;
    await expect(start(store, "widerAccounts", "count=100")).rejects.toMatchObject({
      code: "STATE_LAYOUT",
      message: expect.stringMatching(/accounts.sum.*int32\[8\] version 1.*int32\[9\] version 1/),
    });
    const after = await start(store, "accountSlots", "count=100");
    await after.finished;
    expect(given(after)).toEqual(expected(100));
  });

  it("passes over slots that cannot be run, and says why", async () => {
    const flow = await start(memoryStore(), "unfitAccounts", "count=50");
    await flow.finished;
    const slots = given(flow).map(({ slot }) => slot);
    expect(slots).toEqual(Array.from({ length: 50 }, (_, slot) => slot).filter((slot) => slot % 10 !== 7));
    expect(flow.statistics().slots).toMatchObject({
      done: 45,
      failed: 5,
      problem: expect.stringMatching(/slot 47: .*inputs.added.*2 elements/),
    });
  });

  it("swaps between two slots, and chooses the same when it is started again", async () => {
    const store = memoryStore();
    const flow = await start(store, "pacedAccounts", "count=100000");
    await flow.commit();
    const swap = await flow.swap({ implementations: { accounts: "fragile" }, fallback: { slots: 20 } });
    expect(swap.lost()).toBe(0);
    expect(swap.slot).toBeGreaterThan(0);
    await expect(swap.outcome).resolves.toEqual({ kept: true });
    await flow.stop();
    const again = await start(store, "pacedAccounts", "count=100000");
    await again.commit();
    const [{ implementation }] = again.statistics().executor.implementations;
    expect(implementation).toBe("fragile");
    await again.stop();
    const sums = given(again);
    expect(sums).toEqual(expected(sums.length));
  });

  it("goes on by another version of its module, whose source ends elsewhere", async () => {
    const flow = await start(memoryStore(), "pacedAccounts", "count=100000");
    await flow.commit();
    await expect(flow.redeploy(samples, "accountsInRealTime")).rejects.toThrow(/outputs or delivery/);
    const later = new URL(`${samples.href}?count=3000`);
    const { lost, outcome } = await flow.redeploy(later, "accountSlots", { slots: 10 });
    expect(lost()).toBe(0);
    await outcome;
    await flow.finished;
    expect(given(flow)).toEqual(expected(3000));
  });
});

describe("an epoch of a slot flow that cannot be committed", () => {
  it("is part of the next one (invariant 3 of its epochs)", async () => {
    const store = memoryStore();
    let failing = false;
    let failed = 0;
    const faulty: Store = {
      ...store,
      async commit(batch) {
        if (failing && batch.some(({ key }) => key.includes("manifest"))) {
          failed++;
          throw new NeuroranError("STORE_FULL", "no room");
        }
        await store.commit(batch);
      },
    };
    const flow = await start(faulty, "pacedAccounts", "count=600");
    while (flow.statistics().position < 20) await setTimeout(1);
    failing = true;
    await setTimeout(30);
    await expect(flow.commit()).rejects.toMatchObject({ code: "EPOCH_FAILED" });
    failing = false;
    await flow.finished;
    expect(failed).toBeGreaterThanOrEqual(3);
    expect(flow.statistics().epochs.aborted).toBe(failed);
    expect(given(flow)).toEqual(expected(600));
    const again = await start(store, "pacedAccounts", "count=800");
    expect(again.statistics().restored.position).toBe(600);
    await again.finished;
    expect(given(again)).toEqual(expected(800));
  });
});

describe("a slot flow in real time", () => {
  it("drops what is late, repeats nothing behind a crash, and keeps its state consistent", async () => {
    const store = memoryStore();
    const query = "count=100000&reading_ms=3";
    const seen: number[] = [];
    const first = await start(store, "accountsInRealTime", query);
    first.output("sums").subscribe(undefined, ({ message }) => seen.push((message as Sums).slot));
    while (seen.length < 20) await setTimeout(5);
    await first.commit();
    const { slots, position } = first.statistics();
    expect(slots.dropped).toBeGreaterThan(0);
    expect(slots.done + slots.dropped).toBeGreaterThanOrEqual(position);
    await first.abandon();
    const last = seen[seen.length - 1];
    const second = await start(store, "accountsInRealTime", query);
    second.output("sums").subscribe(undefined, ({ message }) => seen.push((message as Sums).slot));
    const before = seen.length;
    while (seen.length < before + 20) await setTimeout(5);
    await second.commit();
    expect(second.statistics().slots.dropped).toBeGreaterThan(0);
    expect(seen[before]).toBeGreaterThan(last);
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  it("takes slots as they come, and keeps the state of those that it took", async () => {
    const store = memoryStore();
    const seen: Sums[] = [];
    for (const runs of [1, 2]) {
      const flow = await start(store, "liveAccounts", "");
      flow.output("sums").subscribe(undefined, ({ message }) => seen.push(message as Sums));
      while (seen.length < 20 * runs) await setTimeout(5);
      await flow.stop();
      expect(flow.statistics().position).toBe((seen[seen.length - 1] as Sums).slot + 1);
    }
    expect(seen.map(({ first }) => first)).toEqual(seen.map((_, index) => index + 1));
    expect(seen.map(({ slot }) => slot)).toEqual(seen.map((one) => one.slot).sort((a, b) => a - b));
  });

  it("is the only way to deliver what cannot be replayed", () => {
    const declare = (delivery: "exactly-once" | "real-time", slotDuration_ms?: number) =>
      slotFlow<typeof accountFlow>()("live", {
        delivery,
        instance: { module: "", factory: "", arenaBytes: 1 },
        source: { kind: "live", open: () => ({ next: async () => undefined }) },
        outputs: { slots: { message: stateSchema({ slot: field.uint32() }), of: () => undefined } },
        ...(slotDuration_ms === undefined ? {} : { slotDuration_ms }),
      });
    expect(() => declare("exactly-once")).toThrow(/replayable/);
    expect(() => declare("real-time")).toThrow(/slotDuration_ms/);
    expect(declare("real-time", 1)).toMatchObject({ kind: "slot flow", name: "live" });
  });
});
