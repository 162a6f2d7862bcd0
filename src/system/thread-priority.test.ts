import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { setRealTime } from "./index.js";

/** Of proc(5): the scheduling policy of the calling thread. */
function policy(): number {
  const stat = readFileSync("/proc/thread-self/stat", "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38]);
}

const problem = setRealTime(true);
setRealTime(false);

describe("the priority of a thread", () => {
  it.skipIf(problem !== undefined)(
    `changes for the thread that asks, and back${problem ? `: ${problem}` : ""}`,
    () => {
      expect(policy()).toBe(0);
      expect(setRealTime(true)).toBeUndefined();
      expect(policy()).toBe(1);
      expect(setRealTime(false)).toBeUndefined();
      expect(policy()).toBe(0);
    },
  );

  it.skipIf(problem !== undefined)("is not inherited by threads that it starts", async () => {
    setRealTime(true);
    const read = `require("node:fs").readFileSync("/proc/thread-self/stat", "utf8")`;
    const worker = new Worker(`require("node:worker_threads").parentPort.postMessage(${read})`, {
      eval: true,
    });
    const stat = await new Promise<string>((resolve) => worker.once("message", resolve));
    setRealTime(false);
    expect(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38])).toBe(0);
  });
});
