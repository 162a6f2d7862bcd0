import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDueQueue } from "./due-queue.js";

describe("due queue", () => {
  it("gives what is due as a sorted list would", () => {
    const names = fc.constantFrom("a", "b", "c", "d", "e");
    const step = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), name: names, at: fc.nat(50) }),
      fc.record({ kind: fc.constant("delete" as const), name: names, at: fc.nat(50) }),
      fc.record({ kind: fc.constant("take" as const), name: names, at: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = createDueQueue();
        let model: { name: string; at: number }[] = [];
        for (const { kind, name, at } of steps) {
          if (kind !== "take") model = model.filter((one) => one.name !== name);
          if (kind === "set") {
            queue.set(name, at);
            model.push({ name, at });
          } else if (kind === "delete") queue.delete(name);
          else {
            const [first] = model.toSorted((one, other) => one.at - other.at);
            const due = first !== undefined && first.at <= at ? first : undefined;
            expect(queue.earliest()).toBe(first?.at);
            expect(queue.take(at)).toBe(due?.name);
            model = model.filter((one) => one !== due);
          }
          expect(queue.size).toBe(model.length);
        }
      }),
      { seed: 43, numRuns: 500 },
    );
  });

  it("does not grow when what is there is set again and again", () => {
    const queue = createDueQueue();
    for (let index = 0; index < 100_000; index++) queue.set(`${index % 100}`, 1e6 + index);
    expect(queue.held).toBeLessThan(300);
    const order: string[] = [];
    for (let name = queue.take(2e6); name !== undefined; name = queue.take(2e6)) order.push(name);
    expect(order).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
  });
});
