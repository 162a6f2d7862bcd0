import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { memoryStore, type Store } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { createRandom } from "../../system/index.js";
import { epochStore, flowKeys, type Manifest } from "./epoch-store.js";
import { checksums } from "./guard.js";
import { type FlowOptions, type RunningFlow, startFlow } from "./running-flow.js";

const samples = new URL("../../../test/flow-samples.js", import.meta.url).href;
const seed = 20261121;
const open: RunningFlow[] = [];

async function start(
  options: Partial<FlowOptions> & Pick<FlowOptions, "store" | "name">,
): Promise<RunningFlow> {
  const flow = await startFlow({ module: samples, epochInterval_ms: 5, ...options });
  open.push(flow);
  return flow;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((flow) => flow.abandon()));
});

/** The totals by the last digit after all numbers below `count`, each of which must have come out once. */
function checkTotals(flow: RunningFlow, count: number): void {
  const messages = flow
    .output("totals")
    .read(0, 1e6)
    .map(({ message }) => message as { number: number; total: number });
  const totals = new Map(messages.map(({ number, total }) => [number, total]));
  expect(messages.length).toBe(count);
  const expected = new Array<number>(10).fill(0);
  for (let number = 0; number < count; number++) {
    expected[number % 10] += number;
    expect(totals.get(number)).toBe(expected[number % 10]);
  }
}

function manifestsOf(store: Store): Manifest[] {
  return [...epochStore(store, "logged-totals", checksums).manifests().values()].map((one) => {
    if (typeof one === "string") throw new Error(one);
    return one;
  });
}

