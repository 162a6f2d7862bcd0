import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryDomain } from "../../test/server/memory-domain.js";
import { post, rawConnection } from "../../test/server/raw-connection.js";
import { startTestNode } from "../../test/server/test-node.js";

const node = await startTestNode();
const { url, token } = node;
const headers = { authorization: `Bearer ${token}` };
const path = "/functions/counter/a/add";

async function call(
  target: string,
  body?: string | Uint8Array<ArrayBuffer>,
  more: Record<string, string> = {},
): Promise<{ status: number; body: unknown; text: string }> {
  const response = await fetch(`${url}${target}`, {
    method: "POST",
    headers: { ...headers, ...more },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text === "" ? undefined : JSON.parse(text) };
}

/** The node still serves, and counts right: whatever came before broke nothing. */
async function expectHealthy(): Promise<void> {
  const key = `healthy-${Math.random()}`;
  expect((await call(`/functions/counter/${key}/add`, '{"by":1}')).body).toBe(1);
  expect((await call(`/functions/counter/${key}/add`, '{"by":1}')).body).toBe(2);
}

describe("calls", () => {
  it("reply with JSON and its length, 204 where the handler gives nothing", async () => {
    const response = await fetch(`${url}/functions/counter/x/add`, {
      method: "POST",
      headers,
      body: '{"by":2.5}',
    });
    expect([response.status, await response.json()]).toEqual([200, 2.5]);
    expect(response.headers.get("content-length")).toBe("3");
    expect(await call("/functions/counter/x/flood", '{"events":0,"bytes":0}')).toMatchObject({
      status: 204,
      text: "",
    });
  });

  it("write what JSON lacks", async () => {
    expect((await call("/functions/counter/x/big")).text).toBe(
      '{"big":"9223372036854775807","list":[1,2],"map":{"__proto__":1}}',
    );
  });

  it("tell a failed handler's code and message", async () => {
    expect(await call("/functions/counter/x/fail")).toMatchObject({
      status: 422,
      body: { code: "COUNTER_BROKEN", message: "it does not count today" },
    });
    expect(await call("/functions/counter/x/refuse")).toMatchObject({
      status: 422,
      body: { code: "OVERLOADED" },
    });
  });

  it("name what exists where it is missing", async () => {
    const cases = [
      ["/functions/other/a/add", "FUNCTION_UNKNOWN", "counter"],
      ["/functions/__proto__/a/add", "FUNCTION_UNKNOWN", "counter"],
      ["/functions/counter/a/constructor", "HANDLER_UNKNOWN", "add, big, fail, flood, refuse"],
      ["/functions/counter/a/__proto__", "HANDLER_UNKNOWN", "add"],
      ["/functions/counter/a/taken", "HANDLER_UNKNOWN", "add"],
      ["/functions/counter/add", "PATH_UNKNOWN", "/functions/{name}/{key}/{handler}"],
      ["/constructor", "PATH_UNKNOWN", "functions, logs, sessions"],
      ["/", "PATH_UNKNOWN", "functions"],
    ] as const;
    for (const [target, code, told] of cases) {
      const { status, body } = await call(target, "{}");
      expect({ target, status, code: (body as { code: string }).code }).toEqual({
        target,
        status: 404,
        code,
      });
      expect((body as { message: string }).message).toContain(told);
    }
  });

  it("refuse bodies with field, value and remedy", async () => {
    const cases: readonly [string | Uint8Array<ArrayBuffer>, string][] = [
      ['{"by":"one"}', "body.by"],
      ["{}", "body.by"],
      ["", "body"],
      ["{", "body"],
      ["[1,", "body"],
      ["[".repeat(200_000), "body"],
      [`${"[".repeat(200_000)}${"]".repeat(200_000)}`, "body"],
      [`{"by":${'{"\\u0061":'.repeat(100_000)}1${"}".repeat(100_000)}}`, "body"],
      [new Uint8Array([0x22, 0xff, 0x22]), "body"],
      ['{"by":1,"__proto__":{"x":1}}', "body.__proto__"],
      ['{"by":1,"a":[{"__\\u0070roto__":1}]}', "body.a.0.__proto__"],
    ];
    for (const [body, field] of cases) {
      const { status, body: problem } = await call(path, body);
      expect(status).toBe(400);
      expect(problem).toMatchObject({ code: "INPUT_INVALID", field });
      expect((problem as { remedy: string }).remedy.length).toBeGreaterThan(3);
    }
    await expectHealthy();
  });

  it("have the handler's schema change the body once", async () => {
    expect((await call("/functions/lenient/a/shout", '"hey"')).body).toBe("hey!");
    expect((await call("/functions/lenient/a/parse", '"41"')).body).toBe(42);
  });

  it("tell what a schema throws as a failure of the handler", async () => {
    for (const [handler, told] of [
      ["break", /the schema is broken/],
      ["wait", /synchronous/],
    ] as const) {
      const { status, body } = await call(`/functions/lenient/a/${handler}`, "1");
      expect(status).toBe(422);
      expect(body).toMatchObject({ code: "HANDLER_FAILED", message: expect.stringMatching(told) });
    }
    await expectHealthy();
  });

  it("refuse bodies that cannot be kept, before others fail with them", async () => {
    const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    expect((await call("/functions/lenient/a/take", deep(100))).body).toBe(true);
    const later = "/functions/lenient/a/take?mode=send&delay=100000";
    for (const [body, field] of [
      [deep(100_000), "body"],
      ['{"a":{"constructor":1,"to\\u004aSON":1}}', "body.a.toJSON"],
    ] as const) {
      const [refused, other] = await Promise.all([call(later, body), call(path, '{"by":1}')]);
      expect(refused).toMatchObject({ status: 400, body: { code: "INPUT_INVALID", field } });
      expect(other.status).toBe(200);
    }
  });

  it("take keys percent-decoded, and refuse what is none", async () => {
    const key = "a/b c%?ü€🙂";
    const target = `/functions/counter/${encodeURIComponent(key)}`;
    await call(`${target}/add`, '{"by":7}');
    expect(await node.domain.stateOf({ function: "counter", key })).toEqual({ count: 7 });
    for (const bad of ["%", "%zz", "%c3", "%ff%fe", "%ed%a0%80", "%00", "a%00b", "", "k".repeat(513)]) {
      const { status, body } = await call(`/functions/counter/${bad}/add`, '{"by":1}');
      expect({ bad, status, code: (body as { code: string }).code }).toEqual({
        bad,
        status: 400,
        code: "INPUT_INVALID",
      });
    }
  });

  it("give the key back to whoever encodes it, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((key) => !key.includes("\0")),
        async (key) => {
          // Not by fetch, which takes dots out of a path.
          const connection = await rawConnection(url);
          connection.write(post(`/functions/counter/${encodeURIComponent(key)}/add`, token, '{"by":1}'));
          expect((await connection.reply()).status).toBe(200);
          connection.socket.destroy();
          expect(await node.domain.stateOf({ function: "counter", key })).toBeDefined();
        },
      ),
      { seed: 4, numRuns: 200 },
    );
  });

  it("are sent without waiting, by query or header; delays are for what is sent", async () => {
    const target = "/functions/counter/sent/add";
    expect(await call(`${target}?mode=send`, '{"by":1}')).toMatchObject({ status: 202, text: "" });
    expect(await call(`${target}?mode=send&delay=1`, '{"by":1}')).toMatchObject({ status: 202 });
    expect(await call(target, '{"by":1}', { prefer: "wait=1, respond-async" })).toMatchObject({
      status: 202,
    });
    // The delay is of a millisecond, and the state is asked for at once.
    await expect.poll(() => node.domain.stateOf({ function: "counter", key: "sent" })).toEqual({ count: 3 });
    for (const [query, field] of [
      ["delay=5", "delay"],
      ["mode=send&delay=-1", "delay"],
      ["mode=send&delay=1e3", "delay"],
      ["mode=later", "mode"],
      ["mode=send&mode=send", "mode"],
      ["sequence=1", "sequence"],
    ]) {
      expect(await call(`${target}?${query}`, '{"by":1}')).toMatchObject({ status: 400, body: { field } });
    }
  });

  it("run once for a session's number, and for an idempotency key", async () => {
    const { session } = (await call("/sessions")).body as { session: string };
    const numbered = {
      "neuroran-session": session,
      "neuroran-sequence": "1",
      "neuroran-acknowledged": "0",
    };
    const target = "/functions/counter/once/add";
    for (const identified of [numbered, { "idempotency-key": "k1" }]) {
      const first = await call(target, '{"by":1}', identified);
      expect(await call(target, '{"by":1}', identified)).toEqual(first);
      expect(await call(target, '{"by":2}', identified)).toMatchObject({ status: 409 });
    }
    expect(await call(target, '{"by":1}', { ...numbered, "neuroran-session": "other" })).toMatchObject({
      status: 410,
      body: { code: "SESSION_UNKNOWN" },
    });
    for (const [bad, field] of [
      [{ "neuroran-session": session }, "neuroran-sequence"],
      [{ ...numbered, "neuroran-sequence": "0" }, "neuroran-sequence"],
      [{ ...numbered, "neuroran-sequence": "x" }, "neuroran-sequence"],
      [{ ...numbered, "neuroran-acknowledged": "1" }, "neuroran-acknowledged"],
      [{ ...numbered, "idempotency-key": "k" }, "idempotency-key"],
      [{ "idempotency-key": "" }, "idempotency-key"],
    ] as const) {
      expect(await call(target, '{"by":1}', bad as Record<string, string>)).toMatchObject({
        status: 400,
        body: { field },
      });
    }
    expect(await node.domain.stateOf({ function: "counter", key: "once" })).toEqual({ count: 2 });
    expect(await call("/sessions", '{"timeToLive_ms":1}')).toMatchObject({
      status: 400,
      body: { field: "body.timeToLive_ms" },
    });
  });
});

