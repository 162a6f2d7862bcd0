import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { addKernel, lostKernel } from "../../../test/compiler/built-elsewhere.js";
import { withoutLlvm } from "../../../test/compiler/llvm-target.js";
import { testTargets } from "../../../test/targets.js";
import { openCodeCache } from "../code-cache.js";
import { createNativeStore } from "../llvm/native-store.js";
import type { CompiledKernel, PendingKernel, Target } from "../target.js";
import { connectionForThread } from "./connection.js";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function arrival(pending: PendingKernel): Promise<CompiledKernel> {
  for (;;) {
    const compiled = pending.take();
    if (compiled) return compiled;
    await pause(1);
  }
}

const background = (target: Target, kernel = addKernel(1, 1)) => target.compileInBackground!(kernel, memory);

describe.each(testTargets)("the compiler's thread for $name", (target) => {
  it("builds and compiles what was ordered while the thread that ordered goes on", async () => {
    const pending = background(target, addKernel(7, 300));
    expect(pending.take()).toBeUndefined();
    const run = await arrival(pending);
    expect(run(64, 5)).toBe(target.compile(addKernel(7, 300), memory)(64, 5));
  });

  it("does what somebody waits for before what nobody waits for", async () => {
    const slow = Array.from({ length: 6 }, (_, k) => background(target, addKernel(100 + k, 500)));
    expect(target.compile(addKernel(2, 1), memory)(64, 40)).toBe(42);
    expect(slow.at(-1)!.take()).toBeUndefined();
    for (const pending of slow) await arrival(pending);
  });

  it("says what is wrong with an order to the one who gave it, and goes on", async () => {
    expect(() => target.compile(lostKernel(), memory)).toThrow(
      expect.objectContaining({
        code: "KERNEL_ORIGIN",
        message: expect.stringMatching(/export the builder/),
      }),
    );
    await expect(arrival(background(target, lostKernel()))).rejects.toThrow(/no such function/);
    expect(target.compile(addKernel(3, 1), memory)(64, 39)).toBe(42);
  });

  it("is one for the threads that were given a connection", async () => {
    const script = `
      import { parentPort, workerData } from "node:worker_threads";
      const { useConnection, openTarget } = await import(workerData.index);
      const { addKernel } = await import(workerData.kernels);
      useConnection(workerData.end);
      const target = openTarget(workerData.target);
      const result = target.compile(addKernel(11, 5), workerData.memory)(64, 4);
      parentPort.postMessage({ result, ...target.counts() });
    `;
    const said = [];
    for (let k = 0; k < 2; k++) {
      const end = connectionForThread();
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
        workerData: {
          end,
          memory,
          target: target.name,
          index: new URL("../index.js", import.meta.url).href,
          kernels: new URL("../../../test/compiler/built-elsewhere.js", import.meta.url).href,
        },
        transferList: [end.port],
      });
      said.push((await once(worker, "message"))[0]);
      await worker.terminate();
    }
    const result = target.compile(addKernel(11, 5), memory)(64, 4);
    expect(said.map((one) => one.result)).toEqual([result, result]);
    // Native code is shared by address: the second thread's order compiles and loads nothing.
    if (target.name === "llvm") expect(said[1]).toMatchObject({ compiled: 0, loaded: 0 });
  });
});

describe.skipIf(withoutLlvm)("native code in the process", () => {
  it("does not keep a process from ending, nor end it amiss, whatever is being compiled", () => {
    const program = fileURLToPath(new URL("../../../test/compiler/end-while-compiling.js", import.meta.url));
    for (const milliseconds of [0, 50, 100, 150, 200, 250, 300, 400]) {
      const status = milliseconds % 100 === 0 ? [] : ["3"];
      const ended = spawnSync(process.execPath, [program, `${milliseconds}`, ...status], {
        encoding: "utf8",
        env: { ...process.env, NEURORAN_CACHE: "/dev/null/none" },
      });
      expect([ended.status, ended.signal, ended.stderr]).toEqual([Number(status[0] ?? 0), null, ""]);
    }
  });

  const order = (what: number) => ({
    target: "llvm" as const,
    name: addKernel(what, 50).name,
    contract: true,
    from: { origin: addKernel(what, 50).origin! },
  });

  it("is compiled once, stays while it is held, and goes when it was used least recently", async () => {
    const capacity = 10_000;
    const store = createNativeStore(openCodeCache("/dev/null/none"), capacity);
    const first = await store.hold(order(0));
    expect(first.source).toBe("compiled");
    expect(await store.hold(order(0))).toEqual({ ...first, source: "process" });
    for (let k = 1; k < 40; k++) store.release((await store.hold(order(k))).symbol);
    store.release(first.symbol);
    // Held once still, so it is there after forty others; those released first are not.
    expect((await store.hold(order(0))).source).toBe("process");
    expect((await store.hold(order(39))).source).toBe("process");
    expect((await store.hold(order(1))).source).toBe("compiled");
    store.release("nobody");
  });
});
