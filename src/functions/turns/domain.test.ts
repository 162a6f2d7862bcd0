import { describe, expect, it } from "vitest";
import { z } from "zod";
import { embeddedBus, type Store, systemClock, type Write } from "../../bus/index.js";
import { memoryStore } from "../../bus/memory-store.js";
import { NeuroranError } from "../../errors.js";
import { field, stateSchema } from "../schema/index.js";
import type { Address } from "./address.js";
import type { Handler, Invocation, StatefulFunctionData, TurnContext } from "./declaration.js";
import { createCommitDomain, type DomainOptions } from "./domain.js";
import { call } from "./stateful-function.js";

const counterState = stateSchema({ count: field.float64(), notes: field.map("text", field.text()) });
type Context = TurnContext<typeof counterState>;

function handler<R>(request: z.ZodType<R>, run: (context: Context, body: R) => unknown): Handler {
  return { kind: "request", request, reply: z.any(), run } as unknown as Handler;
}

function continuation(run: (context: Context, reply: unknown, carry: unknown) => unknown): Handler {
  return { kind: "continuation", run } as unknown as Handler;
}

function ask(name: string, key: string, handlerName: string, body: unknown): Invocation {
  return { target: { function: name, key }, handler: handlerName, body };
}

const counter: StatefulFunctionData = {
  kind: "stateful function",
  name: "counter",
  state: counterState,
  keptEvents: 4,
  handlers: {
    add: handler(z.object({ by: z.number() }), (context, { by }) => {
      context.state.count += by;
      return context.state.count;
    }),
    get: handler(z.undefined(), (context) => context.state.count),
    fail: handler(z.undefined(), (context) => {
      context.state.count += 1000;
      context.send(ask("counter", "other", "add", { by: 1 }));
      throw new Error("no");
    }),
    /** Adds to another key and, when that has replied, the reply to this one. */
    through: handler(z.object({ to: z.string(), by: z.number() }), (_, { to, by }) =>
      call(ask("counter", to, "add", { by }), { onReply: "added", onFailure: "failed", carry: { by } }),
    ),
    added: continuation((context, reply, carry) => {
      context.state.count += reply as number;
      return { reply, carry, count: context.state.count };
    }),
    failed: continuation((_, failure, carry) => ({ failure, carry })),
    /** Calls back and forth between two keys, `depth` times. */
    around: handler(z.object({ to: z.string(), depth: z.number() }), (context, { to, depth }) => {
      context.state.count++;
      if (depth === 0) return 0;
      return call(ask("counter", to, "around", { to: context.key, depth: depth - 1 }), { onReply: "back" });
    }),
    back: continuation((context, reply) => {
      context.state.count++;
      return (reply as number) + 1;
    }),
    tell: handler(z.object({ to: z.string(), by: z.number() }), (context, { to, by }) => {
      context.send(ask("counter", to, "add", { by }));
      context.send(ask("counter", to, "add", { by }), { delay_ms: 20 });
      context.setTimer("again", 10, "add", { by: 100 });
      context.setTimer("again", 15, "add", { by: 200 });
      context.setTimer("never", 5, "add", { by: 1e6 });
      context.cancelTimer("never");
    }),
    callBroken: handler(z.undefined(), () =>
      call(ask("counter", "broken", "fail", undefined), { onReply: "added", onFailure: "failed", carry: 7 }),
    ),
    callUnknown: handler(z.undefined(), () => call(ask("nobody", "x", "y", undefined), { onReply: "added" })),
    publish: handler(z.number(), (context, event) => context.publish(event)),
    append: handler(z.object({ flow: z.string(), message: z.number() }), (context, { flow, message }) => {
      context.state.count++;
      context.append(flow, "in", message);
    }),
    forget: handler(z.undefined(), (context) => context.forget()),
    spoil: handler(z.undefined(), (context) => {
      (context.state as { count: unknown }).count = "text";
    }),
  },
};

const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };
let ids = 0;

function domainOver(store: Store, more: Partial<DomainOptions> = {}) {
  return createCommitDomain({
    store,
    bus: embeddedBus("n1"),
    clock: systemClock,
    uniqueId: () => `id-${++ids}`,
    cipherOf: () => plain,
    functions: [counter],
    ...more,
  });
}

const key = (name: string): Address => ({ function: "counter", key: name });

