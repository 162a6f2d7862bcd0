import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { embeddedBus, memoryStore, type Store, systemClock, type Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { field, keptLayouts, stateSchema } from "../schema/index.js";
import type { CommitDomain } from "./commit-domain.js";
import { createCommitDomain, type DomainOptions, type DomainProblem } from "./domain.js";
import { groupPrefix, kindPrefix, orderedNumber } from "./entries.js";
import { requestOf } from "./message.js";
import { serialise } from "./serialisable.js";
import { call, continuation, handler, reference, statefulFunction } from "./stateful-function.js";

const anything = { request: z.any(), reply: z.any() };
const counter = statefulFunction("counter", stateSchema({ count: field.float64() }), {
  add: handler(anything, ({ state }, by) => {
    state.count += by as number;
    return state.count;
  }),
  circle: handler(anything, ({ key, state, send }) => {
    state.count++;
    send(reference("counter", key === "a" ? "b" : "a", "circle"));
  }),
  again: handler(anything, ({ key, state, send, setTimer }) => {
    state.count++;
    setTimer("again", 1, "again");
    send(reference("counter", key, "again"));
  }),
  askLate: handler(anything, () => call(reference("late", "x", "answer"), { onReply: "answered" })),
  answered: continuation((_, reply) => reply),
});
const late = statefulFunction("late", stateSchema({}), { answer: handler(anything, () => 5) });

const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };
const sleep = (delay_ms: number) => new Promise((resolve) => setTimeout(resolve, delay_ms));
const at = (key: string) => ({ function: "counter", key });
const opened: CommitDomain[] = [];
let ids = 0;

function domainOver(store: Store, more: Partial<DomainOptions> = {}): CommitDomain {
  const domain = createCommitDomain({
    store,
    bus: embeddedBus("n1"),
    clock: systemClock,
    uniqueId: () => `id-${++ids}`,
    cipherOf: () => plain,
    functions: [counter],
    ...more,
  });
  opened.push(domain);
  return domain;
}

/** A store that fails to commit, or to read, as it is told to. */
function failingStore() {
  const store = memoryStore();
  const failing = {
    ...store,
    full: false,
    /** What keys begin with whose values cannot be read. */
    damaged: undefined as string | undefined,
    slow_ms: 0,
    commits: 0,
    async commit(batch: readonly Write[]): Promise<void> {
      failing.commits++;
      if (failing.slow_ms > 0) await sleep(failing.slow_ms);
      if (failing.full) throw new NeuroranError("STORE_FULL", "full");
      await store.commit(batch);
    },
    get(key: string) {
      if (failing.damaged !== undefined && key.startsWith(failing.damaged)) {
        throw new NeuroranError("STORE_CORRUPT", "a bit has flipped");
      }
      return store.get(key);
    },
  };
  return failing;
}

afterEach(async () => {
  for (const domain of opened.splice(0)) await domain.close();
});

