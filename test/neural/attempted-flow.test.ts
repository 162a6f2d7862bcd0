/** Networks in a slot thread, with the fallback in their place: real threads, a real engine. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type SlotDeadline, type SlotExecutor, startSlotExecutor } from "../../src/functions/index.js";
import { type attemptedFlow, byFallback, byNetwork } from "./attempted-flow.js";

type Flow = typeof attemptedFlow;
type Executor = SlotExecutor<Flow["inputs"], Flow["outputs"]>;

const module = new URL("./attempted-flow.js", import.meta.url);
const open: Executor[] = [];
const size = 64;

async function start(implementation: string, deadline?: SlotDeadline, realTime = false): Promise<Executor> {
  const executor = await startSlotExecutor<Flow>({
    module,
    factory: "createAttempted",
    options: { deadline },
    implementations: { affine: implementation },
    arenaBytes: 2 ** 24,
    realTime,
  });
  open.push(executor);
  return executor;
}

const configuration = (key: string, n = size) => ({ key, dimensions: { n, one: 1 } });

/** Runs slots, checks what each gives, and says by whom it was computed and how long each took. */
async function run(executor: Executor, slots: number, key = "only", n = size) {
  const variant = await executor.prepare(configuration(key, n));
  const by: number[] = [];
  const durations: number[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const { view } = variant.inputs.x;
    for (let i = 0; i < view.length; i++) view[i] = slot + i / 8;
    const begin = performance.now();
    await executor.submit(variant);
    durations.push(performance.now() - begin);
    const { y, by: who } = variant.outputs;
    expect(Array.from(y.view)).toEqual(Array.from({ length: view.length }, (_, i) => 2 * (slot + i / 8) + 1));
    by.push(who.view[0]!);
  }
  return { by, durations: durations.sort((a, b) => a - b) };
}

const attempts = (executor: Executor) => executor.statistics().attempts[0]!;

afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

describe("a network in a slot thread", () => {
  for (const implementation of ["quick", "kernel"]) {
    for (const realTime of [false, true]) {
      const how = `${implementation}${realTime ? ", at real-time priority" : ""}`;
      it(`computes slots (${how})`, async () => {
        const executor = await start(implementation, { time: "real", seconds: 2 }, realTime);
        const { by } = await run(executor, 300);
        expect(by.filter((one) => one === byNetwork)).toHaveLength(300);
        expect(attempts(executor)).toEqual({
          name: "affine",
          implementation,
          fallback: "plain",
          calls: 300,
          late: 0,
          notFinite: 0,
          unavailable: 0,
          fallenBack: 0,
        });
        expect(executor.statistics().pace).toEqual({ realTimeFactor: 1, deadline_ms: 2000 });
      });
    }
  }

  it("that is too slow is not waited for", async () => {
    const executor = await start("slow", { time: "real", seconds: 0.005 });
    const { by, durations } = await run(executor, 200);
    expect(by.every((one) => one === byFallback)).toBe(true);
    const { calls, late, unavailable, fallenBack } = attempts(executor);
    expect(late).toBe(calls);
    expect(late).toBeGreaterThan(0);
    expect(unavailable).toBe(200 - calls);
    expect(fallenBack).toBe(200);
    // What runs at once, while a late call goes on, is most of them.
    expect(durations[100]).toBeLessThan(5);
  });

  it("is waited for without a deadline, and by one in simulated time once that is known", async () => {
    const executor = await start("slow");
    expect((await run(executor, 3)).by).toEqual([byNetwork, byNetwork, byNetwork]);
    expect(executor.statistics().pace).toBeUndefined();
    const other = await start("quick", { time: "simulated", seconds: 0.1, slot_s: 0.001 });
    await run(other, 60);
    const { realTimeFactor, deadline_ms } = other.statistics().pace!;
    expect(realTimeFactor).toBeGreaterThanOrEqual(1);
    expect(deadline_ms).toBeCloseTo(100 * realTimeFactor, 6);
  });

  for (const implementation of ["broken", "broken kernel"]) {
    it(`that gives what is no number is not believed (${implementation})`, async () => {
      const executor = await start(implementation, { time: "real", seconds: 2 });
      const { by } = await run(executor, 50);
      expect(by.every((one) => one === byFallback)).toBe(true);
      expect(attempts(executor)).toMatchObject({ calls: 50, late: 0, notFinite: 50, fallenBack: 50 });
    });
  }

  it("comes and goes by swaps while slots run", async () => {
    const executor = await start("plain");
    expect(executor.statistics().attempts).toEqual([]);
    await run(executor, 10);
    for (const implementation of ["quick", "kernel", "plain", "quick"]) {
      const swap = await executor.swap({
        implementations: { affine: implementation },
        fallback: { slots: 50 },
      });
      await run(executor, 100);
      expect(await swap.outcome).toEqual({ kept: true });
      while (executor.statistics().swapping !== "serving") await pause(5);
      const { by } = await run(executor, 20);
      expect(by.at(-1)).toBe(implementation === "plain" ? byFallback : byNetwork);
    }
  });

  it("is prepared a hundred times, released, and leaves no thread behind", async () => {
    const threads = () => (process.platform === "linux" ? readdirSync("/proc/self/task").length : 0);
    const before = threads();
    const executor = await start("quick", { time: "real", seconds: 2 });
    for (let n = 1; n <= 100; n++) await run(executor, 2, `of ${n}`, n);
    expect(attempts(executor)).toMatchObject({ calls: 200, fallenBack: 0 });
    expect(threads()).toBeLessThan(before + 8);
    await executor.close();
    for (let waited = 0; threads() > before && waited < 50; waited++) await pause(20);
    expect(threads()).toBeLessThanOrEqual(before);
  });

  it("does not take the process with it that ends in the middle of its run", () => {
    const script = fileURLToPath(new URL("./leave-in-a-run.js", import.meta.url));
    for (const where of ["slot", "engine"]) {
      const { status, signal, stderr } = spawnSync(process.execPath, [script, where], { encoding: "utf8" });
      expect({ status, signal, stderr }).toEqual({ status: 7, signal: null, stderr: "" });
    }
  });

  it("is left when the executor closes in the middle of its run", async () => {
    const executor = await start("slow", { time: "real", seconds: 0.005 });
    await run(executor, 1);
    const begin = performance.now();
    await executor.close();
    expect(performance.now() - begin).toBeLessThan(4500);
  });
});
