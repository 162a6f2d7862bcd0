import { createServer, type Server, type Socket } from "node:net";
import { afterAll, describe, expect, expectTypeOf, it } from "vitest";
import { counter } from "../../test/server/counter.js";
import { memoryDomain } from "../../test/server/memory-domain.js";
import { startTestNode } from "../../test/server/test-node.js";
import { InputError, NeuroranError } from "../errors.js";
import { createClient } from "./client.js";
import { OutcomeUnknownError } from "./client-session.js";

const node = await startTestNode();
const { url, token } = node;
const plain = createClient({ url, token });
afterAll(() => plain.close());

/** Where a connection is cut: before the request goes on to the node, or before the reply comes back. */
type Cut = "request" | "reply" | undefined;

/** Stands before a node and cuts connections; `next` says so of each request. */
async function cuttingProxy(
  target: string,
  next: (request: number) => Cut,
): Promise<{ url: string; server: Server }> {
  const { connect } = await import("node:net");
  let requests = 0;
  const server = createServer((near: Socket) => {
    const far = connect(Number(new URL(target).port), "127.0.0.1");
    let cut: Cut;
    for (const one of [near, far]) one.on("error", () => {});
    near.on("data", (bytes) => {
      // Requests of these tests come in one piece.
      cut = next(++requests);
      if (cut === "request") near.destroy();
      else far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (cut === "reply") near.destroy();
      else near.write(bytes);
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  afterAll(() => new Promise<void>((done) => server.close(() => done())));
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, server };
}

describe("a client", () => {
  it("calls as the declaration says", async () => {
    const reply = plain.function(counter).at("typed").add({ by: 2 });
    expectTypeOf(reply).toEqualTypeOf<Promise<number>>();
    expect(await reply).toBe(2);
    // @ts-expect-error the request has no such field
    await expect(plain.function(counter).at("typed").add({ to: 2 })).rejects.toThrow(InputError);
    expect(await plain.invoke(counter.at("typed").add({ by: 1 }))).toBe(3);
    expect(await plain.function(counter).at("typed").flood({ events: 0, bytes: 0 })).toBeUndefined();
  });

  it("calls by name, whatever the key", async () => {
    for (const key of ["a/b", ".", "..", "%2e", "ü?#", "a b"]) {
      expect(await plain.function("counter").at(key).add!({ by: 4 })).toBe(4);
      expect(await node.domain.stateOf({ function: "counter", key })).toEqual({ count: 4 });
    }
  });

  it("is awaited without calling", async () => {
    const calls = plain.function(counter).at("awaited");
    expect(await calls).toBe(calls);
  });

  it("sends, with a delay and an idempotency key", async () => {
    const address = { function: "counter", key: "sent" };
    await plain.send(counter.at("sent").add({ by: 1 }), { delay_ms: 0, idempotencyKey: "one" });
    await plain.send(counter.at("sent").add({ by: 1 }), { delay_ms: 0, idempotencyKey: "one" });
    expect(await node.domain.stateOf(address)).toEqual({ count: 1 });
  });

  it("throws what the node says", async () => {
    const of = (call: Promise<unknown>): Promise<NeuroranError> =>
      call.then(
        () => expect.fail("it did not throw"),
        (error: NeuroranError) => error,
      );
    expect(await of(plain.function(counter).at("x").fail(undefined))).toMatchObject({
      code: "COUNTER_BROKEN",
      message: "it does not count today",
    });
    expect((await of(plain.function("other").at("x").add!())).code).toBe("FUNCTION_UNKNOWN");
    const refused = await of(plain.function("counter").at("x").add!({ by: "1" }));
    expect(refused).toBeInstanceOf(InputError);
    expect(refused).toMatchObject({ field: "body.by", value: "1" });
    const stranger = createClient({ url, token: "wrong" });
    expect((await of(stranger.function(counter).at("x").add({ by: 1 }))).code).toBe("UNAUTHORISED");
    const nobody = createClient({ url: "http://127.0.0.1:1", token, patience_ms: 50 });
    expect((await of(nobody.function(counter).at("x").add({ by: 1 }))).code).toBe("NODE_UNREACHABLE");
    for (const bad of ["", "localhost", "https://localhost", "ftp://x"]) {
      expect(() => createClient({ url: bad, token })).toThrow(InputError);
    }
  });

  it("without a session never repeats what was sent", async () => {
    for (const cut of ["request", "reply"] as const) {
      const proxy = await cuttingProxy(url, () => cut);
      const client = createClient({ url: proxy.url, token });
      const call = client.function(counter).at(`unknown-${cut}`).add({ by: 1 });
      await expect(call).rejects.toThrow(OutcomeUnknownError);
      await expect(call).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
      const state = await node.domain.stateOf({ function: "counter", key: `unknown-${cut}` });
      expect(state).toEqual(cut === "reply" ? { count: 1 } : undefined);
      client.close();
    }
  });

  it("with a session counts once, wherever connections break", async () => {
    const cuts: Cut[] = ["request", "reply", undefined, "reply", "reply", "request", undefined];
    const proxy = await cuttingProxy(url, (request) => cuts[request % cuts.length]);
    const client = createClient({ url: proxy.url, token, session: true });
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => client.function(counter).at("once").add({ by: 1 })),
    );
    expect(replies.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(await client.function(counter).at("once").add({ by: 0 })).toBe(100);
    client.close();
  });

  it("with a session gives up when its patience ends, and says what it knows", async () => {
    const proxy = await cuttingProxy(url, (request) => (request > 1 ? "reply" : undefined));
    const client = createClient({ url: proxy.url, token, session: true, patience_ms: 100 });
    await expect(client.function(counter).at("lost").add({ by: 1 })).rejects.toThrow(OutcomeUnknownError);
    client.close();
  });

  it("acknowledges what has arrived, in order without gaps", async () => {
    const acknowledged: [number, number][] = [];
    const domain = memoryDomain();
    let release = (): void => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const other = await startTestNode({
      ...domain,
      async invoke(invocation, identification) {
        const { session } = identification as { session: { sequence: number; acknowledged: number } };
        acknowledged.push([session.sequence, session.acknowledged]);
        if (session.sequence === 2) await held;
        return domain.invoke(invocation, identification);
      },
    });
    const client = createClient({ url: other.url, token, session: true });
    const add = () => client.function(counter).at("a").add({ by: 1 });
    await add();
    const second = add();
    await add();
    await add();
    release();
    await second;
    await add();
    client.close();
    expect(acknowledged).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 4],
    ]);
  });

  it("opens another session when its own is forgotten, for what has not been sent before", async () => {
    const domain = memoryDomain();
    let forgotten = new Set<string>();
    const other = await startTestNode({
      ...domain,
      invoke(invocation, identification) {
        const { session } = identification as { session: { session: string } };
        if (forgotten.has(session.session)) {
          return Promise.reject(new NeuroranError("SESSION_UNKNOWN", "forgotten"));
        }
        forgotten = new Set([session.session]);
        return domain.invoke(invocation, identification);
      },
    });
    const client = createClient({ url: other.url, token, session: true });
    for (let count = 1; count <= 3; count++) {
      expect(await client.function(counter).at("a").add({ by: 1 })).toBe(count);
    }
    client.close();
  });

  it("tries again when the node is overloaded or down, within a session", async () => {
    const domain = memoryDomain();
    let refusals = 3;
    const other = await startTestNode({
      ...domain,
      invoke: (invocation, identification) =>
        refusals-- > 0
          ? Promise.reject(new NeuroranError("OVERLOADED", "later"))
          : domain.invoke(invocation, identification),
    });
    const client = createClient({ url: other.url, token, session: true });
    expect(await client.function(counter).at("a").add({ by: 1 })).toBe(1);
    // A handler that says so has run.
    const began = performance.now();
    await expect(client.function(counter).at("a").refuse(undefined)).rejects.toMatchObject({
      code: "OVERLOADED",
    });
    expect(performance.now() - began).toBeLessThan(5000);
    client.close();
  });
});

