import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { memoryStore, type Store } from "../../bus/index.js";
import type { AdmittedMessage } from "../turns/index.js";
import { epochStore, flowKeys } from "./epoch-store.js";
import { checksums } from "./guard.js";
import type { Admit } from "./outbox.js";
import { type FlowOptions, type RunningFlow, startFlow } from "./running-flow.js";

const samples = new URL("../../../test/flow-samples.js", import.meta.url);
const open: RunningFlow[] = [];

async function start(
  name: string,
  store: Store,
  options: Partial<FlowOptions> & { readonly query?: string } = {},
): Promise<RunningFlow> {
  const { query = "", ...rest } = options;
  const module = new URL(`${samples.href}${query}`);
  const flow = await startFlow({ module, name, store, epochInterval_ms: 10, ...rest });
  open.push(flow);
  return flow;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((flow) => flow.abandon()));
});

interface Total {
  readonly number: number;
  readonly total: number;
}

/** Totals of 0, 1, 2 … by their last digit, as they must come out for each number. */
function expectedTotals(count: number): Map<number, number> {
  const totals = new Array<number>(10).fill(0);
  return new Map(
    Array.from({ length: count }, (_, number) => {
      totals[number % 10] += number;
      return [number, totals[number % 10]];
    }),
  );
}

async function committed(flow: RunningFlow, epochs: number): Promise<void> {
  while (flow.statistics().epochs.committed < epochs) await setTimeout(1);
}

function totalsOf(flow: RunningFlow): Map<number, number> {
  const messages = flow
    .output("totals")
    .read(0, 1e6)
    .map(({ message }) => message as Total);
  const totals = new Map(messages.map(({ number, total }) => [number, total]));
  expect(totals.size).toBe(messages.length);
  return new Map([...totals].sort(([a], [b]) => a - b));
}

