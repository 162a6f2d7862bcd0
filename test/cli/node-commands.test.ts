import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient } from "../../src/server/index.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";
import { counterText } from "./counter-module.js";
import { freePort, startNodeProcess } from "./node-process.js";

const folder = temporaryFolder();
let directories = 0;
const newData = (): string => folder.path(`data-${directories++}`);

const counter = folder.write("counter.ts", counterText(1));

/** Runs a command and expects it to succeed. @returns its objects */
async function ok(...words: string[]): Promise<Record<string, unknown>[]> {
  const { status, stdout, stderr } = await neuroran([...words, "--json"]);
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
  return objectsOf(stdout);
}

const tokenOf = (data: string): string => readFileSync(join(data, "token"), "utf8").trim();

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

  it("write snapshots, and restore them, unless they were changed", async () => {
    const data = newData();
    const at = ["--data", data];
    const node = await startNodeProcess(data);
    await ok("deploy", counter, ...at);
    const add = ["invoke", "counter", "a", "add", '{"by":1}', ...at];
    expect(await ok(...add)).toEqual([{ reply: 1 }]);
    const file = folder.path("node.snapshot");
    await ok("snapshot", file, ...at);
    expect(await ok(...add)).toEqual([{ reply: 2 }]);
    const taken = await neuroran(["restore", file, "--replace", ...at]);
    expect(taken).toMatchObject({ status: 1, stderr: expect.stringContaining(`process ${node.pid}`) });
    await node.kill("SIGTERM");
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    const changed = await neuroran([
      "restore",
      folder.write("changed.snapshot", bytes),
      "--replace",
      ...at,
      "--json",
    ]);
    expect(changed).toMatchObject({ status: 1, stderr: expect.stringContaining("SNAPSHOT_CORRUPT") });
    const kept = await neuroran(["restore", file, ...at]);
    expect(kept).toMatchObject({ status: 2, stderr: expect.stringContaining("replaced") });
    expect(await ok("restore", file, "--replace", ...at)).toMatchObject([
      { file, signer: expect.any(String) },
    ]);
    const again = await startNodeProcess(data);
    expect(await ok(...add)).toEqual([{ reply: 2 }]);
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
