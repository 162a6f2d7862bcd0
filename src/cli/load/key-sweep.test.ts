import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { postRequest } from "./http-connection.js";
import { sweepKeys } from "./key-sweep.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that counts requests by path. */
async function serve(answer: (times: number) => string) {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const times = (calls.get(request.url!) ?? 0) + 1;
    calls.set(request.url!, times);
    request.resume().on("end", () => response.end(answer(times)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: { host: "127.0.0.1", port: (server.address() as AddressInfo).port }, calls };
}

describe("a sweep over keys", () => {
  it("calls every key once, and times each", async () => {
    const { address, calls } = await serve(String);
    const request = (index: number): Buffer => postRequest(address, `/${index}`, {}, {});
    const durations = await sweepKeys({ address, count: 100, connections: 7, request, reply: 1 });
    expect([...calls.keys()].sort()).toEqual(Array.from({ length: 100 }, (_, index) => `/${index}`).sort());
    expect(new Set(calls.values())).toEqual(new Set([1]));
    expect(durations).toHaveLength(100);
    expect(durations[0]).toBeGreaterThan(0);
    expect([...durations]).toEqual([...durations].sort((a, b) => a - b));
  });

  it("gives no figures where a reply is not what it should be", async () => {
    const { address } = await serve((times) => String(times + 1));
    const request = (index: number): Buffer => postRequest(address, `/${index}`, {}, {});
    await expect(sweepKeys({ address, count: 10, connections: 2, request, reply: 1 })).rejects.toMatchObject({
      code: "LOAD_MISCOUNTED",
    });
  });
});
