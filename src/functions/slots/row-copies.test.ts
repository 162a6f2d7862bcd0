import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arenaMemory } from "../arena.js";
import type { KeyedDescription } from "../keyed-shape.js";
import { createRowCopies, createSharedCopies, releaseClaims, takeCopies } from "./row-copies.js";

const seed = 31337;
const capacities = [5, 3];
/** Bytes of a row in each state of each kind; chunks have 8. */
const rowBytes = [[20, 4], [9]];
const chunk = 8;

function createWorld() {
  const memory = arenaMemory(4096);
  let offset = 64;
  const keyed: KeyedDescription[] = capacities.map((capacity, kind) => ({
    key: `kind ${kind}`,
    capacity,
    states: rowBytes[kind].map((bytes, index) => {
      const byteLength = capacity * bytes;
      const tensor = {
        name: `${kind}.${index}`,
        dtype: "uint8",
        shape: [capacity, bytes],
        offset,
        byteLength,
      } as const;
      offset += 64 * Math.ceil(byteLength / 64) + 64;
      return { name: tensor.name, tensor, initial: undefined };
    }),
  }));
  return { memory, keyed, shared: createSharedCopies(keyed, chunk) };
}

type Step =
  | { kind: "slot"; writes: { kind: number; row: number }[]; value: number }
  | { kind: "background"; chunks: number; interrupted: boolean }
  | { kind: "barrier" }
  | { kind: "crash" };

const row = fc.oneof(
  fc.record({ kind: fc.constant(0), row: fc.nat(capacities[0] - 1) }),
  fc.record({ kind: fc.constant(1), row: fc.nat(capacities[1] - 1) }),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("slot" as const),
        writes: fc.array(row, { maxLength: 3 }),
        value: fc.integer({ min: 1, max: 255 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("background" as const),
        chunks: fc.integer({ min: 1, max: 4 }),
        interrupted: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: "barrier" } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: "crash" } as const) },
  ),
  { minLength: 30, maxLength: 120 },
);

describe("copies of rows under barriers", () => {
  it("are what the rows written since the barrier before held at the barrier, whoever copied them (invariants 1 to 5)", () => {
    const counts = { epochs: 0, rows: 0, interrupted: 0 };
    fc.assert(
      fc.property(steps, (plan) => {
        const { memory, keyed, shared } = createWorld();
        const bytesOf = (kind: number, at: number): Record<string, Uint8Array> =>
          Object.fromEntries(
            keyed[kind].states.map(({ name, tensor }) => {
              const [, bytes] = tensor.shape;
              return [name, new Uint8Array(memory.buffer, tensor.offset + at * bytes, bytes)];
            }),
          );
        const copyOf = (kind: number, at: number) =>
          Object.fromEntries(Object.entries(bytesOf(kind, at)).map(([name, bytes]) => [name, [...bytes]]));
        /** The trivial model: what was written, and of an epoch what the rows held. */
        let writtenSince = new Set<string>();
        let epoch: Map<string, unknown> | undefined;

        let interrupt: (() => void) | undefined;
        const background = createRowCopies(memory.buffer, shared, chunk, undefined, () => interrupt?.());
        const slots = createRowCopies(memory.buffer, shared, chunk, () => {
          throw new Error("nobody copies");
        });
        const writeRows = (writes: readonly { kind: number; row: number }[], value: number): void => {
          for (const { kind, row } of writes) slots.beforeWrite(kind, row);
          for (const { kind, row } of writes) {
            writtenSince.add(`${kind} ${row}`);
            for (const bytes of Object.values(bytesOf(kind, row)))
              for (let k = 0; k < bytes.length; k++) bytes[k] += value + k;
          }
        };
        const finish = (): void => {
          for (let next = 0; next >= 0; ) next = background.copyNext(next);
          if (epoch === undefined) return;
          expect(Atomics.load(shared.left, 0)).toBe(0);
          const found = takeCopies(shared, chunk).map(
            ({ kind, row, bytes }) =>
              [
                `${kind} ${row}`,
                Object.fromEntries(Object.entries(bytes).map(([name, one]) => [name, [...one]])),
              ] as const,
          );
          counts.epochs++;
          counts.rows += found.length;
          expect(Object.fromEntries(found)).toEqual(Object.fromEntries(epoch));
          epoch = undefined;
        };
        for (const [index, step] of plan.entries()) {
          if (step.kind === "slot") writeRows(step.writes, step.value);
          else if (step.kind === "crash") releaseClaims(shared);
          else if (step.kind === "barrier") {
            finish();
            slots.barrier();
            epoch = new Map(
              [...writtenSince].map((one) => {
                const [kind, at] = one.split(" ").map(Number);
                return [one, copyOf(kind, at)];
              }),
            );
            writtenSince = new Set();
          } else {
            const next = plan[index + 1];
            for (let count = 0, from = 0; count < step.chunks && from >= 0; count++) {
              // A slot comes while a chunk is claimed; another row's, as it would wait for this one.
              interrupt = () => {
                interrupt = undefined;
                if (!step.interrupted || next?.kind !== "slot") return;
                counts.interrupted++;
                const busy = shared.marks.indexOf(3);
                const perRow = [4, 2];
                const owner =
                  busy < capacities[0] * perRow[0]
                    ? { kind: 0, row: Math.floor(busy / perRow[0]) }
                    : { kind: 1, row: Math.floor((busy - capacities[0] * perRow[0]) / perRow[1]) };
                writeRows(
                  next.writes.filter(({ kind, row }) => kind !== owner.kind || row !== owner.row),
                  7,
                );
              };
              from = background.copyNext(from);
            }
            interrupt = undefined;
          }
        }
        finish();
      }),
      { seed, numRuns: 1000 },
    );
    console.log(`seed ${seed}:`, counts);
    expect(counts.epochs).toBeGreaterThan(500);
    expect(counts.rows).toBeGreaterThan(1000);
    expect(counts.interrupted).toBeGreaterThan(50);
  });

  it("make a slot wait while the background copies a chunk of its row, and only for that chunk (invariant 3)", () => {
    const { memory, shared } = createWorld();
    const before = createRowCopies(memory.buffer, shared, chunk);
    before.beforeWrite(0, 1);
    before.barrier();
    // The background has claimed the row's second chunk and stops in the middle of it.
    const second = 1 * 4 + 1;
    Atomics.store(shared.marks, second, 3);
    let waited = 0;
    const slots = createRowCopies(memory.buffer, shared, chunk, () => {
      if (++waited < 5) return;
      Atomics.store(shared.marks, second, 4);
      Atomics.sub(shared.left, 0, 1);
    });
    slots.beforeWrite(0, 0);
    expect(waited).toBe(0);
    slots.beforeWrite(0, 1);
    expect(waited).toBe(5);
    expect(Atomics.load(shared.left, 0)).toBe(0);
  });
});
