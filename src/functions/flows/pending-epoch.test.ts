import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flowKeys } from "./epoch-store.js";
import { checksums } from "./guard.js";
import { decodeMessages, decodePart, encodePart } from "./part.js";
import { createPendingEpoch } from "./pending-epoch.js";
import { beginning } from "./restoration.js";

const keys = flowKeys("flow");
const tasks = [
  { kind: "source", name: "in", replica: 0 },
  { kind: "operator", name: "sum", replica: 0 },
  { kind: "operator", name: "sum", replica: 1 },
] as const;
const bytes = (value: number): Uint8Array => Uint8Array.of(value);
const pendingEpoch = () => createPendingEpoch(keys, checksums, ["out", "other"], tasks);

function acknowledge(
  pending: ReturnType<typeof pendingEpoch>,
  epoch: number,
  position: number,
  loop: number[] = [],
) {
  for (const task of tasks.keys()) {
    const feedback = task === 1 ? { loop: loop.map(bytes) } : {};
    pending.acknowledged({ kind: "acknowledged", task, epoch, position, ended: false, feedback });
  }
}

describe("what no epoch has committed yet", () => {
  it("is committed with the next epoch when one is aborted: each key's last value, each output once (invariants 1 and 2)", () => {
    const copy = fc.record({
      entries: fc.uniqueArray(fc.record({ key: fc.nat(4), value: fc.option(fc.nat(255)) }), {
        maxLength: 4,
        selector: ({ key }) => key,
      }),
      outputs: fc.array(fc.nat(1), { maxLength: 3 }),
      early: fc.nat(2),
      commits: fc.boolean(),
      full: fc.integer({ min: 0, max: 4 }).map((draw) => draw === 0),
    });
    fc.assert(
      fc.property(fc.array(copy, { maxLength: 12 }), (epochs) => {
        const pending = pendingEpoch();
        const state = new Map<string, number>();
        const stored = new Map<string, number>();
        const expected: number[] = [];
        const released: number[] = [];
        let before = beginning;
        let ordinal = 0;
        let early: number[] = [];
        let owed = false;
        for (const [index, { entries, outputs, early: ahead, commits, full: drawn }] of epochs.entries()) {
          const epoch = index + 1;
          const full: boolean = drawn || owed || before.epoch === 0;
          owed = full && !commits;
          for (const { key, value } of entries) {
            if (value === null) state.delete(`${key}`);
            else state.set(`${key}`, value);
          }
          const changes = entries.map(({ key, value }) => {
            return { key: `${key}`, value: value === null ? undefined : bytes(value) };
          });
          const all = [...state].map(([key, value]) => ({ key, value: bytes(value) }));
          const mine = [...early, ...outputs.map(() => ordinal++)];
          expected.push(...mine);
          const fresh = mine.slice(early.length);
          pending.outputs({
            kind: "outputs",
            heads: fresh.flatMap(() => [0, epoch, 1]),
            bytes: Uint8Array.from(fresh),
          });
          pending.copied(1, full, [{ group: 3, bytes: encodePart(full ? all : changes) }]);
          acknowledge(pending, epoch, 10 * epoch);
          // Behind its barrier a task goes on: that is the next epoch's.
          early = Array.from({ length: ahead }, () => ordinal++);
          pending.outputs({
            kind: "outputs",
            heads: early.flatMap(() => [0, epoch + 1, 1]),
            bytes: Uint8Array.from(early),
          });
          const prepared = pending.prepare(epoch, full, before, 1);
          if (!commits) continue;
          expect(prepared.manifest.positions).toEqual({ in: [10 * epoch] });
          if (full) stored.clear();
          for (const { key, value } of prepared.writes) {
            expect(key).toBe(keys.part(epoch, "sum", 3));
            for (const entry of decodePart(checksums.open(value!, key))) {
              if (entry.value === undefined) stored.delete(entry.key);
              else stored.set(entry.key, entry.value[0]);
            }
          }
          expect(new Map([...stored].sort())).toEqual(new Map([...state].sort()));
          for (const { position, bytes: output } of prepared.outputs) {
            expect(position).toBe(released.length);
            released.push(output[0]);
          }
          expect(released).toEqual(expected);
          before = prepared.manifest;
          pending.committed(epoch);
          expect(pending.held()).toBe(early.length);
        }
      }),
      { seed: 20261121, numRuns: 500 },
    );
  });

  it("has the feedback of its own epoch alone (invariant 3)", () => {
    const pending = pendingEpoch();
    acknowledge(pending, 1, 5, [7, 8]);
    acknowledge(pending, 2, 6, [9]);
    const { manifest, writes } = pending.prepare(2, true, beginning, 1);
    expect(manifest.feedback).toEqual([["sum", "loop"]]);
    const [{ key, value }] = writes;
    expect(decodeMessages(checksums.open(value!, key)).map(([one]) => one)).toEqual([9]);
  });

  it("is nothing where nothing happened", () => {
    const pending = pendingEpoch();
    acknowledge(pending, 1, 5);
    const first = pending.prepare(1, true, beginning, 1);
    expect(first.empty).toBe(false);
    pending.committed(1);
    acknowledge(pending, 2, 5);
    expect(pending.prepare(2, false, first.manifest, 1).empty).toBe(true);
    acknowledge(pending, 3, 6);
    expect(pending.prepare(3, false, first.manifest, 1).empty).toBe(false);
  });
});
