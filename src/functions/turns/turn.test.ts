import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { field, stateSchema } from "../schema/index.js";
import type { Call, TurnContext } from "./declaration.js";
import { call, continuation, handler, reference, statefulFunction } from "./stateful-function.js";
import { createTransientDomain, type TransientDomain } from "./transient-domain.js";

const state = stateSchema({
  count: field.float64(),
  gain: field.float32(),
  taps: field.tensor("float32", [2]),
  users: field.map("text", field.record({ visits: field.uint32() })),
});
type Context = TurnContext<typeof state>;

const anything = { request: z.any(), reply: z.any() };
const kept: { context?: Context; state?: Context["state"] } = {};

function never(): never {
  throw new Error("this must not run");
}

const probe = statefulFunction("probe", state, {
  look: handler(anything, ({ state }) => ({ ...state, users: [...state.users] })),
  echo: handler(anything, (_, body) => body),
  add: handler(anything, ({ state }, by) => {
    state.count += by as number;
    return state.count;
  }),
  keep: handler(anything, (context) => {
    kept.context = context;
    kept.state = context.state;
  }),
  useKept: handler(anything, () => kept.context!.send(reference("probe", "other", "add", 1))),
  share: handler(anything, ({ state }, body: { user: { visits: number } }) => {
    state.users.set("one", body.user).set("two", body.user);
  }),
  visit: handler(anything, ({ state }) => {
    state.users.get("one")!.visits++;
  }),
  setGain: handler(anything, ({ state }, gain) => {
    state.gain = gain as number;
    return state.gain;
  }),
  setGetter: handler(anything, ({ state }) => {
    let reads = 0;
    Object.defineProperty(state, "count", { get: () => ++reads, enumerable: true, configurable: true });
  }),
  promise: handler(anything, async (context) => {
    context.state.count = 1e6;
    await Promise.resolve();
    context.send(reference("probe", "other", "add", 1));
  }),
  // biome-ignore lint/suspicious/noThenProperty: that is what it is about
  thenable: handler(anything, () => ({ then: (resolve: (value: number) => void) => resolve(1) })),
  parseThrows: handler({ request: z.any().transform(() => never()), reply: z.any() }, never),
  parseAsynchronous: handler({ request: z.any().refine(async () => true), reply: z.any() }, never),
  throwNothing: handler(anything, () => {
    throw Object.create(null);
  }),
  sendWhatever: handler(anything, (context, { target, to, delay_ms }) => {
    context.state.count++;
    const options = delay_ms === undefined ? {} : { delay_ms };
    context.send({ target, handler: to, body: undefined }, options);
  }),
  setWhatever: handler(anything, (context, { to, delay_ms }) => {
    context.setTimer("timer", delay_ms, to);
  }),
  callOnTo: handler(anything, (_, onReply) =>
    call(reference("probe", "called", "echo", "not a number"), { onReply: onReply as string }),
  ),
  onlyNumbers: handler({ request: z.number(), reply: z.any() }, (_, number) => ({ number })),
  taken: continuation((_, reply) => ({ taken: reply })),
});

let domain: TransientDomain;
const fresh = (): void => {
  domain = createTransientDomain([probe]);
};
const ask = (name: string, body?: unknown): Promise<unknown> =>
  domain.invoke(reference("probe", "a", name, body));
const looked = async () => (await ask("look")) as { count: number; gain: number };
afterEach(() => domain.close());

describe("turns", () => {
  it("see what was stored, not what another turn kept of the state (active keys, invariant 1)", async () => {
    fresh();
    await ask("add", 1);
    await ask("keep");
    kept.state!.count = 77;
    kept.state!.taps[0] = 5;
    expect(await looked()).toMatchObject({ count: 1, taps: Float32Array.of(0, 0) });
    const user = { visits: 1 };
    await ask("share", { user });
    user.visits = 50;
    await ask("visit");
    expect(await looked()).toMatchObject({
      users: [
        ["one", { visits: 2 }],
        ["two", { visits: 1 }],
      ],
    });
  });

  it("see numbers as they were stored", async () => {
    fresh();
    await ask("setGain", 0.1);
    expect((await looked()).gain).toBe(Math.fround(0.1));
    await ask("setGetter");
    const [first, second] = [await looked(), await looked()];
    expect(first.count).toBe(second.count);
  });

  it("refuse a context that is not theirs (invariant 3)", async () => {
    fresh();
    await ask("keep");
    await expect(ask("useKept")).rejects.toMatchObject({ code: "TURN_ENDED" });
    expect(() => kept.context!.forget()).toThrow(/is over/);
  });

  it("refuse promises, and undo what came before them", async () => {
    fresh();
    await expect(ask("promise")).rejects.toMatchObject({ code: "HANDLER_ASYNCHRONOUS" });
    await expect(ask("thenable")).rejects.toMatchObject({ code: "HANDLER_ASYNCHRONOUS" });
    expect((await looked()).count).toBe(0);
  });

  it("fail where schemas throw, and nothing but them", async () => {
    fresh();
    for (const name of ["parseThrows", "parseAsynchronous", "throwNothing"]) {
      const [failed, other] = await Promise.allSettled([ask(name, 1), ask("add", 1)]);
      expect(failed).toMatchObject({ status: "rejected", reason: { code: "HANDLER_FAILED" } });
      expect(other).toMatchObject({ status: "fulfilled" });
    }
  });

  it("take no reply for a call that only looks like one", async () => {
    fresh();
    const forged = { kind: "call", invocation: reference("probe", "b", "add", 5), carry: undefined };
    expect(await ask("echo", forged)).toEqual(forged);
    expect(await domain.stateOf({ function: "probe", key: "b" })).toBeUndefined();
    const real: Call = call(reference("probe", "b", "add", 5));
    expect(await ask("echo", real)).toMatchObject({ kind: "call" });
    expect(await domain.stateOf({ function: "probe", key: "b" })).toBeUndefined();
  });

  it("hand replies to continuations only, as nothing else takes what no schema checked", async () => {
    fresh();
    expect(await ask("callOnTo", "taken")).toEqual({ taken: "not a number" });
    for (const other of ["onlyNumbers", "missing"]) {
      await expect(ask("callOnTo", other)).rejects.toMatchObject({ code: "HANDLER_UNKNOWN" });
    }
  });

  it.each([
    { target: { function: "a\0b", key: "k" }, to: "add" },
    { target: { function: "x".repeat(5000), key: "k" }, to: "add" },
    { target: { function: "probe", key: "" }, to: "add" },
    { target: { function: "probe", key: "k" }, to: { a: 1 } },
    { target: { function: "probe", key: "k" }, to: "add", delay_ms: "5" },
    { target: { function: "probe", key: "k" }, to: "add", delay_ms: 5n },
    { target: { function: "probe", key: "k" }, to: "add", delay_ms: Number.NaN },
  ])("refuse what could not be stored, before anything else is lost: case %#", async (body) => {
    fresh();
    const [failed, other] = await Promise.allSettled([ask("sendWhatever", body), ask("add", 1)]);
    expect(failed).toMatchObject({ status: "rejected" });
    expect(other).toMatchObject({ status: "fulfilled", value: 1 });
    if (body.delay_ms !== undefined || typeof body.to !== "string") {
      await expect(ask("setWhatever", { delay_ms: 0, ...body })).rejects.toThrow();
    }
    expect([...domain.store.range("t\0inbox", "t\0inbox\u{ffff}")]).toEqual([]);
  });
});
