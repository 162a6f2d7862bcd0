/** Helpers (invariants in helper-thread.ts). */
import { spawnSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { HELPER_WORDS, type HelperWords, helperWord, startHelper, stopHelper } from "./index.js";

const system = JSON.stringify(new URL("./index.js", import.meta.url).href);

/** A helper that is busy for so many milliseconds at each signal, uninterruptibly, and counts them in the word behind its own. */
function helperModule(milliseconds: number): string {
  const source = `
    import { workerData } from "node:worker_threads";
    const { helperWord, whileBusy, HELPER_WORDS } = await import(${system});
    const { words, port } = workerData;
    while (Atomics.load(words, helperWord.stop) === 0) {
      const signal = Atomics.load(words, helperWord.signal);
      await whileBusy(words, async () => {
        const end = performance.now() + ${milliseconds};
        while (performance.now() < end);
        Atomics.add(words, HELPER_WORDS, 1);
      });
      Atomics.wait(words, helperWord.signal, signal);
    }
    port.close();`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

describe("a helper", () => {
  it("ends by itself when it is told to stop, behind what it does (1)", async () => {
    const words: HelperWords = new Int32Array(new SharedArrayBuffer(4 * (HELPER_WORDS + 1)));
    startHelper(helperModule(300), { words, port: new MessageChannel().port2 });
    while (Atomics.load(words, helperWord.busy) === 0) await pause(1);
    stopHelper(words);
    while (Atomics.load(words, helperWord.ended) === 0) await pause(1);
    expect(words[HELPER_WORDS]).toBe(1);
    expect(words[helperWord.busy]).toBe(0);
  });

  it("is waited for by the end of the process as long as it is busy (2)", () => {
    const script = `
      const { MessageChannel } = await import("node:worker_threads");
      const { HELPER_WORDS, helperWord, startHelper } = await import(${system});
      const words = new Int32Array(new SharedArrayBuffer(4 * (HELPER_WORDS + 1)));
      startHelper(${JSON.stringify(helperModule(700))}, { words, port: new MessageChannel().port2 });
      while (Atomics.load(words, helperWord.busy) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      process.on("exit", () => console.log(words[HELPER_WORDS], words[helperWord.busy]));
      process.exit(5);`;
    const module = `data:text/javascript,${encodeURIComponent(script)}`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["-e", `import(${JSON.stringify(module)})`],
      { encoding: "utf8" },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 5, stdout: "1 0\n", stderr: "" });
  });

  it("keeps no process alive", () => {
    const script = `
      const { MessageChannel } = await import("node:worker_threads");
      const { HELPER_WORDS, startHelper } = await import(${system});
      const words = new Int32Array(new SharedArrayBuffer(4 * (HELPER_WORDS + 1)));
      startHelper(${JSON.stringify(helperModule(1))}, { words, port: new MessageChannel().port2 });`;
    const module = `data:text/javascript,${encodeURIComponent(script)}`;
    const { status, signal } = spawnSync(process.execPath, ["-e", `import(${JSON.stringify(module)})`], {
      timeout: 20_000,
    });
    expect({ status, signal }).toEqual({ status: 0, signal: null });
  });
});
