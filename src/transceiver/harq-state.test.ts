import { describe, expect, it } from "vitest";
import { createHarqStates } from "./harq-state.js";
import { parseCarrier } from "./pusch/index.js";

const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
const grant = { slot: 0, physCellId: 1, rnti: 100, rbStart: 0, rbSize: 20, mcsIndex: 10 };
/** 64QAM, reserved in MCS table 1, on fewer resource blocks. */
const retransmission = { ...grant, mcsIndex: 31, rbSize: 11, rvIndex: 2 };

describe("the state of HARQ processes", () => {
  it("gives a reserved MCS index the block size and code rate of the grant before it", () => {
    const states = createHarqStates(carrier);
    const first = states.resolve(grant);
    // TS 38.214 Table 5.1.3.1-1: index 10 is 16QAM, 340/1024; index 31 is reserved with order 6.
    expect(first.targetCodeRate).toBe(340 / 1024);
    for (const rvIndex of [2, 3, 1]) {
      const next = states.resolve({ ...retransmission, rvIndex });
      expect(next.transportBlockSize).toBe(first.transportBlockSize);
      expect(next.targetCodeRate).toBe(first.targetCodeRate);
      expect(next.codeBlocks).toEqual(first.codeBlocks);
      expect(next.modulationOrder).toBe(6);
      expect(next.grant.newDataIndicator).toBe(0);
    }
    expect(states.of(100, 0)).toEqual({
      transportBlockSize: first.transportBlockSize,
      targetCodeRate: 340 / 1024,
    });
  });

  it("follows the latest grant that determines the size", () => {
    const states = createHarqStates(carrier);
    states.resolve(grant);
    const second = states.resolve({ ...grant, mcsIndex: 5, rbSize: 4 });
    expect(states.resolve(retransmission).transportBlockSize).toBe(second.transportBlockSize);
  });

  it("keeps users and processes apart", () => {
    const states = createHarqStates(carrier);
    states.resolve(grant);
    for (const other of [{ rnti: 101 }, { harqProcessId: 1 }, { rnti: 84, harqProcessId: 15 }])
      expect(() => states.resolve({ ...retransmission, ...other })).toThrow(
        /mcsIndex.*31.*receive the first transmission before, or give transportBlockSize/,
      );
    expect(states.resolve({ ...retransmission, harqProcessId: 0 }).transportBlockSize).toBeGreaterThan(0);
  });

  it("is told a block by a reserved index that says what it is", () => {
    const states = createHarqStates(carrier);
    const told = { transportBlockSize: 3752, targetCodeRate: 0.4 };
    expect(states.resolve({ ...retransmission, ...told }).transportBlockSize).toBe(3752);
    expect(states.resolve(retransmission).targetCodeRate).toBe(0.4);
  });

  it("remembers nothing of a grant that is refused", () => {
    const states = createHarqStates(carrier);
    const first = states.resolve(grant);
    expect(() => states.resolve({ ...grant, mcsIndex: 3, rbSize: 52 })).toThrow(/rbSize/);
    expect(() => states.resolve({ ...retransmission, newDataIndicator: 1 })).toThrow(/newDataIndicator/);
    expect(states.resolve(retransmission).transportBlockSize).toBe(first.transportBlockSize);
    for (const nothing of [undefined, null, 3, "grant", [], { harqProcessId: 2 }])
      expect(() => states.resolve(nothing)).toThrow();
  });
});
