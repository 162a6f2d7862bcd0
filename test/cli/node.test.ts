import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient } from "../../src/server/index.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";
import { freePort, startNodeProcess } from "./node-process.js";

const folder = temporaryFolder();
let directories = 0;
const newData = (): string => folder.path(`data-${directories++}`);

/** A module with a counter whose steps are `by` times as large as asked for. */
const counterText = (by: number): string => `
import { field, handler, stateSchema, statefulFunction, z } from "neuroran";
export const counter = statefulFunction("counter", stateSchema({ count: field.float64(), note: field.text() }), {
  add: handler({ request: z.object({ by: z.number() }), reply: z.number() }, (context, { by }) => {
    context.state.count += ${by} * by;
    context.publish({ count: context.state.count });
    return context.state.count;
  }),
  fail: handler({ request: z.undefined(), reply: z.undefined() }, () => {
    console.warn("about to fail");
    throw new Error("this one always fails");
  }),
});
`;
const counter = folder.write("counter.ts", counterText(1));

/** Runs a command and expects it to succeed. @returns its objects */
async function ok(...words: string[]): Promise<Record<string, unknown>[]> {
  const { status, stdout, stderr } = await neuroran([...words, "--json"]);
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
  return objectsOf(stdout);
}

const tokenOf = (data: string): string => readFileSync(join(data, "token"), "utf8").trim();

