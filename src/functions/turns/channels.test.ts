import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bus, memoryStore, type Store, systemClock } from "../../bus/index.js";
import { field, stateSchema } from "../schema/index.js";
import { keyGroupOf } from "./address.js";
import { createCommitDomain } from "./domain.js";
import { kindPrefix } from "./entries.js";
import { frameOf } from "./frame.js";
import { deserialise, serialise } from "./serialisable.js";
import { handler, reference, statefulFunction } from "./stateful-function.js";

const anything = { request: z.any(), reply: z.any() };
const counter = statefulFunction("counter", stateSchema({ count: field.float64() }), {
  add: handler(anything, ({ state }, by) => {
    state.count += by as number;
    return state.count;
  }),
});
const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };

/** A domain whose bus is in the test's hands. */
function setUp() {
  const store: Store = memoryStore();
  const sent: unknown[] = [];
  let bring: (from: string, frame: Uint8Array) => void = () => {};
  const bus: Bus = {
    node: "n1",
    send: (_, frame) => sent.push(deserialise(frame)),
    receive(then) {
      bring = then;
    },
  };
  const domain = createCommitDomain({
    store,
    bus,
    clock: systemClock,
    uniqueId: () => "id",
    cipherOf: () => plain,
    functions: [counter],
  });
  return { domain, store, sent, receive: (frame: unknown) => bring("n2", serialise(frame)), bring };
}

const to = { function: "counter", group: keyGroupOf("a") };
const from = { function: "caller", group: 0 };
const message = {
  ...reference("counter", "a", "add", 1),
  kind: "request",
  id: "caller/x#1.0",
  replyTo: { kind: "key", address: { function: "caller", key: "x" } },
};
const frame = { kind: "message", from, to, number: 1, message };
const reply = {
  ...{ kind: "reply", id: "counter/a#1.0", target: { function: "counter", key: "a" } },
  to: { kind: "session", address: { function: "session", key: "s" }, sequence: 1 },
  outcome: { ok: false, error: { code: "A", message: "b" } },
};

/** All values that differ from `value` in one member, at any depth, which is something else. */
function* spoilt(value: unknown, others: readonly unknown[]): Iterable<unknown> {
  yield* others;
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    for (const other of spoilt(member, others)) yield { ...value, [name]: other };
  }
}

describe("channels", () => {
  it("take what is a frame, and run it once", async () => {
    const { domain, sent, receive } = setUp();
    receive(frame);
    receive(frame);
    await domain.close();
    expect(await domain.stateOf({ function: "counter", key: "a" })).toEqual({ count: 1 });
    expect(sent).toContainEqual({ kind: "accepted", from, to, number: 1 });
    for (const good of [frame, { ...frame, message: reply }]) expect(frameOf(serialise(good))).toEqual(good);
  });

  it("never throw, whatever comes, and go on", async () => {
    const { domain, bring, receive } = setUp();
    const others = [undefined, null, -1, Number.NaN, "", "a\0b", 1e300, {}, [], new Map()];
    for (const good of [frame, { ...frame, message: reply }, { kind: "accepted", from, to, number: 1 }]) {
      for (const bad of spoilt(good, others)) {
        receive({ ...Object(bad), number: (bad as typeof frame | undefined)?.number ?? 0 });
        receive(bad);
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => bring("n2", bytes)),
      { seed: 44, numRuns: 2000 },
    );
    expect(await domain.invoke(reference("counter", "b", "add", 1))).toEqual({ ok: true, value: 1 });
    await domain.close();
    expect(domain.statistics()).toMatchObject({ quarantined: 0 });
  });

  it("accept no message for another group than that of its channel", async () => {
    const { domain, store, receive } = setUp();
    receive({ ...frame, message: { ...message, target: { function: "counter", key: "b" } } });
    await domain.close();
    const received = kindPrefix("received");
    expect([...store.range(received, `${received}\u{ffff}`)]).toEqual([]);
  });
});
