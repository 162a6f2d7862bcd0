import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createArena, type Region } from "./arena.js";
import { bytesPerElement, type DataType } from "./data-type.js";
import { createFreeList } from "./free-list.js";
import type { Tensor } from "./tensor.js";

describe("arena", () => {
  it("gives zeroed tensors of every type at multiples of 64, never at 0 (invariant 1)", () => {
    const arena = createArena({ bytes: 1 << 16 });
    const region = arena.region("types");
    for (const dtype of Object.keys(bytesPerElement) as DataType[]) {
      const tensor = region.tensor(dtype, dtype, [3, 5]);
      expect(tensor.offset % 64).toBe(0);
      expect(tensor.offset).toBeGreaterThan(0);
      expect(tensor.byteLength).toBe(15 * bytesPerElement[dtype]);
      expect(tensor.view.byteLength).toBe(tensor.byteLength);
      expect(tensor.view.length).toBe(dtype === "complex64" ? 30 : 15);
      expect(tensor.view.every((value) => value === 0)).toBe(true);
    }
  });

  it("holds scalars and tensors without elements, refuses impossible shapes", () => {
    const region = createArena({ bytes: 4096, canaries: true }).region("shapes");
    expect(region.tensor("scalar", "int32", []).view.length).toBe(1);
    expect(region.tensor("none", "int32", [0, 4]).view.length).toBe(0);
    for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => region.tensor("bad", "int8", [size])).toThrow(/shapes.bad cannot have the shape/);
    }
  });

  it("has room for what was asked for and says what is missing", () => {
    const arena = createArena({ bytes: 1_000_000 });
    const region = arena.region("big");
    region.tensor("fits", "uint8", [900_000]);
    expect(() => region.tensor("second", "float64", [100_000])).toThrow(
      /big.second asks for 800064 bytes; \d+ bytes are free, the largest piece has \d+: make the arena larger/,
    );
    expect(() => createArena({ bytes: 0 })).toThrow(/impossible/);
    expect(() => createArena({ bytes: 2 ** 33 })).toThrow(/less than 4 GiB/);
  });

  it("keeps reads past the last tensor inside the memory", () => {
    const arena = createArena({ bytes: 65536 });
    const region = arena.region("all");
    const tensor = region.tensor("last", "uint8", [arena.available().largest - 64]);
    expect(arena.available().bytes).toBe(0);
    expect(tensor.offset + tensor.byteLength + 64).toBeLessThanOrEqual(arena.memory.buffer.byteLength);
    expect(arena.memory.buffer.byteLength - (tensor.offset + tensor.byteLength)).toBeGreaterThanOrEqual(
      65536,
    );
  });

  it("gives a released region's memory back, zeroed when taken again (invariant 3)", () => {
    const arena = createArena({ bytes: 65536 });
    const before = arena.available();
    const first = arena.region("first");
    const tensor = first.tensor("x", "uint8", [1000]);
    first.tensor("y", "float32", [10, 10]);
    tensor.view.fill(7);
    first.release();
    first.release();
    expect(arena.available()).toEqual(before);
    const again = arena.region("second").tensor("z", "uint8", [1000]);
    expect(again.offset).toBe(tensor.offset);
    expect(again.view.every((value) => value === 0)).toBe(true);
    expect(() => first.tensor("late", "int8", [1])).toThrow(/region first was released/);
  });

  it("names the tensor beside which someone wrote", () => {
    const arena = createArena({ bytes: 65536, canaries: true });
    const region = arena.region("variant");
    const tensors = ["left", "middle", "right"].map((name) => region.tensor(name, "int8", [10]));
    const bytes = new Uint8Array(arena.memory.buffer);
    arena.checkCanaries();
    for (const { name, offset, view } of tensors) {
      view.fill(-1);
      arena.checkCanaries();
      bytes[offset + 10] = 0;
      expect(() => arena.checkCanaries()).toThrow(
        `tensor ${name} of variant was overrun: a write 0 bytes past its end`,
      );
      bytes[offset + 10] = 0xc5;
      bytes[offset - 1] = 0;
      expect(() => arena.checkCanaries()).toThrow(/overrun: a write/);
      bytes[offset - 1] = 0xc5;
      arena.checkCanaries();
    }
  });

  it("never overlaps live tensors and loses nothing, whatever comes and goes (invariants 1 to 3)", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), region: fc.nat(5), size: fc.nat(20_000) }),
      fc.record({ kind: fc.constant("drop" as const), region: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, canaries) => {
        const arena = createArena({ memory, canaries });
        const before = arena.available();
        const regions = new Map<number, { region: Region; tensors: Tensor[] }>();
        for (const action of steps) {
          const entry = regions.get(action.region) ?? { region: arena.region("r"), tensors: [] };
          regions.set(action.region, entry);
          if (action.kind === "drop") {
            entry.region.release();
            regions.delete(action.region);
          } else if (action.size + 192 <= arena.available().largest) {
            entry.tensors.push(entry.region.tensor("t", "uint8", [action.size]));
          }
          const live = [...regions.values()]
            .flatMap(({ tensors }) => tensors)
            .sort((a, b) => a.offset - b.offset);
          for (const [index, tensor] of live.entries()) {
            const next = live[index + 1]?.offset ?? arena.memory.buffer.byteLength - 65536;
            expect(tensor.offset + tensor.byteLength + 64).toBeLessThanOrEqual(next);
          }
        }
        for (const { region } of regions.values()) region.release();
        expect(arena.available()).toEqual(before);
      }),
      { seed: 20260501, numRuns: 300 },
    );
  });
});

const memory = createArena({ bytes: 200_000 }).memory;

describe("free list", () => {
  it("agrees with a map of bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 9 })), { maxLength: 80 }),
        (steps) => {
          const list = createFreeList(4, 44);
          const taken = new Uint8Array(44).fill(1, 0, 4);
          const held: { begin: number; bytes: number }[] = [];
          for (const [take, number] of steps) {
            if (take) {
              const begin = list.take(number);
              const gap = longestGap(taken);
              expect(list.largest()).toBeLessThanOrEqual(gap);
              if (begin === undefined) expect(gap).toBeLessThan(number);
              else {
                expect(taken.subarray(begin, begin + number).every((value) => value === 0)).toBe(true);
                taken.fill(1, begin, begin + number);
                held.push({ begin, bytes: number });
              }
            } else if (held.length > 0) {
              const [{ begin, bytes }] = held.splice(number % held.length, 1) as [
                { begin: number; bytes: number },
              ];
              list.give(begin, bytes);
              taken.fill(0, begin, begin + bytes);
            }
            expect(list.free()).toBe(taken.filter((value) => value === 0).length);
            expect(list.largest()).toBe(longestGap(taken));
          }
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });
});

function longestGap(taken: Uint8Array): number {
  let longest = 0;
  let run = 0;
  for (const value of taken) {
    run = value === 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