describe("commit domain", () => {
  it("takes up an inbox of any length", async () => {
    const store = memoryStore();
    const count = 150_000;
    const message = serialise(requestOf(reference("counter", "a", "add", 1), "x#1.0", undefined));
    const writes = Array.from({ length: count }, (_, index) => {
      return { key: groupPrefix("inbox", "other", 0) + orderedNumber(index + 1), value: message };
    });
    await store.commit(writes);
    expect(domainOver(store, { functions: [] }).statistics().inbox).toBe(count);
  });

  it("ends while messages go in circles, which go on when it is back", async () => {
    const store = failingStore();
    store.slow_ms = 5;
    const first = domainOver(store);
    await first.send(reference("counter", "a", "circle"));
    await first.close();
    const inbox = kindPrefix("inbox");
    expect([...store.range(inbox, `${inbox}\u{ffff}`)].length).toBe(1);
    const second = domainOver(store);
    const counts = [];
    for (const _ of [1, 2]) {
      counts.push(((await second.stateOf(at("a"))) as { count: number }).count);
      await sleep(5);
    }
    expect(counts[1]).toBeGreaterThan(counts[0]!);
  });

  it("does nothing any more when it has ended", async () => {
    const store = failingStore();
    const domain = domainOver(store);
    await domain.send(reference("counter", "a", "again"));
    await domain.close();
    const { commits } = store;
    await sleep(30);
    expect(store.commits).toBe(commits);

    const paused = domainOver(store);
    await sleep(5);
    store.full = true;
    await sleep(5);
    await paused.close();
    const failed = store.commits;
    store.full = false;
    await sleep(300);
    expect(store.commits).toBe(failed);
  });

  it("keeps how states are laid out when the first commit fails (history, invariant 1)", async () => {
    const store = failingStore();
    store.full = true;
    const domain = domainOver(store);
    await expect(domain.invoke(reference("counter", "a", "add", 1))).rejects.toThrow();
    store.full = false;
    await sleep(250);
    await domain.invoke(reference("counter", "a", "add", 1));
    expect([...keptLayouts(store, "counter").keys()]).toEqual([1]);
  });

  it("goes on beside a call whose continuation is damaged", async () => {
    const store = failingStore();
    const problems: DomainProblem[] = [];
    const domain = domainOver(store, {
      awaits: (name) => name === "late",
      report: (problem) => problems.push(problem),
    });
    void domain.invoke(reference("counter", "a", "askLate")).catch(() => {});
    await sleep(10);
    store.damaged = kindPrefix("continuation");
    domain.deploy([late]);
    await sleep(10);
    expect(await domain.invoke(reference("counter", "b", "add", 1))).toEqual({ ok: true, value: 1 });
    expect(problems.map(({ error }) => error.code)).toEqual(["STORE_CORRUPT"]);
  });

  it("goes on beside a timer and a session that are damaged", async () => {
    const store = failingStore();
    const problems: DomainProblem[] = [];
    const domain = domainOver(store, { report: (problem) => problems.push(problem) });
    await domain.openSession(500);
    for (const key of ["a", "b"]) {
      await domain.send(reference("counter", key, "add", 1), { delay_ms: 300 });
    }
    store.damaged = [...store.range(kindPrefix("timer"), `${kindPrefix("timer")}\u{ffff}`)][0]!.key;
    await vi.waitFor(async () => {
      const states = await Promise.all(["a", "b"].map((key) => domain.stateOf(at(key))));
      expect(states.filter((state) => state !== undefined)).toEqual([{ count: 1 }]);
    }, 10_000);
    store.damaged = kindPrefix("session");
    await vi.waitFor(() => expect(problems.length).toBe(2), 10_000);
    expect(await domain.invoke(reference("counter", "c", "add", 1))).toEqual({ ok: true, value: 1 });
    expect(domain.statistics().quarantined).toBe(2);
  });

  it("takes an acknowledgement of what was never sent", async () => {
    const domain = domainOver(memoryStore());
    const session = await domain.openSession(60_000);
    const sequence = Number.MAX_SAFE_INTEGER;
    const request = reference("counter", "a", "add", 1);
    await domain.invoke(request, { session: { session, sequence: 1, acknowledged: 0 } });
    const far = { session: { session, sequence, acknowledged: sequence - 1 } };
    expect(await domain.invoke(request, far)).toEqual({ ok: true, value: 2 });
    expect(await domain.invoke(request, far)).toEqual({ ok: true, value: 2 });
  });

  it("takes nothing over from a flow that could not be stored", async () => {
    const store = memoryStore();
    const domain = domainOver(store);
    const sender = { function: "flow", key: "sink" };
    for (const target of [at(""), at("k".repeat(5000)), { function: "a\0b", key: "k" }]) {
      await store.commit([{ key: "f\0flow\x001", value: Uint8Array.of(1) }]);
      const message = { id: "flow#1.sink.0", sender, invocation: { target, handler: "add", body: 1 } };
      await expect(domain.admit([message], ["f\0flow\x001"])).rejects.toMatchObject({
        code: "INPUT_INVALID",
      });
    }
    expect(await domain.invoke(reference("counter", "a", "add", 1))).toEqual({ ok: true, value: 1 });
  });

  it("refuses delays that are none", async () => {
    const domain = domainOver(memoryStore());
    for (const delay_ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(domain.send(reference("counter", "a", "add", 1), { delay_ms })).rejects.toMatchObject({
        code: "DELAY_INVALID",
      });
    }
  });
});
