import { describe, expect, it } from "vitest";
import { residentMemory } from "./resident-memory.js";

describe.runIf(process.platform === "linux")("resident memory", () => {
  it("is what this process knows of itself, and grows with what it fills", () => {
    const before = residentMemory(process.pid)!;
    expect(Math.abs(before.bytes - process.memoryUsage.rss())).toBeLessThan(20e6);
    expect(before.anonymous_bytes).toBeLessThan(before.bytes);
    const filled = Buffer.alloc(100e6, 1);
    const after = residentMemory(process.pid)!;
    expect(filled[5e7]).toBe(1);
    expect(after.anonymous_bytes - before.anonymous_bytes).toBeGreaterThan(80e6);
  });

  it("is unknown of a process that is not there", () => {
    expect(residentMemory(2 ** 30)).toBeUndefined();
  });
});
