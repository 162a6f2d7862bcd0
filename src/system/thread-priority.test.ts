import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { hasRealTime, setRealTime } from "./index.js";

/** Of proc(5): numbers of the calling thread, by their place behind its name. */
function status(at: number): number {
  const stat = readFileSync("/proc/thread-self/stat", "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[at]);
}
const policy = (): number => status(38);
const priority = (): number => status(37);

const problem = setRealTime(true);
setRealTime(false);

describe("the priority of a thread", () => {
  it.skipIf(problem !== undefined)(
    `changes for the thread that asks, and back${problem ? `: ${problem}` : ""}`,
    () => {
      expect(policy()).toBe(0);
      expect(setRealTime(true)).toBeUndefined();
      expect(policy()).toBe(1);
      expect(hasRealTime()).toBe(true);
      const first = priority();
      expect(setRealTime(true, "second")).toBeUndefined();
      expect(policy()).toBe(1);
      expect(priority()).toBeLessThan(first);
      expect(setRealTime(false)).toBeUndefined();
      expect(policy()).toBe(0);
      expect(hasRealTime()).toBe(false);
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
