import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { abandon, askToStop, type SharedStepMemory, sharedStepMemory } from "./shared-step.js";

const sizes = { threads: 4, shards: 4, parameters: 3, statistics: 0, scalars: 1, chunks: 0 };

/** A thread that does `body` with `step`, `thread` and `sizes`, and sends what that gives. */
function start(memory: SharedStepMemory, thread: number, body: string): Worker {
  const module = new URL("./shared-step.js", import.meta.url).href;
  const script = `
    import { parentPort, workerData } from "node:worker_threads";
    import { openSharedStep } from ${JSON.stringify(module)};
    const { memory, sizes, thread } = workerData;
    const step = openSharedStep(memory, sizes);
    ${body}`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
    workerData: { memory, sizes, thread },
  });
}

async function answers(workers: readonly Worker[]): Promise<unknown[]> {
  return Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0] as unknown));
}

describe("threads of a training", () => {
  it("read of each step what all wrote, however they are delayed (invariants 1 and 2)", async () => {
    const memory = sharedStepMemory(sizes);
    const steps = 3000;
    const body = `
      let wrong = 0;
      for (let at = 0; at < ${steps}; at++) {
        // Some are late, each at other steps.
        if ((at * 7 + thread * 13) % 31 === 0) for (const end = performance.now() + 0.3; performance.now() < end; );
        const { gradient, scalars } = step.shard(at, thread);
        gradient.fill(at + thread);
        scalars[0] = at * 10 + thread;
        step.barrier();
        for (let shard = 0; shard < sizes.shards; shard++) {
          const read = step.shard(at, shard);
          if (read.scalars[0] !== at * 10 + shard || read.gradient.some((value) => value !== at + shard)) wrong++;
        }
      }
      parentPort.postMessage(wrong);`;
    const workers = [0, 1, 2, 3].map((thread) => start(memory, thread, body));
    expect(await answers(workers)).toEqual([0, 0, 0, 0]);
  });

  it("stop after the same step when they are asked to (invariant 2)", async () => {
    const memory = sharedStepMemory(sizes);
    const body = `
      let at = 0;
      do {
        if (thread === 0 && step.isAskedToStop()) step.stopAfter(at + 1);
        step.barrier();
        at++;
      } while (!step.isLast(at));
      parentPort.postMessage(at);`;
    const workers = [0, 1, 2, 3].map((thread) => start(memory, thread, body));
    setTimeout(() => askToStop(memory), 50);
    const stopped = await answers(workers);
    expect(new Set(stopped).size).toBe(1);
    expect(stopped[0]).toBeGreaterThan(0);
  });

  it("wait for none that failed (invariant 3)", async () => {
    const memory = sharedStepMemory(sizes);
    const body = `
      parentPort.postMessage("waits");
      try {
        for (;;) step.barrier();
      } catch (error) {
        parentPort.postMessage(error.code);
      }`;
    const workers = [0, 1].map((thread) => start(memory, thread, body));
    expect(await answers(workers)).toEqual(["waits", "waits"]);
    const ends = answers(workers);
    abandon(memory);
    expect(await ends).toEqual(["TRAINING_ABANDONED", "TRAINING_ABANDONED"]);
    // One that comes later, and would not be the last to come, does not wait either.
    const late = start(
      memory,
      2,
      `
      try {
        step.barrier();
      } catch (error) {
        parentPort.postMessage(error.code);
      }`,
    );
    expect(await answers([late])).toEqual(["TRAINING_ABANDONED"]);
  });
});
