import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleModule, importModule, installModule } from "../src/functions/deployment/index.js";
import type { Flow } from "../src/functions/flows/declaration.js";
import { createFlowHost } from "../src/functions/flows/index.js";
import type { SlotFlow } from "../src/functions/slot-flows/index.js";
import { createTransientDomain, reference } from "../src/functions/turns/index.js";

/** Examples as a node takes them: bundled from their TypeScript, and from what it compiles to. */
describe.each(["examples", "dist/examples"])("the deployable examples in %s", (folder) => {
  const ending = folder === "examples" ? "ts" : "js";
  let data = "";
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), "neuroran-examples-"));
  });
  afterAll(() => rm(data, { recursive: true, force: true }));

  const domainOf = async (name: string) => {
    const hash = await installModule(data, await bundleModule(join(folder, `${name}.${ending}`)));
    return createTransientDomain((await importModule(data, hash)).functions);
  };

  it("watch links by a flow whose source gives the same slots again", async () => {
    const hash = await installModule(data, await bundleModule(join(folder, `link-quality.${ending}`)));
    const { functions, flows, path } = await importModule(data, hash);
    expect(functions.map(({ name }) => name)).toEqual(["link-quality"]);
    const uplink = flows.get("uplinkQuality") as Flow;
    const source = uplink.graph.sources.get("slots");
    if (source?.kind !== "replayable") throw new Error("the source cannot be replayed");
    const whole = source.open(0, 1);
    const reports = Array.from({ length: 6 }, () => whole.read());
    const again = source.open(3, 1);
    expect([again.read(), again.read(), again.read()]).toEqual(reports.slice(3));
    expect(whole.position()).toBe(6);
    if (folder === "examples") return;

    const domain = createTransientDomain(functions);
    const host = createFlowHost({ store: domain.store, admit: domain.admit });
    const running = await host.start({ module: pathToFileURL(path), name: "uplinkQuality" });
    await running.finished;
    const meanOf = async (key: string) => {
      const state = await domain.stateOf({ function: "link-quality", key });
      return (state as { mean_db: number } | undefined)?.mean_db ?? Number.NaN;
    };
    // The users are 14 dB apart, and their channels fade.
    await expect.poll(() => running.statistics().pendingSends).toBe(0);
    expect((await meanOf("ue-17921")) - (await meanOf("ue-17922"))).toBeGreaterThan(7);
    await host.stop();
    await domain.close();
  });

  it("serve a cell, whose slots follow from their numbers, and judge its links", async () => {
    const hash = await installModule(data, await bundleModule(join(folder, `cell.${ending}`)));
    const { functions, flows } = await importModule(data, hash);
    const cell = flows.get("cell") as SlotFlow;
    expect(cell).toMatchObject({ kind: "slot flow", name: "cell", delivery: "exactly-once" });
    if (cell.source.kind !== "replayable") throw new Error("the source cannot be replayed");
    const [one, other] = [cell.source.open(), cell.source.open()];
    for (const number of [0, 1, 2]) one.slot(number);
    const slot = structuredClone(one.slot(3));
    expect(other.slot(3)).toEqual(slot);
    expect(slot!.about).toMatchObject({ rnti: 17_922, transmission: 1 });
    for (const reader of [one, other]) reader.close?.();

    const domain = createTransientDomain(functions);
    const changes: unknown[] = [];
    domain.subscribe({ function: "cell-quality", key: "7" }, ({ event }) => changes.push(event));
    const tell = (slot: number, snr_db: number, crc: boolean) =>
      domain.invoke(reference("cell-quality", "7", "slot", { slot, snr_db, crc, mcsIndex: 9 }));
    for (let slot = 0; slot < 20; slot++) await tell(slot, 20, true);
    // Eleven of the last twenty are lost.
    for (let slot = 20; slot < 40; slot++) await tell(slot, 10, slot < 29);
    expect(changes).toMatchObject([
      { slot: 19, quality: "good", before: "unknown", mean_db: 20, lost: 0 },
      { slot: 35, quality: "fair", before: "good", mean_db: 12, lost: 0.35 },
      { slot: 39, quality: "poor", before: "fair", lost: 0.55 },
    ]);
    await domain.close();
  });

  it("count sessions", async () => {
    const domain = await domainOf("session-counter");
    const changes: unknown[] = [];
    domain.subscribe({ function: "session-counter", key: "c" }, ({ event }) => changes.push(event));
    const ask = (handler: string, session: string, more = {}) =>
      domain.invoke(reference("session-counter", "c", handler, { session, ...more }));
    expect(await ask("open", "a")).toBe(1);
    expect(await ask("open", "b", { lifetime_s: 0.001 })).toBe(2);
    expect(await ask("open", "a")).toBeLessThanOrEqual(2);
    await expect.poll(() => ask("close", "none"), { timeout: 5000 }).toBe(1);
    expect(await ask("close", "a")).toBe(0);
    expect(changes).toEqual([
      { change: "opened", open: 1, opened: 1 },
      { change: "opened", open: 2, opened: 2 },
      { change: "expired", open: 1, opened: 2 },
      { change: "closed", open: 0, opened: 2 },
    ]);
    await domain.close();
  });

  it("admit sessions, and give back what was taken for those that are refused", async () => {
    const domain = await domainOf("edge-service");
    const admit = (session: string, subscriber: string, rate_mbps: number) =>
      domain.invoke(reference("admission", "s", "admit", { session, subscriber, cell: "c", rate_mbps }));
    const stateOf = (name: string, key: string) => domain.stateOf({ function: name, key });
    expect(await admit("1", "a", 20)).toEqual({ admitted: true });
    expect(await admit("2", "a", 1)).toEqual({ admitted: false, reason: "quota" });
    expect(await admit("1", "b", 1)).toEqual({ admitted: false, reason: "known" });
    expect(await admit("3", "b", 20)).toEqual({ admitted: true });
    expect(await admit("4", "c", 11)).toEqual({ admitted: false, reason: "cell" });
    expect(await stateOf("cell", "c")).toMatchObject({ load_mbps: 40 });
    for (const [key, used_mbps] of [
      ["a", 20],
      ["b", 20],
      ["c", 0],
    ] as const) {
      const state = (await stateOf("subscriber", key)) as { used_mbps: number } | undefined;
      expect(state?.used_mbps ?? 0, key).toBe(used_mbps);
    }
    expect(await domain.invoke(reference("admission", "s", "release", { session: "1" }))).toBe(true);
    expect(await domain.invoke(reference("admission", "s", "release", { session: "1" }))).toBe(false);
    expect(await admit("4", "c", 11)).toEqual({ admitted: true });
    expect(await stateOf("cell", "c")).toMatchObject({ load_mbps: 31 });
    expect(await stateOf("admission", "s")).toEqual({ admitted: 3, refused: 3 });
    await expect(admit("5", "c", -1)).rejects.toThrow("admission.admit.rate_mbps: -1");
    await domain.close();
  });
});
