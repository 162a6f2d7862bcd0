import { describe, expect, it } from "vitest";
import { createHarqSender } from "./harq-sender.js";

describe("a HARQ sender", () => {
  it("sends new data until told, then retransmits in the order of redundancy versions, and gives up", () => {
    const sender = createHarqSender({ maximumTransmissions: 4, processes: 2 });
    const versions: string[] = [];
    for (let slot = 0; slot < 12; slot++) {
      const { harqProcessId, newDataIndicator, rvIndex } = sender.next()!;
      expect(harqProcessId).toBe(slot % 2);
      if (harqProcessId === 0) versions.push(`${newDataIndicator}${rvIndex}`);
      // Process 1 is received at once, process 0 never.
      sender.report(harqProcessId, harqProcessId === 1);
    }
    expect(versions).toEqual(["10", "02", "03", "01", "10", "02"]);
    expect(sender.transportBlocks).toBe(2 + 6);
  });

  it("begins nothing any more once it finishes", () => {
    const sender = createHarqSender({
      maximumTransmissions: 2,
      redundancyVersions: [0],
      processes: 3,
    });
    for (let slot = 0; slot < 3; slot++) sender.report(sender.next()!.harqProcessId, slot !== 1);
    sender.finish();
    expect(sender.pending).toBe(true);
    expect(sender.next()).toBeUndefined();
    expect(sender.next()).toEqual({ harqProcessId: 1, newDataIndicator: 0, rvIndex: 0 });
    // Its outcome is not known yet.
    expect([sender.next(), sender.next(), sender.next()]).toEqual([undefined, undefined, undefined]);
    sender.report(1, false);
    expect(sender.pending).toBe(false);
    expect([sender.next(), sender.next(), sender.next()]).toEqual([undefined, undefined, undefined]);
    expect(sender.transportBlocks).toBe(3);
  });
});