/** A store that notes what is committed, and fails when told to. */
function watchedStore() {
  const store = memoryStore();
  const batches: (readonly Write[])[] = [];
  const watched = {
    batches,
    failing: false,
    get: store.get,
    range: store.range,
    close: store.close,
    commit(batch: readonly Write[]): Promise<void> {
      if (watched.failing) return Promise.reject(new NeuroranError("STORE_FULL", "the disk is full"));
      batches.push(batch);
      return store.commit(batch);
    },
  };
  return watched;
}

const sleep = (delay_ms: number) => new Promise((resolve) => setTimeout(resolve, delay_ms));

describe("commit domain", () => {
  it("runs turns and keeps their state", async () => {
    const store = memoryStore();
    const first = domainOver(store);
    expect(await first.invoke(ask("counter", "a", "add", { by: 2 }))).toEqual({ ok: true, value: 2 });
    expect(await first.invoke(ask("counter", "a", "add", { by: 3 }))).toEqual({ ok: true, value: 5 });
    await first.close();
    const second = domainOver(store);
    expect(await second.invoke(ask("counter", "a", "get", undefined))).toEqual({ ok: true, value: 5 });
    expect(second.keys("counter")).toEqual(["a"]);
    expect(await second.stateOf(key("a"))).toEqual({ count: 5, notes: expect.anything() });
    expect(await second.stateOf(key("b"))).toBeUndefined();
  });

  it("commits a chain of calls once", async () => {
    const store = watchedStore();
    const domain = domainOver(store);
    await domain.invoke(ask("counter", "a", "add", { by: 1 }));
    const before = store.batches.length;
    const outcome = await domain.invoke(ask("counter", "a", "through", { to: "b", by: 5 }));
    expect(outcome).toEqual({ ok: true, value: { reply: 5, carry: { by: 5 }, count: 6 } });
    expect(store.batches.length - before).toBe(1);
    // Neither messages nor continuations: they have come and gone between two commits.
    expect(store.batches.at(-1)?.map(({ key }) => key.split("\0")[1])).toEqual(["state", "state"]);
  });

  it("does not block in cycles", async () => {
    const domain = domainOver(memoryStore());
    expect(await domain.invoke(ask("counter", "a", "around", { to: "b", depth: 5 }))).toEqual({
      ok: true,
      value: 5,
    });
    expect(await domain.invoke(ask("counter", "c", "around", { to: "c", depth: 4 }))).toEqual({
      ok: true,
      value: 4,
    });
    expect(await domain.stateOf(key("a"))).toMatchObject({ count: 3 + 3 });
    expect(await domain.stateOf(key("b"))).toMatchObject({ count: 3 + 2 });
    expect(await domain.stateOf(key("c"))).toMatchObject({ count: 9 });
  });

  it("undoes turns that fail (turn, invariant 1)", async () => {
    const domain = domainOver(memoryStore());
    await domain.invoke(ask("counter", "a", "add", { by: 1 }));
    const failed = { ok: false, error: { code: "HANDLER_FAILED", message: "no" } };
    expect(await domain.invoke(ask("counter", "a", "fail", undefined))).toEqual(failed);
    expect(await domain.invoke(ask("counter", "a", "spoil", undefined))).toMatchObject({ ok: false });
    expect(await domain.invoke(ask("counter", "a", "get", undefined))).toEqual({ ok: true, value: 1 });
    expect(await domain.stateOf(key("other"))).toBeUndefined();
    expect(await domain.invoke(ask("counter", "a", "callBroken", undefined))).toEqual({
      ok: true,
      value: { failure: failed.error, carry: 7 },
    });
    const unknown = await domain.invoke(ask("counter", "a", "callUnknown", undefined));
    expect(unknown).toMatchObject({ ok: false, error: { code: "FUNCTION_UNKNOWN" } });
  });

  it("sends, at once and later, and keeps the timer that was set last", async () => {
    const domain = domainOver(memoryStore());
    await domain.invoke(ask("counter", "a", "tell", { to: "b", by: 3 }));
    expect(await domain.stateOf(key("b"))).toMatchObject({ count: 3 });
    await sleep(60);
    expect(await domain.stateOf(key("b"))).toMatchObject({ count: 6 });
    expect(await domain.stateOf(key("a"))).toMatchObject({ count: 200 });
    expect(domain.statistics()).toMatchObject({ timers: 0, inbox: 0 });
  });

  it("keeps timers over a restart", async () => {
    const store = memoryStore();
    const first = domainOver(store);
    await first.send(ask("counter", "a", "add", { by: 3 }), { delay_ms: 30 });
    await first.close();
    const second = domainOver(store);
    expect(await second.stateOf(key("a"))).toBeUndefined();
    await sleep(60);
    expect(await second.stateOf(key("a"))).toMatchObject({ count: 3 });
  });

  it("runs a request of a session once, and repeats its reply", async () => {
    const store = memoryStore();
    const first = domainOver(store);
    const session = await first.openSession(60_000);
    const request = ask("counter", "a", "add", { by: 1 });
    const numbered = (sequence: number, acknowledged = 0) => ({
      session: { session, sequence, acknowledged },
    });
    expect(await first.invoke(request, numbered(1))).toEqual({ ok: true, value: 1 });
    expect(await first.invoke(request, numbered(1))).toEqual({ ok: true, value: 1 });
    expect(await first.invoke(request, numbered(3))).toEqual({ ok: true, value: 2 });
    await expect(first.invoke(ask("counter", "a", "add", { by: 9 }), numbered(3))).rejects.toMatchObject({
      code: "REQUEST_CONFLICT",
    });
    await first.close();
    const second = domainOver(store);
    expect(await second.invoke(request, numbered(3))).toEqual({ ok: true, value: 2 });
    expect(await second.invoke(request, numbered(4, 3))).toEqual({ ok: true, value: 3 });
    await expect(second.invoke(request, numbered(3))).rejects.toMatchObject({ code: "REQUEST_ACKNOWLEDGED" });
    const replies = [...store.range("t\0reply\0", "t\0reply\0\u{10ffff}")];
    expect(replies.length).toBe(1);
    await expect(
      second.invoke(request, { session: { session: "gone", sequence: 1, acknowledged: 0 } }),
    ).rejects.toMatchObject({ code: "SESSION_UNKNOWN" });
  });

  it("runs what has an idempotency key once", async () => {
    const domain = domainOver(memoryStore());
    const request = ask("counter", "a", "add", { by: 1 });
    const outcomes = await Promise.all([1, 2, 3].map(() => domain.invoke(request, { idempotencyKey: "k" })));
    expect(outcomes).toEqual(Array(3).fill({ ok: true, value: 1 }));
    expect(await domain.invoke(request, { idempotencyKey: "other" })).toEqual({ ok: true, value: 2 });
  });

  it("delivers events from a position on, in order (events, invariant 2)", async () => {
    const store = memoryStore();
    const first = domainOver(store);
    for (let event = 1; event <= 6; event++) await first.invoke(ask("counter", "a", "publish", event * 10));
    await first.close();
    const second = domainOver(store);
    const all: unknown[] = [];
    const some: unknown[] = [];
    const coming: unknown[] = [];
    const end = second.subscribe(key("a"), 1, (event) => all.push(event));
    second.subscribe(key("a"), 5, ({ event }) => some.push(event));
    second.subscribe(key("a"), undefined, ({ event }) => coming.push(event));
    await second.invoke(ask("counter", "a", "publish", 70));
    end();
    await second.invoke(ask("counter", "a", "publish", 80));
    expect(all).toEqual([3, 4, 5, 6, 7].map((position) => ({ position, event: position * 10 })));
    expect(some).toEqual([50, 60, 70, 80]);
    expect(coming).toEqual([70, 80]);
  });

  it("forgets a key's state but not its turns", async () => {
    const store = memoryStore();
    const domain = domainOver(store);
    await domain.invoke(ask("counter", "a", "add", { by: 1 }));
    await domain.invoke(ask("counter", "a", "forget", undefined));
    expect(await domain.stateOf(key("a"))).toBeUndefined();
    expect(domain.keys("counter")).toEqual([]);
    await domain.close();
    const second = domainOver(store);
    expect(await second.invoke(ask("counter", "a", "add", { by: 4 }))).toEqual({ ok: true, value: 4 });
  });

  it("tells when a commit fails, and goes on as if nothing had happened (invariant 4)", async () => {
    const store = watchedStore();
    const domain = domainOver(store);
    await domain.invoke(ask("counter", "a", "add", { by: 1 }));
    store.failing = true;
    await expect(domain.invoke(ask("counter", "a", "add", { by: 1 }))).rejects.toMatchObject({
      code: "COMMIT_FAILED",
    });
    expect(await domain.stateOf(key("a"))).toMatchObject({ count: 1 });
    await expect(domain.invoke(ask("counter", "a", "add", { by: 1 }))).rejects.toMatchObject({
      code: "COMMIT_FAILED",
    });
    store.failing = false;
    await sleep(250);
    expect(await domain.invoke(ask("counter", "a", "add", { by: 1 }))).toEqual({ ok: true, value: 2 });
  });

  it("holds replies back until the commit is durable (ledger, invariant 4)", async () => {
    const store = memoryStore();
    let complete: (() => void) | undefined;
    const slow: Store = {
      ...store,
      commit: async (batch) => {
        await new Promise<void>((resolve) => {
          complete = resolve;
        });
        await store.commit(batch);
      },
    };
    const domain = domainOver(slow, { functions: [] });
    domain.deploy([counter]);
    let replied = false;
    const invoked = domain.invoke(ask("counter", "a", "add", { by: 1 })).then(() => {
      replied = true;
    });
    await sleep(5);
    // Reading what is not durable must wait as well.
    let read = false;
    void domain.invoke(ask("counter", "a", "get", undefined)).then(() => {
      read = true;
    });
    await sleep(5);
    expect([replied, read]).toEqual([false, false]);
    complete?.();
    await invoked;
    await sleep(5);
    expect(read).toBe(true);
  });

  it("keeps what is sent to a function until it is in service", async () => {
    const store = memoryStore();
    const refusing = domainOver(store, { functions: [] });
    await expect(refusing.send(ask("counter", "a", "add", { by: 1 }))).rejects.toMatchObject({
      code: "FUNCTION_UNKNOWN",
    });
    await refusing.close();
    const domain = domainOver(store, { functions: [], awaits: (name) => name === "counter" });
    await domain.send(ask("counter", "a", "add", { by: 1 }));
    await domain.close();
    const second = domainOver(store);
    await sleep(5);
    expect(await second.stateOf(key("a"))).toMatchObject({ count: 1 });
  });

  it("takes over what a flow committed in the change that removes it", async () => {
    const store = watchedStore();
    await store.commit([{ key: "f\0flow\0outbox\x001", value: Uint8Array.of(1) }]);
    const domain = domainOver(store);
    const sender = { function: "flow", key: "sink" };
    const invocation = ask("counter", "a", "add", { by: 7 });
    await domain.admit([{ id: "flow#1.sink.0", sender, invocation }], ["f\0flow\0outbox\x001"]);
    const keysWritten = store.batches
      .at(-1)
      ?.map(({ key, value }) => [key.split("\0")[1], value !== undefined]);
    expect(keysWritten).toContainEqual(["flow", false]);
    expect(keysWritten).toContainEqual(["state", true]);
    expect(await domain.stateOf(key("a"))).toMatchObject({ count: 7 });
  });

  it("appends to the sources of flows in the change of the turn, and refuses what they refuse", async () => {
    const store = watchedStore();
    let settled = 0;
    let position = 0;
    const domain = domainOver(store, {
      sources: {
        encode(flow, _, message) {
          if (flow !== "known") throw new NeuroranError("FLOW_UNKNOWN", flow);
          return Uint8Array.of(message as number);
        },
        append: (flow, source, value) => ({
          writes: [{ key: `f\0${flow}\0source\0${source}\0${position++}`, value }],
          settled: () => settled++,
        }),
      },
    });
    expect(await domain.invoke(ask("counter", "a", "append", { flow: "known", message: 5 }))).toMatchObject({
      ok: true,
    });
    expect(store.batches.at(-1)?.map(({ key }) => key)).toContain("f\0known\0source\0in\x000");
    expect(settled).toBe(1);
    const refused = await domain.invoke(ask("counter", "a", "append", { flow: "other", message: 5 }));
    expect(refused).toMatchObject({ ok: false, error: { code: "FLOW_UNKNOWN" } });
    expect(await domain.stateOf(key("a"))).toMatchObject({ count: 1 });
  });

  it("evicts keys and finds them again", async () => {
    const domain = domainOver(memoryStore(), { cache_bytes: 20_000 });
    for (let index = 0; index < 500; index++)
      await domain.invoke(ask("counter", `k${index}`, "add", { by: index }));
    expect(domain.statistics().cache_bytes).toBeLessThan(20_000);
    for (let index = 0; index < 500; index += 7) {
      expect(await domain.invoke(ask("counter", `k${index}`, "get", undefined))).toEqual({
        ok: true,
        value: index,
      });
    }
  });
});
