import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it } from "vitest";
import { counter } from "../../test/server/counter.js";
import { rawConnection } from "../../test/server/raw-connection.js";
import { startTestNode } from "../../test/server/test-node.js";
import { streamEvents } from "./event-stream.js";

const { url, token, domain, log } = await startTestNode();

function get(path: string, headers = ""): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${headers}\r\n`;
}

/** What comes over a connection within a time that is long enough for all that is there. */
async function received(path: string, headers = "", until: RegExp = /$^/): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(get(path, headers));
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (part: string) => {
    text += part;
  });
  const end = performance.now() + 2000;
  while (!until.test(text) && performance.now() < end) await new Promise((done) => setTimeout(done, 5));
  socket.destroy();
  return text;
}

const publish = (key: string): Promise<unknown> => domain.invoke(counter.at(key).add({ by: 1 }));

describe("event streams", () => {
  it("bear positions as ids, and go on behind Last-Event-ID", async () => {
    for (let i = 0; i < 4; i++) await publish("ids");
    const path = "/functions/counter/ids/events";
    expect(await received(`${path}?from=2`, "", /id: 4\n/)).toMatch(
      /content-type: text\/event-stream.*id: 2\ndata: \{"count":2\}\n\n.*id: 3\n.*\n\n.*id: 4\n/s,
    );
    const resumed = await received(`${path}?from=1`, "last-event-id: 3\r\n", /id: 4\n/);
    expect(resumed).toContain('id: 4\ndata: {"count":4}');
    expect(resumed).not.toContain("id: 3");
  });

  it("refuse what is no position", async () => {
    for (const [query, headers] of [
      ["?from=0", ""],
      ["?from=x", ""],
      ["?from=99999999999999999999", ""],
      ["?to=1", ""],
      ["", "last-event-id: x\r\n"],
    ]) {
      const text = await received(`/functions/counter/ids/events${query}`, headers, /HTTP.*\}/s);
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  it("tell of events that are no longer kept", async () => {
    for (let i = 0; i < 1010; i++) log.write("info", "test", `line ${i + 1}`);
    const text = await received("/logs?from=3", "accept: text/event-stream\r\n", /id: 1010\n/);
    expect(text).toContain('event: gap\ndata: {"from":3,"to":10}\n\nid: 11\n');
    const response = await fetch(`${url}/logs?from=1009`, { headers: { authorization: `Bearer ${token}` } });
    expect(await response.json()).toMatchObject([{ message: "line 1009" }, { message: "line 1010" }]);
  });

  it("invariants 1 and 2: hold back for a slow reader, who gets every event once", async () => {
    const [events, bytes] = [3000, 10_000];
    const responses: ServerResponse[] = [];
    let readers = 0;
    const server = createServer((_, response) => {
      responses.push(response);
      streamEvents(
        response,
        (from = 1, deliver) => {
          readers++;
          for (let position = from; position <= events; position++)
            deliver(position, () => "x".repeat(bytes));
          return () => readers--;
        },
        1,
      );
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const connection = await rawConnection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    connection.socket.pause();
    connection.write(get("/"));
    await new Promise((done) => setTimeout(done, 300));
    // All that would not fit into the buffers of the system, were it written at once, is ten times as much.
    expect(responses[0]!.writableLength).toBeLessThan(2 ** 18 + 2 * bytes);
    expect(readers).toBe(0);
    const parts: Buffer[] = [];
    connection.socket.removeAllListeners("data");
    connection.socket.on("data", (part) => parts.push(Buffer.from(part)));
    connection.socket.resume();
    const last = `id: ${events}\n`;
    while (!Buffer.concat(parts.slice(-20)).includes(last)) await new Promise((done) => setTimeout(done, 5));
    connection.socket.destroy();
    server.close();
    const ids = [
      ...Buffer.concat(parts)
        .toString()
        .matchAll(/^id: (\d+)$/gm),
    ].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: events }, (_, i) => i + 1));
  });

  it("leave the source when the reader goes", async () => {
    const address = { function: "counter", key: "left" };
    let readers = 0;
    const { subscribe } = domain;
    const connection = await rawConnection(url);
    const counted = Object.assign(domain, {
      subscribe(...given: Parameters<typeof subscribe>) {
        readers++;
        const stop = subscribe(...given);
        return () => {
          readers--;
          stop();
        };
      },
    });
    connection.write(get(`/functions/${address.function}/${address.key}/events`));
    while (readers === 0) await new Promise((done) => setTimeout(done, 1));
    connection.socket.destroy();
    while (readers > 0) await new Promise((done) => setTimeout(done, 1));
    Object.assign(counted, { subscribe });
  });
});
