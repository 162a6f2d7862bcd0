import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { leasedProcessors, leaseProcessor, type ProcessorLease } from "./processor-lease.js";
import {
  affinityProblem,
  avoidProcessors,
  processProcessors,
  runOn,
  threadProcessors,
} from "./processors.js";

const problem = affinityProblem();
const all = processProcessors() ?? [];

/** As Linux prints it: ranges such as 0-3,5. */
function parseList(text: string): number[] {
  return text.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, k) => first! + k);
  });
}

function listOf(task: string): number[] {
  const status = readFileSync(`/proc/${task}/status`, "utf8");
  return parseList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)![1]!);
}

afterEach(() => {
  runOn(all);
});

describe.skipIf(problem !== undefined)("the processors of a thread", () => {
  it("are those that Linux tells", () => {
    expect(threadProcessors()).toEqual(listOf("thread-self"));
    expect(processProcessors()).toEqual(listOf("self"));
  });

  it("are those that it was told to run on, and no other thread's", () => {
    for (const processor of all) {
      expect(runOn([processor])).toBe(true);
      expect(listOf("thread-self")).toEqual([processor]);
      expect(processProcessors()).toEqual(all);
    }
    expect(runOn([])).toBe(false);
    expect(runOn([8191])).toBe(false);
    expect(listOf("thread-self")).toEqual(all.slice(-1));
    runOn(all);
    for (const task of readdirSync("/proc/self/task")) expect(listOf(`self/task/${task}`)).toEqual(all);
  });

  it("are all of the process but those it avoids, though it was pinned before", async () => {
    const [first, ...others] = all;
    const script = `
      import { readFileSync } from "node:fs";
      import { parentPort, workerData } from "node:worker_threads";
      const { avoidProcessors, runOn, threadProcessors } = await import(workerData.module);
      runOn(workerData.pinned);
      const before = threadProcessors();
      parentPort.postMessage({ before, done: avoidProcessors(workerData.avoided), after: threadProcessors() });
    `;
    const startAvoiding = async (avoided: readonly number[]) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
        workerData: { avoided, pinned: [first], module: new URL("./processors.js", import.meta.url).href },
      });
      const said = await new Promise((resolve) => worker.once("message", resolve));
      await worker.terminate();
      return said;
    };
    expect(await startAvoiding(others)).toEqual({ before: [first], done: true, after: [first] });
    expect(await startAvoiding(all)).toEqual({ before: [first], done: false, after: [first] });
    expect(await startAvoiding([])).toEqual({ before: [first], done: true, after: all });
  });

  it("cannot all be avoided", () => {
    expect(avoidProcessors(all)).toBe(false);
    expect(threadProcessors()).toEqual(all);
  });
});

describe.skipIf(problem !== undefined || all.length < 2)("a leased processor", () => {
  /** Waits for slot threads of other tests to be done. */
  async function lease(): Promise<ProcessorLease> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const one = leaseProcessor();
      if (one.processor !== undefined) return one;
      await setTimeout(100);
    }
    throw new Error(`no processor became free: ${leaseProcessor().problem}`);
  }

  it("has one holder until that gives it back; the lowest has none", async () => {
    const held = [await lease()];
    for (;;) {
      const next = leaseProcessor();
      if (next.processor === undefined) {
        expect(next.problem).toBe("other slot threads have all processors but the first");
        break;
      }
      held.push(next);
    }
    const processors = held.map(({ processor }) => processor!);
    expect(new Set(processors).size).toBe(held.length);
    expect(processors).not.toContain(all[0]);
    expect(leasedProcessors()).toEqual(expect.arrayContaining(processors));
    expect(processors).toEqual([...processors].sort((one, other) => other - one));
    for (const one of held) one.release();
    held[0]!.release();
  });

  it("can be had again", async () => {
    const first = await lease();
    first.release();
    const second = await lease();
    expect(second.processor).toBeGreaterThan(0);
    second.release();
  });
});
