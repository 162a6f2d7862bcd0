import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { slotFlow } from "../../../test/slot-flow.js";
import { InputError } from "../../errors.js";
import { leasedProcessors } from "../../system/index.js";
import { type SharedVariant, type SlotExecutor, startSlotExecutor } from "./slot-executor.js";
import { ringCapacity } from "./slot-protocol.js";

type Flow = typeof slotFlow;
type Executor = SlotExecutor<Flow["inputs"], Flow["outputs"]>;
type Slot = SharedVariant<Flow["inputs"], Flow["outputs"]>;

const module = new URL("../../../test/slot-flow.js", import.meta.url);
const command = { add: 0, throw: 1, exit: 2, stall: 3 };
const open: Executor[] = [];

async function start(): Promise<Executor> {
  const executor = await startSlotExecutor<Flow>({ module, factory: "createSlotFlow", arenaBytes: 1 << 20 });
  open.push(executor);
  return executor;
}

function prepare(executor: Executor, key: string, milliseconds = 0): Promise<Slot> {
  return executor.prepare({ key, dimensions: { element: 4 }, parameters: { obey: { milliseconds } } });
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

/** The lists of processors that the threads of this process may run on, as Linux prints them. */
function processorLists(): string[] {
  return readdirSync("/proc/self/task").map((task) => {
    const status = readFileSync(`/proc/self/task/${task}/status`, "utf8");
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)![1];
  });
}

