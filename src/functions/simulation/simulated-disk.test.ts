import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Write } from "../../bus/index.js";
import { createEventQueue } from "./event-queue.js";
import { decodeBatch, encodeBatch } from "./journal.js";
import { compareAsUtf8, createDisk } from "./simulated-disk.js";
import { createWorld } from "./world.js";

const run = { seed: 4, numRuns: 200 };
const batches = fc.array(
  fc.record({ key: fc.string({ unit: "grapheme" }), value: fc.option(fc.uint8Array(), { nil: undefined }) }),
);

describe("the event queue", () => {
  it("gives events in the order of their times, equal ones as they came, and none that was cancelled", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean())), (events) => {
        const queue = createEventQueue();
        const pushed = events.map(([time_ms, cancelled], index) => {
          const event = queue.push(time_ms, () => {});
          event.cancelled = cancelled;
          return { event, time_ms, cancelled, index };
        });
        const expected = pushed.filter(({ cancelled }) => !cancelled).sort((a, b) => a.time_ms - b.time_ms);
        for (const { event } of expected) expect(queue.pop()).toBe(event);
        expect(queue.pop()).toBeUndefined();
      }),
      run,
    );
  });
});

describe("a journal's record", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(batches, (batch) => {
        expect(decodeBatch(encodeBatch(batch))).toEqual(batch);
      }),
      run,
    );
  });

  it("is found torn wherever it is cut or changed", () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, place, change) => {
        const record = encodeBatch(batch);
        expect(decodeBatch(record.slice(0, place % record.length))).toBeUndefined();
        const damaged = Uint8Array.from(record);
        damaged[place % record.length]! ^= change;
        expect(decodeBatch(damaged)).toBeUndefined();
      }),
      run,
    );
  });
});

describe("the simulated disk", () => {
  it("orders keys as their UTF-8 bytes (independent: Buffer.compare)", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (one, other) => {
        expect(Math.sign(compareAsUtf8(one, other))).toBe(
          Buffer.compare(Buffer.from(one), Buffer.from(other)),
        );
      }),
      run,
    );
  });

  it("keeps, over a crash, a beginning of the batches that contains all that were told durable (invariants 1 and 2)", async () => {
    let lost = 0;
    let kept = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const world = createWorld(seed, { profile: ["torn write", "unreported write", "slow disk"] });
      const disk = createDisk(world, "disk");
      let up = true;
      const store = disk.open(
        () => up,
        (then) => up && then(),
      );
      const told: number[] = [];
      const count = 1 + world.random.integer(8);
      const write = (index: number): Write[] => [
        { key: "latest", value: Uint8Array.of(index) },
        { key: `batch ${index}`, value: Uint8Array.of(index) },
        { key: `batch ${index - 1} too`, value: undefined },
        { key: `batch ${index} too`, value: Uint8Array.of(index) },
      ];
      for (let index = 1; index <= count; index++) {
        world.schedule(
          world.random.next(),
          () => void store.commit(write(index)).then(() => told.push(index)),
        );
      }
      const crash_ms = 4 * world.random.next();
      world.schedule(crash_ms, () => {
        up = false;
        disk.crash();
      });
      await world.run(() => false, 100);
      expect(world.violation).toBeUndefined();
      const there = disk.entries().map(({ key }) => key);
      const survived = there.filter((key) => /^batch \d+$/.test(key)).map((key) => Number(key.slice(6)));
      expect(survived).toEqual(expect.arrayContaining(told));
      // Each batch whole: the entry that only the last one leaves is that of the latest.
      const latest = disk.get("latest")?.[0];
      expect(there.filter((key) => key.endsWith("too") && key === `batch ${latest} too`)).toHaveLength(
        survived.length > 0 ? 1 : 0,
      );
      lost += count - survived.length;
      kept += survived.length - told.length;
    }
    expect(lost).toBeGreaterThan(20);
    expect(kept).toBeGreaterThan(5);
  });
});