describe("a subscription", () => {
  const address = { function: "counter", key: "events" };

  it("gives events from a position on, and goes on with what comes", async () => {
    for (let i = 0; i < 5; i++) await plain.invoke(counter.at("events").add({ by: 1 }));
    const seen: number[] = [];
    for await (const { position, event } of plain.subscribe(address, { from: 3 })) {
      expect(event).toEqual({ count: position });
      seen.push(position);
      if (position === 5) await plain.invoke(counter.at("events").add({ by: 1 }));
      if (position === 6) break;
    }
    expect(seen).toEqual([3, 4, 5, 6]);
  });

  it("gives each event once and in order over broken connections", async () => {
    const key = "broken";
    const total = 2000;
    for (let i = 0; i < total; i++) await node.domain.invoke(counter.at(key).add({ by: 1 }));
    const { connect } = await import("node:net");
    // Cuts each connection after some bytes, in the midst of events.
    let connections = 0;
    const server = createServer((near) => {
      const far = connect(Number(new URL(url).port), "127.0.0.1");
      let left = 3000 + 977 * ++connections;
      for (const one of [near, far]) one.on("error", () => {});
      near.pipe(far);
      far.on("data", (bytes) => {
        near.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left <= 0) near.end();
      });
      near.on("close", () => far.destroy());
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const client = createClient({
      url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
      token,
    });
    const seen: number[] = [];
    for await (const { position } of client.subscribe({ function: "counter", key }, { from: 1 })) {
      seen.push(position);
      if (seen.length === total) break;
    }
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(connections).toBeGreaterThan(3);
    client.close();
    server.close();
  });

  it("ends when it is told to, and refuses what is unknown", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    for await (const _ of plain.subscribe(address, { signal: controller.signal })) expect.fail("no event");
    const unknown = plain.subscribe({ function: "other", key: "a" });
    await expect(unknown[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "FUNCTION_UNKNOWN" });
  });
});