describe("a node", () => {
  it("keeps state through SIGKILL, and modules in service", async () => {
    const data = newData();
    const first = await startNodeProcess(data);
    await ok("deploy", counter, "--data", data);
    const add = ["invoke", "counter", "a", "add", '{"by":2}', "--data", data];
    expect(await ok(...add)).toEqual([{ reply: 2 }]);
    expect(await ok(...add)).toEqual([{ reply: 4 }]);
    expect(statSync(join(data, "token")).mode & 0o777).toBe(0o600);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(await first.kill("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
    const gone = await neuroran([...add, "--json"]);
    expect(gone).toMatchObject({ status: 1 });
    expect(objectsOf(gone.stderr.split("\n").at(-2)!)).toMatchObject([
      { error: { code: "NODE_UNREACHABLE" } },
    ]);
    const second = await startNodeProcess(data);
    expect(await ok(...add)).toEqual([{ reply: 6 }]);
    expect(await ok("ps", "--data", data)).toMatchObject([
      { name: "counter", module: "counter", version: 1, turns: 1, requests: ["add", "fail"], loaded: true },
    ]);
    expect(await second.kill("SIGTERM")).toMatchObject({ status: 0 });
  });

  it("counts each request of a session once, killed as it is", async () => {
    const data = newData();
    const listen = ["--listen", `127.0.0.1:${await freePort()}`];
    let node = await startNodeProcess(data, ...listen);
    await ok("deploy", counter, "--data", data);
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
    await ok("deploy", counter, "--data", data);
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
    const [state] = await ok("state", "get", "counter", "a", "--data", data);
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
    expect(await ok("ps", "--data", data)).toEqual([]);
    await node.kill("SIGTERM");
  });
});

describe("commands for a node", () => {
  it("redeploy with state kept, undeploy, and refuse modules without harm", async () => {
    const data = newData();
    const at = ["--data", data];
    const node = await startNodeProcess(data);
    const file = folder.write("redeployed.ts", counterText(1));
    const add = ["invoke", "counter", "a", "add", '{"by":1}', ...at];
    expect(await ok("deploy", file, "--name", "mine", ...at)).toMatchObject([
      { name: "mine", functions: ["counter"], signed: false },
    ]);
    expect(await ok(...add)).toEqual([{ reply: 1 }]);
    folder.write("redeployed.ts", counterText(10));
    await ok("deploy", file, "--name", "mine", ...at);
    expect(await ok(...add)).toEqual([{ reply: 11 }]);
    for (const [text, told] of [
      ["export const nothing = 1;", "export a stateful function"],
      ["export const = 1;", "redeployed.ts"],
      ["throw new Error('not today');", "not today"],
    ] as const) {
      folder.write("redeployed.ts", text);
      const { status, stderr } = await neuroran(["deploy", file, "--name", "mine", ...at]);
      expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(told) });
    }
    expect(await ok(...add)).toEqual([{ reply: 21 }]);
    expect(await ok("undeploy", "mine", ...at)).toMatchObject([{ name: "mine" }]);
    const { status, stderr } = await neuroran(add);
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("deploy a module first"),
    });
    await ok("deploy", counter, ...at);
    expect(await ok(...add)).toEqual([{ reply: 22 }]);
    await node.kill("SIGTERM");
  });

  it("take signed modules only, where the node says so", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const trusted = folder.write("trusted.pem", publicKey.export({ type: "spki", format: "pem" }));
    const signing = folder.write("signing.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
    const stranger = folder.write(
      "stranger.pem",
      generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
    );
    const data = newData();
    const node = await startNodeProcess(data, "--trust", trusted);
    for (const sign of [[], ["--sign", stranger]]) {
      const { status, stderr } = await neuroran(["deploy", counter, ...sign, "--data", data, "--json"]);
      expect({ status, stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("MODULE_UNSIGNED"),
      });
    }
    expect(await ok("deploy", counter, "--sign", signing, "--data", data)).toMatchObject([{ signed: true }]);
    await node.kill("SIGTERM");
  });

  it("look at state, keys and logs, and change them", async () => {
    const data = newData();
    const at = ["--data", data];
    const node = await startNodeProcess(data);
    await ok("deploy", counter, ...at);
    await ok("send", "counter", "a", "add", '{"by":1}', "--delay", "0", ...at);
    expect(await ok("state", "get", "counter", "a", ...at)).toEqual([{ count: 1, note: "" }]);
    await ok("state", "set", "counter", "b", '{"count":7,"note":"set"}', ...at);
    expect(await ok("invoke", "counter", "b", "add", '{"by":1}', ...at)).toEqual([{ reply: 8 }]);
    const listed = await ok("state", "list", "counter", ...at);
    expect(listed.map(({ key }) => key).sort()).toEqual(["a", "b"]);
    const wrong = await neuroran(["state", "set", "counter", "b", '{"count":"x","note":""}', ...at]);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain("count");
    expect(await neuroran(["state", "get", "counter", "nobody", ...at])).toMatchObject({ status: 1 });

    const failed = await neuroran(["invoke", "counter", "a", "fail", ...at, "--json"]);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('"code":"HANDLER_FAILED"');
    expect(failed.stderr).toContain("this one always fails");
    expect(await ok("logs", ...at)).toContainEqual(
      expect.objectContaining({ level: "warning", source: "console", message: "about to fail" }),
    );

    expect(await ok("keys", "list", ...at)).toContainEqual(
      expect.objectContaining({ function: "counter", versions: [expect.objectContaining({ version: 1 })] }),
    );
    expect(await ok("keys", "rotate", "counter", ...at)).toEqual([{ function: "counter", version: 2 }]);
    expect(await ok("invoke", "counter", "b", "add", '{"by":1}', ...at)).toEqual([{ reply: 9 }]);
    await node.kill("SIGKILL");
    const again = await startNodeProcess(data);
    expect(await ok("invoke", "counter", "a", "add", '{"by":1}', ...at)).toEqual([{ reply: 2 }]);
    expect(await ok("invoke", "counter", "b", "add", '{"by":1}', ...at)).toEqual([{ reply: 10 }]);
    await again.kill("SIGTERM");
  });

  it("print events as they come, also those after the node was killed", async () => {
    const data = newData();
    const listen = ["--listen", `127.0.0.1:${await freePort()}`];
    const node = await startNodeProcess(data, ...listen);
    await ok("deploy", counter, "--data", data);
    const client = createClient({ url: node.url, token: tokenOf(data), session: true });
    const add = (): Promise<unknown> => client.function("counter").at("a").add!({ by: 1 });
    for (let i = 0; i < 3; i++) await add();
    const subscribed = ok("subscribe", "counter", "a", "--from", "2", "--limit", "4", "--data", data);
    await new Promise((done) => setTimeout(done, 700));
    await node.kill("SIGKILL");
    const again = await startNodeProcess(data, ...listen);
    for (let i = 0; i < 2; i++) await add();
    client.close();
    expect(await subscribed).toEqual(
      [2, 3, 4, 5].map((position) => ({ position, event: { count: position } })),
    );
    await again.kill("SIGTERM");
  });

  it("say what to do where there is no node, no token, no JSON", async () => {
    const data = newData();
    const nobody = await neuroran(["ps", "--data", data]);
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining("neuroran up") });
    const noToken = await neuroran(["ps", "--data", data, "--url", "http://127.0.0.1:1"]);
    expect(noToken).toMatchObject({ status: 2, stderr: expect.stringContaining("--token") });
    const noJson = await neuroran(["invoke", "counter", "a", "add", "{by:1}", "--data", data]);
    expect(noJson).toMatchObject({ status: 2, stderr: expect.stringContaining("quoted for the shell") });
    for (const listen of ["8080", "host:99999", ":80"]) {
      expect(await neuroran(["up", "--data", data, "--listen", listen])).toMatchObject({ status: 2 });
    }
    const unreadable = await neuroran(["up", "--data", folder.write("a-file", "x")]);
    expect(unreadable).toMatchObject({ status: 2, stderr: expect.stringContaining("--data") });
  });

  it("print tables for people", async () => {
    const data = newData();
    const node = await startNodeProcess(data);
    const at = ["--data", data];
    expect((await neuroran(["deploy", counter, ...at])).stdout).toMatch(
      /^counter [0-9a-f]{12} \(counter\) is in service\n$/,
    );
    expect((await neuroran(["invoke", "counter", "a", "add", '{"by":3}', ...at])).stdout).toBe("3\n");
    expect((await neuroran(["ps", ...at])).stdout).toMatch(
      /Function +module.*\ncounter +counter +1 +1 +1 +0 +0 +add, fail\n/,
    );
    expect((await neuroran(["state", "list", "counter", ...at])).stdout).toBe("a\n");
    expect((await neuroran(["keys", "list", ...at])).stdout).toMatch(/\ncounter +1 +20\d\d-/);
    await node.kill("SIGTERM");
  });
});
