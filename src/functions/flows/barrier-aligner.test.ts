import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBarrierAligner } from "./barrier-aligner.js";

const seed = 20261121;

/** What comes in at an input, in its order: messages by number, barriers by epoch. */
type Item = { readonly message: number } | { readonly epoch: number };

/** A task's inputs with an aligner before them: takes an item wherever it is allowed to, as `choose` says. */
function drive(feedback: readonly boolean[], inputs: readonly Item[][], choose: (among: number) => number) {
  const aligner = createBarrierAligner(feedback);
  const next = inputs.map(() => 0);
  const processed: number[] = [];
  const copies: { epoch: number; seen: Set<number> }[] = [];
  const logs = new Map<number, number[]>();
  const completed: number[] = [];
  let log: number[] = [];
  for (;;) {
    // No epoch begins before the one before it is over: coordinators see to that.
    const may = (item: Item | undefined): boolean =>
      item !== undefined && ("message" in item || item.epoch <= completed.length + 1);
    const ready = inputs.flatMap((items, input) => {
      return may(items[next[input]]) && !aligner.waits(input) ? [input] : [];
    });
    if (ready.length === 0) break;
    const input = ready[choose(ready.length)];
    const item = inputs[input][next[input]++];
    if ("message" in item) {
      if (aligner.logs(input)) log.push(item.message);
      processed.push(item.message);
      continue;
    }
    const { copy, complete } = aligner.barrier(input, item.epoch);
    if (copy) {
      copies.push({ epoch: item.epoch, seen: new Set(processed) });
      log = [];
    }
    if (complete) {
      completed.push(item.epoch);
      logs.set(item.epoch, log);
    }
  }
  return {
    aligner,
    processed,
    copies,
    completed,
    logs,
    rest: inputs.map((items, input) => items.slice(next[input])),
  };
}

/** Inputs with barriers 1 to `epochs` each, at places that differ. */
const inputsArbitrary = fc
  .record({
    epochs: fc.integer({ min: 1, max: 4 }),
    runs: fc.array(fc.array(fc.nat(4), { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
    loops: fc.nat(2),
  })
  .map(({ epochs, runs, loops }) => {
    const feedback = runs.map((_, index) => index > 0 && index <= loops);
    let number = 0;
    const inputs = runs.map((lengths) => {
      const items: Item[] = [];
      for (let epoch = 1; epoch <= epochs + 1; epoch++) {
        for (let count = 0; count < lengths[epoch]; count++) items.push({ message: number++ });
        if (epoch <= epochs) items.push({ epoch });
      }
      return items;
    });
    return { epochs, feedback, inputs };
  });

/** The messages of an input before its barrier of an epoch. */
function before(items: readonly Item[], epoch: number): number[] {
  const end = items.findIndex((item) => "epoch" in item && item.epoch === epoch);
  return items.slice(0, end).flatMap((item) => ("message" in item ? [item.message] : []));
}

describe("barrier aligner", () => {
  it("copies what came before the barriers of all inputs, and logs what loops had under way (invariants 1 to 3)", () => {
    fc.assert(
      fc.property(
        inputsArbitrary,
        fc.infiniteStream(fc.nat(1000)),
        ({ epochs, feedback, inputs }, choices) => {
          const { copies, completed, logs, rest, aligner } = drive(
            feedback,
            inputs,
            (among) => choices.next().value % among,
          );
          const all = Array.from({ length: epochs }, (_, index) => index + 1);
          expect(completed).toEqual(all);
          expect(copies.map(({ epoch }) => epoch)).toEqual(all);
          expect(rest.flat()).toEqual([]);
          expect(aligner.pending()).toBeUndefined();
          for (const { epoch, seen } of copies) {
            const log = new Set(logs.get(epoch));
            for (const [input, items] of inputs.entries()) {
              const mine = new Set(items.flatMap((item) => ("message" in item ? [item.message] : [])));
              const expected = before(items, epoch);
              const copied = [...seen].filter((message) => mine.has(message));
              if (feedback[input]) {
                const restored = [...copied, ...[...log].filter((message) => mine.has(message))];
                expect(restored.sort((a, b) => a - b)).toEqual(expected);
              } else expect(copied.sort((a, b) => a - b)).toEqual(expected);
            }
          }
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it("lets nobody wait after an abort, and takes no barrier of what is over (invariants 3 to 5)", () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("barrier" as const), input: fc.nat(2) }),
      fc.record({ kind: fc.constant("abort" as const), input: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const aligner = createBarrierAligner([false, false, true]);
        const epochOf = [0, 0, 0];
        let over = 0;
        let copied = 0;
        for (const { kind, input } of events) {
          if (kind === "abort") {
            const epoch = Math.max(...epochOf);
            aligner.abort(epoch);
            over = Math.max(over, epoch);
            expect([0, 1, 2].map((one) => aligner.waits(one) || aligner.logs(one))).toEqual([
              false,
              false,
              false,
            ]);
            expect(aligner.pending()).toBeUndefined();
            continue;
          }
          // An input may lack barriers of epochs that were aborted before its source heard of them.
          if (aligner.waits(input)) continue;
          epochOf[input] = Math.max(epochOf[input] + 1, over);
          const epoch = epochOf[input];
          const { copy, complete } = aligner.barrier(input, epoch);
          if (epoch <= over) expect([copy, complete]).toEqual([false, false]);
          if (copy) {
            expect(epoch).toBeGreaterThan(copied);
            copied = epoch;
          }
          if (complete) {
            expect(epoch).toBe(copied);
            over = epoch;
          }
        }
      }),
      { seed, numRuns: 1000 },
    );
  });

  it("gives an epoch up for a later one (invariant 4)", () => {
    const aligner = createBarrierAligner([false, false]);
    expect(aligner.barrier(0, 1)).toEqual({ copy: false, complete: false });
    expect(aligner.waits(0)).toBe(true);
    expect(aligner.barrier(1, 2)).toEqual({ copy: false, complete: false });
    expect([aligner.waits(0), aligner.waits(1)]).toEqual([false, true]);
    expect(aligner.pending()).toEqual({ epoch: 2, inputs: [0] });
    expect(aligner.barrier(0, 2)).toEqual({ copy: true, complete: true });
    expect(aligner.barrier(1, 1)).toEqual({ copy: false, complete: false });
    expect(aligner.pending()).toBeUndefined();
  });

  it("holds a loop back whose barrier has been round before the copy was made (invariant 1)", () => {
    const aligner = createBarrierAligner([false, true]);
    aligner.barrier(1, 1);
    expect([aligner.waits(0), aligner.waits(1), aligner.logs(1)]).toEqual([false, true, false]);
    expect(aligner.barrier(0, 1)).toEqual({ copy: true, complete: true });
    expect(aligner.waits(1)).toBe(false);
  });
});
