import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type HttpAddress, postRequest } from "./http-connection.js";
import { measureLoad } from "./http-load.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that replies what `answer` says to the key in the path, after a delay. */
async function serve(answer: (key: string) => { status?: number; text: string }, delay_ms = 0) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const key = request.url!.slice(1);
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      requests.push(body);
      const { status = 200, text } = answer(key);
      setTimeout(() => response.writeHead(status).end(text), delay_ms);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address: HttpAddress = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  return { address, requests, server };
}

function counters(step: number, first = 0) {
  const values = new Map<string, number>();
  return (key: string) => {
    const value = (values.get(key) ?? first) + step;
    values.set(key, value);
    return { text: String(value) };
  };
}

const clientsOf = (address: HttpAddress, count: number, step: number) =>
  Array.from({ length: count }, (_, index) => ({
    request: postRequest(address, `/${index}`, {}, { by: step }),
    step,
  }));

describe("the load generator", () => {
  it("times what a server needs, and counts calls of all clients", async () => {
    const delay_ms = 20;
    const { address, requests } = await serve(counters(3, 40), delay_ms);
    const { sorted, mean, callsPerSecond } = await measureLoad({
      address,
      clients: clientsOf(address, 4, 3),
      seconds: 0.5,
    });
    expect(sorted[0]).toBeGreaterThanOrEqual(delay_ms - 1);
    expect(mean).toBeGreaterThanOrEqual(sorted[0]!);
    expect(callsPerSecond).toBe(sorted.length / 0.5);
    // A closed loop of 4 clients, each of whose calls takes at least the delay.
    expect(sorted.length).toBeGreaterThan(8);
    expect(sorted.length).toBeLessThanOrEqual((4 * 500) / (delay_ms - 1));
    // The warm-up counts not.
    expect(requests.length).toBeGreaterThan(sorted.length);
    expect(new Set(requests)).toEqual(new Set(['{"by":3}']));
  });

  it.each([
    ["does not count", () => ({ text: "7" })],
    ["counts in other steps", counters(2)],
    ["replies with no number", () => ({ text: "null" })],
    ["replies with nothing", () => ({ text: "" })],
    ["refuses", () => ({ status: 401, text: "1" })],
  ])("gives no figures of a server that %s", async (_, answer) => {
    const { address } = await serve(answer);
    await expect(
      measureLoad({ address, clients: clientsOf(address, 2, 1), seconds: 0.2 }),
    ).rejects.toMatchObject({ code: "LOAD_MISCOUNTED" });
  });

  it("says that the server ended", async () => {
    const { address, server } = await serve(counters(1), 5);
    setTimeout(() => server.closeAllConnections(), 50);
    await expect(
      measureLoad({ address, clients: clientsOf(address, 2, 1), seconds: 5 }),
    ).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  });
});
