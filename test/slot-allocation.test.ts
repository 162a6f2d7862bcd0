import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { testTargets } from "./targets.js";

const program = fileURLToPath(new URL("./slot-heap.js", import.meta.url));

/** A line of --trace-gc, and the heap that it is about. */
const collection = /^\[\d+:(0x[0-9a-f]+)\]/;

/** What V8 collects, as --trace-gc prints it, while slots are received, and by how many bytes the heap grows over them. */
async function receive(slots: number, ...words: readonly string[]) {
  const given = ["--trace-gc", program, words[0]!, String(slots), ...words.slice(1)];
  const { stdout } = await promisify(execFile)(process.execPath, given);
  const lines = stdout.split("\n");
  const [begin, end] = [lines.indexOf("begin"), lines.indexOf("end")];
  const { growth, correct } = JSON.parse(lines.find((line) => line.startsWith("{"))!) as Record<
    string,
    number
  >;
  // The compiler's thread collects as well; what runs first is the thread of the slots.
  const heap = lines.find((line) => collection.test(line))!.match(collection)![1];
  const collections = lines.slice(begin + 1, end).filter((line) => line.match(collection)?.[1] === heap);
  return { collections, growth: growth!, correct };
}

/** Far below 16 bytes a slot, the least that could be allocated. */
const noise = 16_384;
const targets = testTargets.map(({ name }) => name);

describe.each(targets)("the slot path on %s", (target) => {
  it("receives 10,000 slots without a collection, and the heap does not grow", {
    timeout: 60_000,
  }, async () => {
    const { collections, growth, correct } = await receive(10_000, target);
    console.log(`${target}: the heap grew by ${growth} bytes over 10,000 slots`);
    expect(correct).toBe(10_000);
    expect(collections).toEqual([]);
    expect(Math.abs(growth)).toBeLessThan(noise);
  });
});

describe("the slot path on the fastest target", () => {
  it.each([
    ["rejection of interference", "detection:irc", "2"],
    ["the K-best detector", "detection:k-best", "2"],
    ["cancellation of layers", "equalization:mmse-sic", "2"],
    ["transform precoding", "equalization:mmse", "1", "true"],
  ])("allocates nothing with %s", { timeout: 60_000 }, async (_, ...words) => {
    const { collections, growth, correct } = await receive(2000, targets.at(-1)!, ...words);
    expect(correct).toBe(2000);
    expect(collections).toEqual([]);
    expect(Math.abs(growth)).toBeLessThan(noise);
  });
});
