import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient, createNodeClient } from "../../src/server/index.js";
import { temporaryFolder } from "./command.js";
import { freePort, startNodeProcess } from "./node-process.js";
import { readingsText } from "./readings-module.js";

const folder = temporaryFolder();

describe("flows of a node", () => {
  it("take what handlers append and send to handlers, once each, killed as they are", async () => {
    const data = folder.path("data");
    const listen = ["--listen", `127.0.0.1:${await freePort()}`];
    let node = await startNodeProcess(data, ...listen);
    const { url } = node;
    const token = readFileSync(join(data, "token"), "utf8").trim();
    const looking = createNodeClient({ url, token });
    const client = createClient({ url, token, session: true });
    await looking.deploy("readings", readingsText);

    const means: unknown[] = [];
    const total = 120;
    const reading = (async () => {
      for await (const { position, event } of client.output("readings", "means", { from: 0 })) {
        expect(position).toBe(means.length);
        means.push(event);
        if (means.length === total) return;
      }
    })();
    let redeployed: Promise<unknown> | undefined;
    for (let value = 1; value <= total; value++) {
      if (value === 50) redeployed = looking.deploy("readings", `${readingsText}// once more\n`);
      if (value === 70) await redeployed;
      await client.function("meter").at(`cell-${value % 2}`).measure!({ value });
      if (value % 40 === 0) {
        await node.kill("SIGKILL");
        node = await startNodeProcess(data, ...listen);
      }
    }
    await reading;

    // The means of 2, 4, … and of 1, 3, … so far, in the order in which they were measured.
    const wanted = [0, 1].map((odd) =>
      Array.from({ length: total / 2 }, (_, i) => ({ cell: `cell-${odd}`, mean: i + 2 - odd, count: i + 1 })),
    );
    const of = (cell: string): unknown[] => means.filter((one) => (one as { cell: string }).cell === cell);
    expect([of("cell-0"), of("cell-1")]).toEqual(wanted);
    const expected = { seen: total / 2, highest: total / 2 };
    for (const cell of ["cell-0", "cell-1"]) {
      await expect
        .poll(() => looking.state({ function: "meter", key: cell }), { timeout: 5000 })
        .toEqual(expected);
    }
    expect(await looking.flows()).toMatchObject([{ name: "readings", problem: null }]);

    // Outputs that look otherwise without a raised version: what was there goes on.
    const headers = { authorization: `Bearer ${token}` };
    const deployed = async (): Promise<unknown> => {
      const modules = await (await fetch(`${url}/deployments`, { headers })).json();
      return (modules as { hash: string }[]).map(({ hash }) => hash);
    };
    const before = await deployed();
    const changed = readingsText.replace("mean: field.float64(), count", "mean: field.float32(), count");
    await expect(looking.deploy("readings", changed)).rejects.toThrow(/version/);
    expect(await deployed()).toEqual(before);
    await client.function("meter").at("cell-9").measure!({ value: 1 });
    await expect
      .poll(() => looking.state({ function: "meter", key: "cell-9" }), { timeout: 5000 })
      .toEqual({ seen: 1, highest: 1 });

    const source = await fetch(`${url}/flows/readings/raw`, {
      method: "POST",
      headers,
      body: '{"cell":"other","value":"x"}',
    });
    expect(source.status).toBe(400);
    await looking.undeploy("readings");
    expect(await looking.flows()).toEqual([]);
    expect(await node.kill("SIGTERM")).toMatchObject({ status: 0 });
    client.close();
    looking.close();
  });
});
