import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient, createNodeClient } from "../../src/server/index.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";
import { freePort, startNodeProcess } from "./node-process.js";
import { slotsText } from "./slots-module.js";

const folder = temporaryFolder();

describe("flows of slots on a node", () => {
  it("give and send once while implementations and modules are exchanged and the node is killed", async () => {
    const data = folder.path("data");
    const listen = ["--listen", `127.0.0.1:${await freePort()}`];
    let node = await startNodeProcess(data, ...listen);
    const token = readFileSync(join(data, "token"), "utf8").trim();
    const looking = createNodeClient({ url: node.url, token });
    const client = createClient({ url: node.url, token, session: true });
    expect(await looking.deploy("slots", slotsText)).toMatchObject({ functions: ["heard"], flows: ["sums"] });

    const sums: unknown[] = [];
    const reading = new AbortController();
    const read = (async () => {
      for await (const { position, event } of client.output("sums", "sums", {
        from: 0,
        signal: reading.signal,
      })) {
        expect(position).toBe(sums.length);
        sums.push(event);
      }
    })().catch((error: unknown) => {
      if (!reading.signal.aborted) throw error;
    });
    const until = (more: number) => {
      const wanted = sums.length + more;
      return expect.poll(() => sums.length, { timeout: 10_000 }).toBeGreaterThan(wanted);
    };
    await until(50);
    const swap = (to: string, ...words: string[]) =>
      neuroran(["swap", "adding", "--to", to, "--data", data, "--json", ...words]);
    const kept = await swap("careful", "--slots", "20");
    expect(kept.stderr).toBe("");
    expect(objectsOf(kept.stdout)).toMatchObject([{ flow: "sums", lost: 0, outcome: { kept: true } }]);
    const returned = await swap("fragile");
    expect(returned.status).toBe(1);
    const [{ outcome, lost }] = objectsOf(returned.stdout) as [{ outcome: { slot: number }; lost: number }];
    expect(outcome).toMatchObject({ kept: false, reason: "slot failed", problem: "thirty-nine" });
    expect(outcome.slot % 40).toBe(39);
    expect(lost).toBe(0);
    await until(20);
    await node.kill("SIGKILL");
    node = await startNodeProcess(data, ...listen);
    await until(50);
    expect((await swap("unheard-of")).stderr).toMatch(/implementations.adding.*unheard-of/);
    await looking.deploy("slots", `${slotsText}// once more\n`);
    // While the slots might still return to the former version.
    await looking.deploy("slots", `${slotsText}// and again\n`);
    await until(50);
    const [flow] = await looking.flows();
    expect(flow).toMatchObject({ name: "sums", problem: null, tasks: [], slots: { failed: 0, dropped: 0 } });
    expect(flow!.slots!.implementations).toMatchObject([{ function: "adding", implementation: "careful" }]);
    const listed = await neuroran(["ps", "--data", data]);
    expect(listed.stdout).toMatch(/sums +adding +careful/);

    await looking.undeploy("slots");
    expect(await looking.flows()).toEqual([]);
    reading.abort();
    await read;
    const totals = new Array<number>(5).fill(0);
    const expected = sums.map((_, slot) => {
      totals[slot % 5] += slot;
      return { account: slot % 5, sum: totals[slot % 5] };
    });
    expect(sums).toEqual(expected);
    await looking.deploy("slots", slotsText);
    const state = await looking.state({ function: "heard", key: "3" });
    expect(state).toMatchObject({ slots: expect.any(Number) });
    const { slots, total } = state as { slots: number; total: number };
    // Slots 3, 8, 13 …: each once.
    expect(total).toBe(3 * slots + (5 * slots * (slots - 1)) / 2);
    expect(await node.kill("SIGTERM")).toMatchObject({ status: 0 });
    client.close();
    looking.close();
  });
});