describe("a flow among faults", () => {
  it("gives up an epoch that takes too long, and the next has what it had", async () => {
    const flow = await start({
      module: `${samples}?count=2000&slow=1000`,
      name: "generatedTotals",
      store: memoryStore(),
      deployment: { workers: 2, ringBytes: 1024 },
      epochInterval_ms: 1,
      epochTimeout_ms: 40,
    });
    await flow.finished;
    const { committed, aborted, problem } = flow.statistics().epochs;
    expect(aborted).toBeGreaterThan(0);
    expect(committed).toBeGreaterThan(0);
    expect(problem).toMatch(/not acknowledged within 40 ms/);
    checkTotals(flow, 2000);
  });

  it(`goes on when commits fail, seed ${seed}`, async () => {
    const random = createRandom(seed);
    const store = memoryStore();
    let failures = 0;
    let failing = false;
    const unreliable: Store = {
      ...store,
      commit(batch) {
        if (!failing || random.integer(3) > 0) return store.commit(batch);
        failures++;
        return Promise.reject(new NeuroranError("STORE_FULL", "the disk is full"));
      },
    };
    const flow = await start({ name: "loggedTotals", store: unreliable });
    failing = true;
    let number = 0;
    while (failures < 20) {
      try {
        await flow.append("numbers", { number });
        number++;
      } catch (error) {
        // What was not appended is appended again: a gap in the log.
        expect(error).toMatchObject({ code: "STORE_FULL" });
      }
      await setTimeout(1);
    }
    failing = false;
    await flow.stop();
    checkTotals(flow, number);
    expect(flow.statistics().epochs.aborted).toBeGreaterThan(0);
  });

  it("says what fails, to who waits for a commit", async () => {
    const store = memoryStore();
    let failing = false;
    const full: Store = {
      ...store,
      commit: (batch) =>
        failing ? Promise.reject(new NeuroranError("STORE_FULL", "the disk is full")) : store.commit(batch),
    };
    const flow = await start({ name: "loggedTotals", store: full });
    await flow.append("numbers", { number: 1 });
    failing = true;
    const waiting = flow.commit();
    await expect(waiting).rejects.toMatchObject({
      code: "EPOCH_FAILED",
      message: expect.stringMatching(/the disk is full/),
    });
    failing = false;
    await flow.stop();
    expect(flow.output("totals").read(0, 10)).toHaveLength(1);
  });

  it("ends where its log is damaged, and says where", async () => {
    const store = memoryStore();
    const first = await start({ name: "loggedTotals", store });
    await first.append("numbers", { number: 1 });
    await first.stop();
    const log = await start({ name: "loggedTotals", store });
    await log.abandon();
    await log.append("numbers", { number: 2 });
    const key = flowKeys("logged-totals").sourceAt("numbers", 1);
    const bytes = store.get(key)!;
    bytes[0] ^= 1;
    await store.commit([{ key, value: bytes }]);
    const second = await start({ name: "loggedTotals", store });
    await expect(second.finished).rejects.toMatchObject({
      code: "STATE_CORRUPT",
      message: expect.stringMatching(/source\/numbers.* is damaged/),
    });
  });

  it("serves its other subscribers when one throws", async () => {
    const flow = await start({ name: "loggedTotals", store: memoryStore() });
    const came: number[] = [];
    flow.output("totals").subscribe(0, () => {
      throw new Error("not today");
    });
    flow.output("totals").subscribe(0, ({ position }) => came.push(position));
    await flow.append("numbers", { number: 1 }, { number: 2 });
    await flow.stop();
    expect(came).toEqual([0, 1]);
  });

  it("drops what came too late in real time, and counts it", async () => {
    const flow = await start({ module: `${samples}?slow=5`, name: "liveTotals", store: memoryStore() });
    const came: unknown[] = [];
    flow.output("totals").subscribe(undefined, ({ message }) => came.push(message));
    flow.push("numbers", { number: 5 });
    await setTimeout(20);
    // They wait for longer than the 100 ms that the source allows.
    for (const number of [15, 25, 35]) flow.push("numbers", { number });
    await flow.commit();
    flow.push("numbers", { number: 45 });
    await flow.stop();
    expect(came).toEqual([
      { number: 5, total: 5 },
      { number: 45, total: 50 },
    ]);
    expect(flow.statistics().tasks[0]).toEqual({ name: "numbers", received: 2, sent: 2, dropped: 3 });
  });

  it("keeps two generations of epochs, and falls back to the one before when the first of a generation is damaged", async () => {
    const store = memoryStore();
    const first = await start({ name: "loggedTotals", store, epochInterval_ms: 1000, keptOutputs: 50 });
    let number = 0;
    const step = async (): Promise<void> => {
      await first.append("numbers", { number: number++ });
      await first.commit();
    };
    const bases = (): number[] => [...new Set(manifestsOf(store).map(({ base }) => base))];
    while (bases().length < 2) for (let count = 0; count < 64; count++) await step();
    const [, second] = bases();
    while (bases().length < 2 || bases()[0] < second) for (let count = 0; count < 64; count++) await step();
    await first.stop();
    // Those before the last two are gone, and what the log and the output keep is bounded.
    expect(bases()).toHaveLength(2);
    expect(bases()[0]).toBe(second);
    const keys = flowKeys("logged-totals");
    expect([...store.range(keys.source("numbers"), `${keys.source("numbers")}~`)].length).toBeLessThan(
      number,
    );
    expect(first.output("totals").read(0, 1e6)).toHaveLength(50);
    const manifests = manifestsOf(store);
    const base = manifests.find(({ epoch, base: of }) => epoch === of && of > second)!;
    const before = manifests.filter(({ epoch }) => epoch < base.epoch).at(-1)!;
    const [operator, group] = base.parts[0];
    const key = keys.part(base.epoch, operator, group);
    const bytes = store.get(key)!;
    bytes[0] ^= 1;
    await store.commit([{ key, value: bytes }]);
    const again = await start({ name: "loggedTotals", store });
    const { restored } = again.statistics();
    expect(restored.epoch).toBe(before.epoch);
    expect(restored.passedOver.length).toBe(manifests.filter(({ epoch }) => epoch >= base.epoch).length);
    await again.append("numbers", { number: 10_000 });
    await again.stop();
    const expected = Array.from({ length: number }, (_, one) => one).filter((one) => one % 10 === 0);
    const last = again.output("totals").read(number, 1).at(0)?.message;
    expect(last).toEqual({ number: 10_000, total: expected.reduce((sum, one) => sum + one, 10_000) });
  });
});
