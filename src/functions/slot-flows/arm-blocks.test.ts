import { describe, expect, it } from "vitest";
import { countArmBlocks } from "./arm-blocks.js";

describe("blocks by who received them", () => {
  it("counts each slot once, for whose it was, and begins anew with the next two", () => {
    const blocks = countArmBlocks();
    blocks.count(undefined, true);
    // The last slot of the former thread, when the next one has the slots already.
    blocks.count({ slots: 0, arm: "present" }, true);
    blocks.count({ slots: 1, arm: "present" }, false);
    blocks.count({ slots: 2, arm: "canary" }, true);
    blocks.count({ slots: 3, arm: "canary" }, false);
    blocks.count({ slots: 3, arm: "canary" }, true);
    const all = { present: { blocks: 1, lost: 0 }, canary: { blocks: 2, lost: 1 } };
    expect(blocks.counts()).toEqual(all);
    // They stay to be read when the two are gone.
    blocks.count(undefined, true);
    expect(blocks.counts()).toEqual(all);
    blocks.count({ slots: 1, arm: "canary" }, true);
    expect(blocks.counts()).toEqual({ present: { blocks: 0, lost: 0 }, canary: { blocks: 1, lost: 1 } });
  });
});
