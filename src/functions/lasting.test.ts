import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arenaMemory } from "./arena.js";
import { createLastingTensors, type LastingDescription } from "./lasting.js";
import { createSlotMemory } from "./slots/slot-memory.js";

const memory = arenaMemory(1 << 16);
const seed = 5;

function world(end = 1 << 15) {
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const part = { begin: 1024, end };
  return (known: readonly LastingDescription[] = []) => createLastingTensors(memory, { part, taken, known });
}

describe("tensors that outlive instances", () => {
  it("never overlap, though two threads take them (invariant 2)", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1), fc.nat(300)), { maxLength: 40 }), (asked) => {
        const create = world();
        const threads = [create(), create()];
        const tensors = asked.map(([thread, size], k) => threads[thread].tensor(`x${k}`, "int16", [size]));
        const sorted = tensors.toSorted((one, other) => one.offset - other.offset);
        for (const [k, { offset, byteLength }] of sorted.entries()) {
          expect(offset % 64).toBe(0);
          expect(offset).toBeGreaterThanOrEqual(1024);
          // Kernels may read 64 bytes past the end.
          expect(offset + byteLength + 64).toBeLessThanOrEqual(sorted[k + 1]?.offset ?? 1 << 15);
        }
      }),
      { seed, numRuns: 200 },
    );
  });

  it("are found by their names with what they hold (invariant 1), and only in their own layout", () => {
    const create = world();
    const first = create();
    expect(first.find("a", "int32", [3])).toBeUndefined();
    first.tensor("a", "int32", [3]).view.set([1, 2, 3]);
    first.setVersion("a", 4);
    const second = create(first.describe());
    expect([...second.find("a", "int32", [3])!.view]).toEqual([1, 2, 3]);
    expect(second.former("a", 4)).toBeUndefined();
    expect(second.former("a", 5)).toMatchObject({ version: 4, shape: [3] });
    for (const [dtype, shape] of [
      ["int32", [4]],
      ["float32", [3]],
    ] as const)
      expect(() => create(first.describe()).find("a", dtype, shape)).toThrow(/a is int32\[3\] so far/);
  });

  it("are new again where the one that was made is forgotten, but not where it was found", () => {
    const create = world();
    const first = create();
    const { offset } = first.tensor("a", "int32", [3]);
    const second = create(first.describe());
    second.find("a", "int32", [3]);
    second.forget("a");
    expect(second.find("a", "int32", [3])?.offset).toBe(offset);
    first.forget("a");
    expect(first.used()).toEqual([]);
  });

  it("say when there is no room, and leave what there is to smaller ones", () => {
    const lasting = world(2048)();
    expect(() => lasting.tensor("big", "uint8", [1000])).toThrow(
      /big asks for 1088 bytes; 1024 bytes are free/,
    );
    expect(lasting.tensor("small", "uint8", [900]).byteLength).toBe(900);
  });
});

describe("the memory of a slot executor", () => {
  it("has parts that touch but do not overlap, and a guard behind them", () => {
    for (const bytes of [1, 1000, 65536, 1 << 20]) {
      const { memory, parts } = createSlotMemory(bytes);
      const all = [parts.lasting, parts.inputs, ...parts.threads];
      for (const [k, { begin, end }] of all.entries()) {
        expect(begin).toBe(k === 0 ? 0 : all[k - 1].end);
        if (k !== 1) expect(end - begin).toBeGreaterThanOrEqual(bytes);
      }
      expect(memory.buffer.byteLength - all[3].end).toBeGreaterThanOrEqual(65536);
    }
    for (const bytes of [2 ** 31, Number.NaN])
      expect(() => createSlotMemory(bytes)).toThrow(/more than 4 GiB/);
  });
});