describe("a slot executor", () => {
  it.skipIf(process.platform !== "linux")("has a processor that no other has, or says why not", async () => {
    const statistics = (await Promise.all([start(), start()])).map((executor) => executor.statistics());
    for (const { processor, processorProblem } of statistics) {
      expect(processor === undefined).toBe(processorProblem !== undefined);
      if (processor === undefined)
        expect(processorProblem).toMatch(/^(other slot threads|the process|koffi)/);
      else expect(processorLists().filter((list) => list === String(processor))).toHaveLength(1);
    }
    const processors = statistics.flatMap(({ processor }) => processor ?? []);
    expect(new Set(processors).size).toBe(processors.length);
    await Promise.all(open.splice(0).map((executor) => executor.close()));
    for (const processor of processors) expect(processorLists()).not.toContain(String(processor));
  });

  it("processes 10,000 slots one by one, in order and without loss", async () => {
    const executor = await start();
    expect(executor.functions).toEqual(["obey"]);
    const variant = await prepare(executor, "a");
    let expected = 0;
    for (let slot = 1; slot <= 10_000; slot++) {
      variant.inputs.values.view.fill(slot % 7);
      await executor.submit(variant);
      expected += slot % 7;
      if (variant.outputs.slots.view[0] !== slot || variant.outputs.total.view[3] !== expected) {
        expect([slot, variant.outputs.slots.view[0], variant.outputs.total.view[3]]).toEqual([
          slot,
          slot,
          expected,
        ]);
      }
    }
    const { timings, completed, failed, pending } = executor.statistics();
    expect([completed, failed, pending]).toEqual([10_000, 0, 0]);
    expect(timings.map(({ name, count }) => [name, count])).toEqual([
      ["obey", 10_000],
      ["slot", 10_000],
    ]);
    expect(timings[0].p50).toBeGreaterThan(0);
  });

  it("keeps back what the ring has no room for, and keeps the order over variants and failures", async () => {
    const executor = await start();
    const [good, bad] = await Promise.all([prepare(executor, "good"), prepare(executor, "bad")]);
    bad.inputs.command.view[0] = command.throw;
    good.inputs.values.view.fill(1);
    const order: number[] = [];
    const number = 10 * ringCapacity;
    const slots = Array.from({ length: number }, (_, slot) =>
      executor.submit(slot % 3 === 0 ? bad : good).then(
        () => order.push(slot),
        () => order.push(-slot),
      ),
    );
    expect(executor.statistics().pending).toBe(number);
    await Promise.all(slots);
    expect(order.map(Math.abs)).toEqual(Array.from({ length: number }, (_, slot) => slot));
    expect(order.filter((slot) => slot <= 0).map((slot) => -slot)).toEqual(
      Array.from({ length: Math.ceil(number / 3) }, (_, third) => 3 * third),
    );
    const goodSlots = number - Math.ceil(number / 3);
    expect(good.outputs.slots.view[0]).toBe(goodSlots);
    expect(good.outputs.total.view[0]).toBe(goodSlots);
    expect(executor.statistics()).toMatchObject({
      completed: number,
      failed: number - goodSlots,
      pending: 0,
    });
  });

  it("reports the exception of a slot for that slot, and lives on", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    variant.inputs.command.view[0] = command.throw;
    await expect(executor.submit(variant)).rejects.toMatchObject({
      code: "SLOT_FAILED",
      message: "told to throw",
      cause: { stack: expect.stringContaining("slot-flow") },
    });
    variant.inputs.command.view[0] = command.add;
    await executor.submit(variant);
    expect(variant.outputs.slots.view[0]).toBe(1);
  });

  it("rejects everything pending when the worker dies, with the cause", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a", 100);
    variant.inputs.command.view[0] = command.exit;
    const slots = Promise.allSettled([executor.submit(variant), executor.submit(variant)]);
    await setTimeout(20);
    const preparation = Promise.allSettled([prepare(executor, "b")]);
    for (const result of [...(await slots), ...(await preparation)]) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: {
          code: "SLOT_WORKER_ENDED",
          message: expect.stringMatching(/ended with status 7; start another/),
        },
      });
    }
    await expect(executor.submit(variant)).rejects.toMatchObject({ code: "SLOT_WORKER_ENDED" });
    await expect(prepare(executor, "c")).rejects.toMatchObject({ code: "SLOT_WORKER_ENDED" });
    await executor.close();
  });

  it("says why it does not start", async () => {
    const starting = (changes: { module?: URL; factory?: string; options?: unknown }) =>
      startSlotExecutor<Flow>({ module, factory: "createSlotFlow", arenaBytes: 1 << 20, ...changes });
    await expect(starting({ factory: "createOther" })).rejects.toThrow(
      /exports no function createOther, but .*createSlotFlow/,
    );
    await expect(starting({ options: "fail" })).rejects.toMatchObject({
      code: "SLOT_WORKER_START",
      message: "told to fail",
    });
    await expect(starting({ module: new URL("../missing.js", import.meta.url) })).rejects.toThrow(
      /missing.js/,
    );
    await expect(
      startSlotExecutor<Flow>({ module, factory: "createSlotFlow", arenaBytes: 1000 }),
    ).rejects.toMatchObject({ code: "ARENA_FULL" });
    await expect(starting({ options: { notACopy: () => {} } })).rejects.toMatchObject({
      code: "SLOT_WORKER_START",
      message: expect.stringMatching(/options that can be copied/),
    });
  });

  it("leaves no processor taken by a thread that does not start", async () => {
    const before = leasedProcessors();
    for (const options of ["fail", { notACopy: () => {} }]) {
      const starting = startSlotExecutor<Flow>({
        module,
        factory: "createSlotFlow",
        arenaBytes: 1 << 20,
        options,
      });
      await expect(starting).rejects.toThrow();
      expect(leasedProcessors()).toEqual(before);
    }
  });

  it("reports a preparation that fails, its class kept, and goes on", async () => {
    const executor = await start();
    await expect(prepare(executor, "a", -1)).rejects.toMatchObject({
      code: "PREPARATION_FAILED",
      message: /backwards/,
    });
    const wrong = executor.prepare({ key: "b", dimensions: {}, parameters: { obey: { milliseconds: 0 } } });
    await expect(wrong).rejects.toBeInstanceOf(InputError);
    await expect(wrong).rejects.toMatchObject({ field: "dimensions.element" });
    const foreign = { obey: { milliseconds: () => 0 } };
    const unclonable = executor.prepare({ key: "c", dimensions: { element: 4 }, parameters: foreign });
    await expect(unclonable).rejects.toThrow(/could not be cloned/);
    await executor.submit(await prepare(executor, "a"));
  });

  it("gives back the variant submitted least recently, once its slots are done", async () => {
    const executor = await start();
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((key) => prepare(executor, key, 20)));
    expect(await prepare(executor, "b")).toBe(b);
    const busy = executor.submit(a);
    await executor.submit(c);
    await prepare(executor, "b");
    const lastOfA = executor.submit(a).then(() => a.released);
    await executor.submit(b);
    await executor.submit(c);
    const d = await prepare(executor, "d");
    expect([a.released, b.released, c.released, d.released]).toEqual([true, false, false, false]);
    await expect(lastOfA).resolves.toBe(false);
    await busy;
    expect(() => a.inputs).toThrow(/variant a was given back/);
    await expect(executor.submit(a)).rejects.toMatchObject({ code: "VARIANT_RELEASED" });
    const pending = executor.submit(b);
    for (const key of ["e", "f", "g", "h"]) await prepare(executor, key);
    await pending;
    expect([b.released, d.released]).toEqual([true, true]);
    expect(executor.statistics().failed).toBe(0);
    const again = await prepare(executor, "a");
    await executor.submit(again);
    expect(again.outputs.slots.view[0]).toBe(7);
  });

  it("finishes what was submitted when it is closed, and refuses more", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a", 1);
    const slots = Array.from({ length: 20 }, () => executor.submit(variant));
    const closed = executor.close();
    await expect(executor.submit(variant)).rejects.toMatchObject({ code: "EXECUTOR_CLOSED" });
    await Promise.all([...slots, closed, executor.close()]);
    expect(variant.outputs.slots.view[0]).toBe(20);
    await expect(executor.submit(variant)).rejects.toMatchObject({ code: "EXECUTOR_CLOSED" });
  });

  it("ends a worker that hangs by force", async () => {
    const executor = await start();
    const variant = await prepare(executor, "a");
    variant.inputs.command.view[0] = command.stall;
    const hanging = expect(executor.submit(variant)).rejects.toMatchObject({ code: "EXECUTOR_CLOSED" });
    await executor.close();
    await hanging;
  });
});