describe("authorisation", () => {
  it("is asked of every request, with the token of the node only", async () => {
    for (const authorization of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      `Basic ${token}`,
      token,
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
    ]) {
      for (const target of [path, "/functions", "/nowhere"]) {
        const response = await fetch(`${url}${target}`, {
          method: "POST",
          headers: authorization === undefined ? {} : { authorization },
          body: '{"by":1}',
        });
        expect([authorization, response.status]).toEqual([authorization, 401]);
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
      }
    }
    expect((await call(path, '{"by":0}', { authorization: `bearer ${token}` })).status).toBe(200);
  });

  it("holds for a connection only as long as the header stays the same", async () => {
    const connection = await rawConnection(url);
    for (const [given, status] of [
      [token, 200],
      [token, 200],
      ["wrong", 401],
      [token, 200],
    ] as const) {
      connection.write(post(path, given, '{"by":0}'));
      expect((await connection.reply()).status).toBe(status);
    }
    connection.socket.destroy();
  });
});

describe("connections", () => {
  it("get the replies of pipelined requests in order", async () => {
    const connection = await rawConnection(url);
    const body = '{"by":1}';
    connection.write(post("/functions/counter/pipe/add", token, body).repeat(500));
    connection.write(post("/functions/counter/pipe/nowhere", token, body));
    for (let count = 1; count <= 500; count++) expect((await connection.reply()).body).toBe(String(count));
    expect((await connection.reply()).status).toBe(404);
    connection.socket.destroy();
  });

  it("that are closed half get the reply of what they sent", async () => {
    const connection = await rawConnection(url);
    connection.socket.end(post("/functions/counter/half/add", token, '{"by":3}'));
    expect((await connection.reply()).body).toBe("3");
    expect(await connection.ended()).toBe("");
  });

  it("may send a body byte by byte, and in chunks", async () => {
    const connection = await rawConnection(url);
    for (const byte of post("/functions/counter/slow/add", token, '{"by":1}')) {
      connection.write(byte);
      await new Promise((done) => setImmediate(done));
    }
    expect((await connection.reply()).body).toBe("1");
    connection.write(
      `POST /functions/counter/slow/add HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"by\r\n4\r\n":1}\r\n0\r\n\r\n`,
    );
    expect((await connection.reply()).body).toBe("2");
    connection.socket.destroy();
  });

  it("that break off in a body run nothing", async () => {
    const connection = await rawConnection(url);
    const whole = post("/functions/counter/broken/add", token, '{"by":1}');
    connection.write(whole.slice(0, -1));
    await new Promise((done) => setTimeout(done, 50));
    connection.socket.destroy();
    await expectHealthy();
    expect(await node.domain.stateOf({ function: "counter", key: "broken" })).toBeUndefined();
  });

  it("with a body above the limit get 413, and serve on", async () => {
    const connection = await rawConnection(url);
    const huge = 5 * 2 ** 20;
    connection.write(post(path, token, " ".repeat(huge)));
    expect((await connection.reply()).status).toBe(413);
    connection.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n${huge.toString(16)}\r\n${" ".repeat(huge)}\r\n0\r\n\r\n`,
    );
    expect((await connection.reply()).status).toBe(413);
    connection.write(post(path, token, '{"by":0}'));
    expect((await connection.reply()).status).toBe(200);
    connection.socket.destroy();
  });

  it("that do not speak HTTP are refused and ended", async () => {
    for (const text of [
      "\r\n\r\nhello\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nx: ${"y".repeat(100_000)}\r\n\r\n`,
      "\u0016\u0003\u0001\u0002\u0000",
    ]) {
      const connection = await rawConnection(url);
      connection.write(text);
      expect(await connection.ended()).toMatch(/^HTTP\/1\.1 4\d\d /);
      connection.socket.destroy();
    }
    await expectHealthy();
  });

  it("may write anything without harm", async () => {
    const good = post("/functions/counter/fuzz/add", token, '{"by":1}');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const bytes = Buffer.from(good, "latin1");
          for (const [at, value] of changes) bytes[at] = value;
          const connection = await rawConnection(url);
          connection.socket.end(bytes);
          await connection.ended();
          connection.socket.destroy();
        },
      ),
      { seed: 7, numRuns: 300 },
    );
    await expectHealthy();
  });
});

describe("draining", () => {
  it("gives the replies that are owed, and takes nothing more", async () => {
    let commit = (): void => {};
    const committed = new Promise<void>((done) => {
      commit = done;
    });
    const other = await startTestNode(memoryDomain(() => committed));
    const connection = await rawConnection(other.url);
    const idle = await rawConnection(other.url);
    connection.write(post(path, token, '{"by":1}'));
    while (other.server.counts().open === 0) await new Promise((done) => setTimeout(done, 1));
    other.server.drain();
    expect(await idle.ended()).toBe("");
    commit();
    const closed = other.server.closed(5000);
    expect(await connection.reply()).toMatchObject({ status: 200, body: "1" });
    expect(await connection.ended()).toBe("");
    connection.socket.destroy();
    idle.socket.destroy();
    await closed;
    await expect(rawConnection(other.url)).rejects.toThrow();
    expect(other.server.counts()).toMatchObject({ open: 0 });
  });
});
