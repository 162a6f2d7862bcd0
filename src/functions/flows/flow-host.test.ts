import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { embeddedBus, memoryStore, type Store, systemClock } from "../../bus/index.js";
import { createNodeKey, openEncryption } from "../encryption/index.js";
import { field, stateSchema } from "../schema/index.js";
import { createCommitDomain, handler, statefulFunction } from "../turns/index.js";
import { epochStore, flowKeys } from "./epoch-store.js";
import { createFlowHost } from "./flow-host.js";
import { startFlow } from "./running-flow.js";

const samples = new URL("../../../test/flow-samples.js", import.meta.url);
const migrated = new URL("../../../test/migrated-flow.js", import.meta.url);

const relay = statefulFunction("relay", stateSchema({ told: field.uint32(), total: field.int32() }), {
  add: handler({ request: z.int(), reply: z.null() }, (context, number) => {
    context.append("relay-totals", "numbers", { number });
    return null;
  }),
  told: handler(
    { request: z.object({ number: z.int(), total: z.int() }), reply: z.null() },
    ({ state }, { total }) => {
      state.told++;
      state.total = Math.max(state.total, total);
      return null;
    },
  ),
});

/** A domain and a host over a store, sealed, that know each other. */
async function node(store: Store, key: ReturnType<typeof createNodeKey>) {
  const encryption = openEncryption(store, key);
  await encryption.prepare(["relay", "relay-totals"]);
  const cipherOf = (owner: string) => encryption.forFunction(owner);
  const host = createFlowHost({
    store,
    guardOf: cipherOf,
    admit: (messages, consumed) => domain.admit(messages, consumed),
  });
  const domain = createCommitDomain({
    store,
    bus: embeddedBus("one"),
    clock: systemClock,
    uniqueId: randomUUID,
    cipherOf,
    functions: [relay],
    sources: host.sources,
  });
  return { host, domain };
}

describe("a host of flows", () => {
  it("takes what handlers append to a flow, and tells handlers what it sends, each once", async () => {
    const store = memoryStore();
    const key = createNodeKey();
    const expected = [0, 0, 0];
    let number = 0;
    for (let round = 0; round < 3; round++) {
      const { host, domain } = await node(store, key);
      const flow = await host.start({ module: samples, name: "relayTotals", epochInterval_ms: 5 });
      for (let count = 0; count < 50; count++) {
        const outcome = await domain.invoke(relay.at("source").add(++number));
        expect(outcome.ok).toBe(true);
        expected[number % 3] += number;
      }
      // As a crash would end it, in the middle; the last round goes on to the end.
      if (round < 2) await flow.abandon();
      else {
        await host.stop();
        expect(host.flows()).toEqual([]);
        while (flow.statistics().pendingSends > 0) await setTimeout(5);
      }
      await domain.close();
    }
    const { domain } = await node(store, key);
    for (const [index, total] of expected.entries()) {
      expect(await domain.stateOf({ function: "relay", key: String(index) })).toEqual({ told: 50, total });
    }
    await domain.close();
  });

  it("refuses what no flow reads", async () => {
    const { host, domain } = await node(memoryStore(), createNodeKey());
    const outcome = await domain.invoke(relay.at("source").add(1));
    expect(outcome).toMatchObject({ ok: false, error: { code: "FLOW_UNKNOWN" } });
    const flow = await host.start({ module: samples, name: "relayTotals" });
    expect(host.flow("relay-totals")).toBe(flow);
    expect(() => host.sources.encode("relay-totals", "other", {})).toThrow(/its logs are: numbers/);
    expect(() => host.sources.encode("relay-totals", "numbers", { number: "1" })).toThrow(/number/);
    await host.stop();
    await domain.close();
  });
});

describe("a redeployed flow", () => {
  it("goes on where the version before it stopped, and is refused before that stops where it cannot", async () => {
    const host = createFlowHost({ store: memoryStore() });
    const first = await host.start({ module: migrated, name: "weighedFirst", epochInterval_ms: 5 });
    await first.append("users", { user: "b" });
    const second = await host.start({ module: migrated, name: "weighedSecond", epochInterval_ms: 5 });
    await first.finished;
    expect(host.flow("weighed")).toBe(second);
    await second.append("users", { user: "b", weight: 4 });
    await second.commit();
    expect(second.output("totals").read(1, 10)).toEqual([
      { position: 1, message: { user: "b", count: 2, weight: 5 } },
    ]);
    await expect(host.start({ module: migrated, name: "weighedFirst" })).rejects.toThrow(/version 2/);
    expect(host.flow("weighed")).toBe(second);
    await second.append("users", { user: "b", weight: 1 });
    await host.stop();
    expect(second.output("totals").read(2, 10)).toHaveLength(1);
  });
});

describe("the store of a flow", () => {
  it("refuses parts that were exchanged, where a cipher guards them", async () => {
    const store = memoryStore();
    const encryption = openEncryption(store, createNodeKey());
    await encryption.prepare(["logged-totals"]);
    const guardOf = (name: string) => encryption.forFunction(name);
    const options = { module: samples, name: "loggedTotals", store, guardOf, epochInterval_ms: 5 };
    const first = await startFlow(options);
    await first.append("numbers", { number: 1 }, { number: 2 });
    await first.commit();
    await first.append("numbers", { number: 12 });
    await first.stop();
    const keys = flowKeys("logged-totals");
    const manifests = [...epochStore(store, "logged-totals", guardOf("logged-totals")).manifests().values()];
    const parts = manifests.flatMap((one) =>
      typeof one === "string"
        ? []
        : one.parts.map(([operator, group]) => keys.part(one.epoch, operator, group)),
    );
    expect(parts.length).toBeGreaterThanOrEqual(3);
    const [one, another] = parts;
    expect(Buffer.from(store.get(one)!).includes("totalling")).toBe(false);
    await store.commit([{ key: one, value: store.get(another) }]);
    const second = await startFlow(options);
    const { passedOver } = second.statistics().restored;
    expect(passedOver.map(({ problem }) => problem).join()).toMatch(
      /was changed, or stands where it was not sealed for/,
    );
    await second.stop();
    expect(
      second
        .output("totals")
        .read(0, 10)
        .map(({ message }) => message),
    ).toEqual([
      { number: 1, total: 1 },
      { number: 2, total: 2 },
      { number: 12, total: 14 },
    ]);
  });

  it("is read by a later version of the flow, with state, messages and outputs migrated", async () => {
    const store = memoryStore();
    const options = { module: migrated, store, epochInterval_ms: 5 };
    const [one, two] = [
      { ...options, name: "weighedFirst" },
      { ...options, name: "weighedSecond" },
    ];
    const first = await startFlow(one);
    await first.append("users", { user: "a" }, { user: "a" });
    await first.stop();
    // Appended, and not read before the next version comes.
    const between = await startFlow({ ...one, epochInterval_ms: 1e6 });
    await between.append("users", { user: "a" });
    await between.abandon();
    const second = await startFlow(two);
    await second.append("users", { user: "a", weight: 10 });
    await second.stop();
    expect(
      second
        .output("totals")
        .read(0, 10)
        .map(({ message }) => message),
    ).toEqual([
      { user: "a", count: 1, weight: -1 },
      { user: "a", count: 2, weight: -1 },
      { user: "a", count: 3, weight: 3 },
      { user: "a", count: 4, weight: 13 },
    ]);
    await expect(startFlow(one)).rejects.toThrow(/version 2/);
  });
});
