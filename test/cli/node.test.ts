import { existsSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient, createNodeClient } from "../../src/server/index.js";
import { neuroran, temporaryFolder } from "./command.js";
import { counterText } from "./counter-module.js";
import { freePort, type NodeProcess, startNodeProcess } from "./node-process.js";

const folder = temporaryFolder();
let directories = 0;
const newData = (): string => folder.path(`data-${directories++}`);

const tokenOf = (data: string): string => readFileSync(join(data, "token"), "utf8").trim();

/** Asks a node that runs over a directory. */
async function ask<T>(
  data: string,
  { url }: { readonly url: string },
  question: (node: ReturnType<typeof createNodeClient>) => Promise<T>,
): Promise<T> {
  const node = createNodeClient({ url, token: tokenOf(data) });
  try {
    return await question(node);
  } finally {
    node.close();
  }
}

const deploy = (data: string, node: NodeProcess): Promise<unknown> =>
  ask(data, node, (client) => client.deploy("counter", counterText(1)));

describe("a node", () => {
  it("keeps state through SIGKILL, and modules in service", async () => {
    const data = newData();
    const first = await startNodeProcess(data);
    await deploy(data, first);
    const add = async ({ url }: NodeProcess): Promise<unknown> => {
      const client = createClient({ url, token: tokenOf(data), patience_ms: 0 });
      try {
        return await client.function("counter").at("a").add!({ by: 2 });
      } finally {
        client.close();
      }
    };
    expect(await add(first)).toBe(2);
    expect(await add(first)).toBe(4);
    expect(statSync(join(data, "token")).mode & 0o777).toBe(0o600);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(await first.kill("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
    await expect(add(first)).rejects.toMatchObject({ code: "NODE_UNREACHABLE" });
    const second = await startNodeProcess(data);
    expect(await ask(data, second, (node) => node.functions())).toMatchObject([
      { name: "counter", loaded: false },
    ]);
    expect(await add(second)).toBe(6);
    expect(await ask(data, second, (node) => node.functions())).toMatchObject([
      { name: "counter", module: "counter", version: 1, turns: 1, requests: ["add", "fail"], loaded: true },
    ]);
    expect(await second.kill("SIGTERM")).toMatchObject({ status: 0 });
  });

  it("counts each request of a session once, killed as it is", async () => {
    const data = newData();
    const listen = ["--listen", `127.0.0.1:${await freePort()}`];
    let node = await startNodeProcess(data, ...listen);
    await deploy(data, node);
    const client = createClient({ url: node.url, token: tokenOf(data), session: true });
    const seen: number[] = [];
    let killing = true;
    const adding = Array.from({ length: 8 }, async () => {
      while (killing) seen.push((await client.function("counter").at("a").add!({ by: 1 })) as number);
    });
    for (let kill = 0; kill < 3; kill++) {
      const before = seen.length;
      while (seen.length < before + 50) await new Promise((done) => setTimeout(done, 5));
      await node.kill("SIGKILL");
      node = await startNodeProcess(data, ...listen);
    }
    killing = false;
    await Promise.all(adding);
    client.close();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: seen.length }, (_, i) => i + 1));
    await node.kill("SIGTERM");
  });

  it("finishes what has come when Ctrl-C is pressed", async () => {
    const data = newData();
    const node = await startNodeProcess(data);
    await deploy(data, node);
    const client = createClient({ url: node.url, token: tokenOf(data), patience_ms: 0 });
    let [replies, unknown] = [0, 0];
    const adding = Array.from({ length: 16 }, async () => {
      for (;;) {
        try {
          await client.function("counter").at("a").add!({ by: 1 });
          replies++;
        } catch (error) {
          if ((error as { code: string }).code === "OUTCOME_UNKNOWN") unknown++;
          return;
        }
      }
    });
    while (replies < 100) await new Promise((done) => setTimeout(done, 1));
    expect(await node.kill("SIGINT")).toMatchObject({ status: 0 });
    await Promise.all(adding);
    client.close();
    expect(existsSync(join(data, "node.json"))).toBe(false);
    const again = await startNodeProcess(data);
    const state = await ask(data, again, (one) => one.state({ function: "counter", key: "a" }));
    const { count } = state as { count: number };
    expect(count).toBeGreaterThanOrEqual(replies);
    expect(count).toBeLessThanOrEqual(replies + unknown);
    await again.kill("SIGTERM");
  });

  it("ends at once when Ctrl-C is pressed again", async () => {
    const data = newData();
    const node = await startNodeProcess(data);
    // A reader that neither reads nor goes keeps the node waiting.
    const socket = connect(Number(new URL(node.url).port), "127.0.0.1");
    socket.write(
      `GET /logs HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer ${tokenOf(data)}\r\n\r\n`,
    );
    await new Promise((done) => socket.once("data", done));
    socket.pause();
    const began = performance.now();
    process.kill(node.pid, "SIGINT");
    await new Promise((done) => setTimeout(done, 300));
    expect(await node.kill("SIGINT")).toMatchObject({ signal: "SIGINT" });
    expect(performance.now() - began).toBeLessThan(3000);
    socket.destroy();
  });

  it("refuses a directory that another one has, and a port", async () => {
    const data = newData();
    const node = await startNodeProcess(data);
    const second = await neuroran(["up", "--data", data, "--listen", "127.0.0.1:0", "--json"]);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`process ${node.pid}`);
    expect(second.stderr).toContain('"code":"STORE_LOCKED"');
    const { port } = new URL(node.url);
    const third = await neuroran(["up", "--data", newData(), "--listen", `127.0.0.1:${port}`]);
    expect(third.status).toBe(2);
    expect(third.stderr).toMatch(/--listen: .*another program listens there/);
    // The first one is none the worse for it.
    expect(await ask(data, node, (client) => client.functions())).toEqual([]);
    await node.kill("SIGTERM");
  });
});
