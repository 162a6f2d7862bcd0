import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNodeLog } from "./node-log.js";

describe("a node's log", () => {
  it("keeps the last lines, and gives them from any position on", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.nat(30), fc.nat(40), (kept, written, from) => {
        const log = createNodeLog(kept, () => 5);
        const all = Array.from({ length: written }, (_, i) => i + 1);
        for (const position of all) log.write("info", "node", `line ${position}`);
        const wanted = all.slice(-kept).filter((position) => position >= from);
        expect(log.lines(from).map(({ message }) => message)).toEqual(wanted.map((one) => `line ${one}`));
        expect(log.lines(from).map(({ position }) => position)).toEqual(wanted);
      }),
      { seed: 2 },
    );
  });

  it("delivers what is kept and what comes, until it is left", () => {
    const log = createNodeLog(10, () => 5);
    const [all, coming]: [number[], number[]] = [[], []];
    log.write("info", "node", "first");
    const leave = log.subscribe(1, ({ position }) => all.push(position));
    const leaveOther = log.subscribe(undefined, ({ position }) => coming.push(position));
    log.write("info", "node", "second");
    leave();
    log.write("info", "node", "third");
    leaveOther();
    expect([all, coming]).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });
});
