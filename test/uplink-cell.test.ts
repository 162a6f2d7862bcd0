import { describe, expect, it } from "vitest";
import { memoryStore } from "../src/bus/index.js";
import { type RunningSlotFlow, startSlotFlow } from "../src/functions/slot-flows/index.js";
import { uplinkCell } from "../src/transceiver/uplink-cell.js";
import { withoutLlvm } from "./compiler/llvm-target.js";
import { cellOptions } from "./uplink-cell-samples.js";

const samples = new URL("./uplink-cell-samples.js", import.meta.url);

interface Slot {
  readonly slot: number;
  readonly transmission: number;
  readonly crc: boolean;
  readonly rnti: number;
  readonly harqProcessId: number;
}

describe("a simulated cell as a source of slots", () => {
  it("gives a slot by its number, whatever was asked for before, and none behind the last", () => {
    const open = () => uplinkCell({ ...cellOptions, slots: 70 }).source.open();
    const [forwards, backwards] = [open(), open()];
    const numbers = [0, 1, 33, 64, 65, 69];
    const slots = numbers.map((number) => structuredClone(forwards.slot(number)!));
    for (const [index, number] of [...numbers.entries()].reverse()) {
      expect(backwards.slot(number)).toEqual(slots[index]);
    }
    expect(forwards.slot(70)).toBeUndefined();
    // Two users take turns, each over 16 processes; then every block is sent once more.
    const [first, , , again] = slots;
    expect(first!.about).toMatchObject({ rnti: 4711, harqProcessId: 0, transmission: 1, rvIndex: 0 });
    expect(slots[2]!.about).toMatchObject({ rnti: 4712, harqProcessId: 0, transmission: 2, rvIndex: 2 });
    expect(slots[2]!.about.checksum).toBe(slots[1]!.about.checksum);
    expect(again!.about).toMatchObject({ rnti: 4711, harqProcessId: 0, transmission: 1 });
    expect(again!.about.checksum).not.toBe(first!.about.checksum);
    for (const one of [forwards, backwards]) one.close?.();
  });
});

describe.skipIf(withoutLlvm)("an uplink that runs as a slot flow", () => {
  it("goes on under another target and another implementation with the soft bits it has", async () => {
    const store = memoryStore();
    const run = async (name: string, enough: (position: number) => boolean): Promise<RunningSlotFlow> => {
      const flow = await startSlotFlow({ module: samples, name, store, epochInterval_ms: 20 });
      const isEnough = () => enough(flow.statistics().position);
      await expect.poll(isEnough, { timeout: 30_000, interval: 5 }).toBe(true);
      await flow.stop();
      return flow;
    };
    // In the middle of a round: 32 blocks, then each of them once more.
    const before = await run("llvmCell", (slot) => slot % 64 > 12 && slot % 64 < 32);
    const { position } = before.statistics();
    const after = await run("wasmCell", (slot) => slot > position + 64);
    expect(after.statistics().restored.position).toBe(position);
    expect(after.statistics().executor.implementations).toContainEqual(
      expect.objectContaining({ function: "demapping", implementation: "log-map" }),
    );
    const slots = after
      .output("slots")
      .read(0, 1000)
      .map(({ message }) => message as Slot);
    expect(slots.map(({ slot }) => slot)).toEqual(slots.map((_, index) => index));
    const waiting = slots.filter(
      ({ slot, transmission, crc }) => transmission === 1 && !crc && slot < position && slot + 32 >= position,
    );
    const combined = waiting.filter(({ slot }) => slots[slot + 32]!.crc);
    console.log(
      `${position} slots under llvm; ${combined.length} of ${waiting.length} blocks passed under wasm`,
    );
    expect(waiting.length).toBeGreaterThan(3);
    // What a second transmission alone cannot do, as the first could not.
    expect(combined.length).toBeGreaterThan(waiting.length / 2);
  });
});