describe("a running flow", () => {
  it("refuses to choose by keys that an output does not have", async () => {
    const flow = await start("loggedTotals", memoryStore());
    expect(() => flow.output("totals").subscribe(0, () => {}, "7")).toThrow(/totals has no keys/);
    await flow.stop();
  });

  it.each([1, 2, 3])("gives each message's effect once, on %i threads", async (workers) => {
    const flow = await start("generatedTotals", memoryStore(), {
      query: "?count=8000",
      deployment: { workers, ringBytes: 1024 },
    });
    const seen: number[] = [];
    flow.output("totals").subscribe(0, ({ position }) => seen.push(position));
    const [chosen, later]: Total[][] = [[], []];
    flow.output("totals").subscribe(0, ({ message }) => chosen.push(message as Total), "7");
    await flow.finished;
    flow.output("totals").subscribe(0, ({ message }) => later.push(message as Total), "7");
    expect(chosen.map(({ number }) => number)).toEqual(
      Array.from({ length: 800 }, (_, index) => 10 * index + 7),
    );
    expect(later).toEqual(chosen);
    expect(totalsOf(flow)).toEqual(expectedTotals(8000));
    expect(seen).toEqual(Array.from({ length: 8000 }, (_, position) => position));
    const { tasks, positions } = flow.statistics();
    expect(tasks.map(({ name, received, sent }) => [name, received, sent])).toEqual([
      ["numbers", 8000, 8000],
      ["totalling", 8000, 8000],
    ]);
    expect(positions).toEqual({ numbers: [8000] });
  });

  it("goes on from the last epoch when it is abandoned again and again, at any parallelism", async () => {
    const store = memoryStore();
    let restored = 0;
    let finished = false;
    for (let round = 0; !finished; round++) {
      const flow = await start("generatedTotals", store, {
        query: "?count=60000",
        epochInterval_ms: 1,
        deployment: { workers: 1 + (round % 2), parallelism: { totalling: 1 + (round % 5) } },
      });
      if (flow.statistics().restored.epoch > 0) restored++;
      finished = await Promise.race([
        flow.finished.then(() => true),
        round < 6 ? committed(flow, 1 + (round % 3)).then(() => false) : flow.finished.then(() => true),
      ]);
      if (finished) expect(totalsOf(flow)).toEqual(expectedTotals(60_000));
      await flow.abandon();
    }
    expect(restored).toBeGreaterThan(1);
  });

  it("reads a log, keeps what was appended while it did not run, and forgets what it is told to", async () => {
    const store = memoryStore();
    const first = await start("loggedTotals", store);
    await first.append("numbers", { number: 3 }, { number: 13 });
    await first.append("numbers", { number: -13 });
    await first.stop();
    expect(
      first
        .output("totals")
        .read(0, 10)
        .map(({ message }) => message),
    ).toEqual([
      { number: 3, total: 3 },
      { number: 13, total: 16 },
      { number: -13, total: -13 },
    ]);
    const second = await start("loggedTotals", store, { deployment: { workers: 2 } });
    expect(second.statistics().restored.positions).toEqual({ numbers: [3] });
    const came: unknown[] = [];
    second.output("totals").subscribe(undefined, (one) => came.push(one));
    await second.append("numbers", { number: 23 }, { number: -23 }, { number: -3 });
    await second.stop();
    expect(
      came.toSorted((a, b) => (a as { position: number }).position - (b as { position: number }).position),
    ).toEqual(
      [
        { position: 3, message: { number: 23, total: 39 } },
        { position: 4, message: { number: -23, total: -23 } },
        { position: 5, message: { number: -3, total: -3 } },
      ].map((one) => expect.objectContaining({ position: one.position })),
    );
    const messages = second
      .output("totals")
      .read(0, 10)
      .map(({ message }) => message);
    expect(messages).toContainEqual({ number: 23, total: 39 });
    expect(messages).toContainEqual({ number: -23, total: -23 });
    expect(messages).toContainEqual({ number: -3, total: -26 + 23 });
    await expect(second.append("other", {})).rejects.toMatchObject({ field: "source" });
  });

  it("sends what operators send when their epoch is committed, again until it is taken over", async () => {
    const store = memoryStore();
    const first = await start("generatedTotals", store, {
      admit: () => Promise.reject(new Error("nobody there")),
    });
    await first.finished;
    expect(first.statistics().pendingSends).toBe(1);
    const sent: AdmittedMessage[] = [];
    const admit: Admit = async (messages, consumed) => {
      sent.push(...messages);
      await store.commit(consumed.map((key) => ({ key, value: undefined })));
    };
    const second = await start("generatedTotals", store, { admit });
    await second.finished;
    expect(sent).toEqual([
      {
        id: expect.stringMatching(/^generated-totals#\d+\.totalling\/\d\.0$/),
        sender: { function: "generated-totals", key: expect.stringMatching(/^totalling\/\d$/) },
        invocation: { target: { function: "listener", key: "7" }, handler: "hear", body: { number: 77 } },
      },
    ]);
    const third = await start("generatedTotals", store, { admit });
    await third.finished;
    expect(sent).toHaveLength(1);
  });

  it("takes messages under way in a loop into its epochs", async () => {
    const store = memoryStore();
    const count = 2500;
    let logged = 0;
    let finished = false;
    for (let round = 0; !finished; round++) {
      const flow = await start("halvingLoop", store, {
        query: `?count=${count}`,
        epochInterval_ms: 1,
        deployment: { workers: 1 + (round % 2), parallelism: { halving: 1 + (round % 3) } },
      });
      for (const one of epochStore(store, "halving-loop", checksums).manifests().values()) {
        if (typeof one !== "string" && one.feedback.length > 0) logged++;
      }
      finished = await Promise.race([
        flow.finished.then(() => true),
        setTimeout(round < 6 ? 20 + 20 * round : 60_000).then(() => false),
      ]);
      if (finished) {
        const numbers = flow
          .output("odd")
          .read(0, 1e6)
          .map(({ message }) => (message as Total).number);
        const odd = Array.from({ length: count }, (_, index) => {
          let number = index + 1;
          while (number % 2 === 0) number /= 2;
          return number;
        });
        expect(numbers.sort((a, b) => a - b)).toEqual(odd.sort((a, b) => a - b));
      }
      await flow.abandon();
    }
    expect(logged).toBeGreaterThan(0);
  });

  it("drops and counts what is late in real time, and keeps the state of what was not", async () => {
    const store = memoryStore();
    const first = await start("liveTotals", store);
    const came: Total[] = [];
    first.output("totals").subscribe(undefined, ({ message }) => came.push(message as Total));
    first.push("numbers", { number: 4 });
    first.push("numbers", { number: 14 });
    await first.commit();
    expect(came).toEqual([
      { number: 4, total: 4 },
      { number: 14, total: 18 },
    ]);
    expect(() => first.push("numbers", { number: "4" })).toThrow(/number/);
    await first.abandon();
    const second = await start("liveTotals", store);
    second.output("totals").subscribe(undefined, ({ message }) => came.push(message as Total));
    second.push("numbers", { number: 24 });
    await second.stop();
    expect(came.at(-1)).toEqual({ number: 24, total: 42 });
  });

  it("falls back to the epoch before a damaged one, and says so", async () => {
    const store = memoryStore();
    const first = await start("loggedTotals", store);
    const epochs: number[] = [];
    for (const number of [1, 11, 21]) {
      await first.append("numbers", { number });
      await setTimeout(20);
      await first.commit();
      epochs.push(first.statistics().epochs.last);
    }
    await first.stop();
    const keys = flowKeys("logged-totals");
    const newest = [...epochStore(store, "logged-totals", checksums).manifests().values()].at(-1)!;
    if (typeof newest === "string") throw new Error(newest);
    expect(newest.parts.length).toBe(1);
    const [operator, group] = newest.parts[0];
    const key = keys.part(newest.epoch, operator, group);
    const bytes = store.get(key)!;
    bytes[bytes.length >> 1] ^= 4;
    await store.commit([{ key, value: bytes }]);
    const second = await start("loggedTotals", store);
    const { restored } = second.statistics();
    expect(restored.passedOver).toEqual([{ epoch: newest.epoch, problem: expect.stringMatching(/damaged/) }]);
    expect(restored.epoch).toBeLessThan(newest.epoch);
    await second.stop();
    const messages = second.output("totals").read(0, 10);
    expect(messages).toEqual([
      { position: 0, message: { number: 1, total: 1 } },
      { position: 1, message: { number: 11, total: 12 } },
      { position: 2, message: { number: 21, total: 33 } },
    ]);
    expect(second.statistics().epochs.last).toBeGreaterThan(newest.epoch);
  });

  it("leaves the flow to who claimed it last", async () => {
    const store = memoryStore();
    const first = await start("loggedTotals", store);
    const second = await start("loggedTotals", store);
    await second.append("numbers", { number: 5 });
    await expect(first.finished).rejects.toMatchObject({ code: "FLOW_FENCED" });
    await second.stop();
    expect(second.output("totals").read(0, 10)).toEqual([{ position: 0, message: { number: 5, total: 5 } }]);
  });

  it("ends with the failure of an operator, everything before the last epoch kept", async () => {
    const store = memoryStore();
    const failing = await start("generatedTotals", store, { query: "?count=100&fail=50" });
    await expect(failing.finished).rejects.toMatchObject({
      code: "OPERATOR_FAILED",
      message: expect.stringMatching(/told to fail/),
    });
    const mended = await start("generatedTotals", store, { query: "?count=100" });
    await mended.finished;
    expect(totalsOf(mended)).toEqual(expectedTotals(100));
  });

  it("says what is wrong with what it is started with", async () => {
    await expect(start("otherFlow", memoryStore())).rejects.toMatchObject({ code: "FLOW_MISSING" });
    await expect(
      start("loggedTotals", memoryStore(), { deployment: { parallelism: { other: 2 } } }),
    ).rejects.toMatchObject({ field: "parallelism" });
  });

  it("tells what every task waits for", async () => {
    const flow = await start("loggedTotals", memoryStore(), { deployment: { workers: 2 } });
    const { tasks } = await flow.describe();
    expect(tasks.map(({ name }) => name)).toEqual(["numbers", "totalling/0", "totalling/1"]);
    for (const { state } of tasks) expect(state).toMatchObject({ waiting: 0, overflowing: 0 });
  });
});
