import { describe, expect, it } from "vitest";
import { createRandom } from "../src/radio/index.js";
import { createHarqStates } from "../src/transceiver/harq-state.js";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import { transmittedGrid } from "./transmitted-grid.js";

const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 24 });
const seed = 21;

describe("a retransmission with a reserved MCS index", () => {
  const first = { slot: 3, physCellId: 9, rnti: 100, rbStart: 0, rbSize: 10, mcsIndex: 10, harqProcessId: 5 };
  const again = { ...first, slot: 8, rbStart: 4, rbSize: 20, mcsIndex: 29, newDataIndicator: 0 };

  it.each([0, 3])(`is received alone, redundancy version %i (seed ${seed})`, (rvIndex) => {
    const random = createRandom(seed);
    const receiver = createUplinkReceiver({ carrier, receiveAntennas: 1, arenaBytes: 2 ** 26 });
    const states = createHarqStates(carrier);
    const lost = states.resolve(first);
    const configuration = states.resolve({ ...again, rvIndex });
    const { slotSymbols, gridSubcarriers } = configuration.allocation;
    const nothing = new Float32Array(2 * slotSymbols * gridSubcarriers);
    expect(() => receiver.receiveGrid(nothing, { ...again, rvIndex })).toThrow(/mcsIndex.*29.*reserved/);

    // Nothing arrives of the first transmission: it is its grant that counts.
    expect(receiver.receiveGrid(nothing, first).crc).toBe(false);
    const payload = Uint8Array.from({ length: lost.transportBlockSize / 8 }, () => random.integer(256));
    const grid = transmittedGrid(configuration, payload);
    for (let k = 0; k < grid.length; k++) grid[k]! += 0.1 * random.gaussian();
    const result = receiver.receiveGrid(grid, { ...again, rvIndex });
    receiver.close();
    expect(result.crc).toBe(true);
    expect(result.payload).toEqual(payload);
  });
});
