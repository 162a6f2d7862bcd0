import { describe, expect, it } from "vitest";
import { createRandom } from "../src/radio/index.js";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver, defaultGuard } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";
import { simulate } from "../src/transceiver/simulation.js";

const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 });
/** 16QAM at rate 0.64 in two code blocks: one transmission needs 11 dB. */
const grant = { physCellId: 1, rnti: 4711, rbStart: 0, rbSize: 51, mcsIndex: 16 };
const seed = 16;

describe(`HARQ through the whole receiver, seed ${seed}`, () => {
  it("delivers by the second transmission what the first cannot carry, in 16 processes that take turns", async () => {
    const report = await simulate({
      carrier,
      grant,
      receiveAntennas: 1,
      profile: "awgn",
      snr_db: 7,
      harq: { maximumTransmissions: 4, processes: 16 },
      slots: 64,
      seed,
    });
    expect(report).toMatchObject({
      slots: 64,
      transportBlocks: 32,
      meanTransmissions: 2,
      blockErrors: 32,
      undetectedErrors: 0,
    });
  });

  it("gives up a block behind the last transmission, and sends as often as it says", async () => {
    const report = await simulate({
      carrier,
      grant,
      receiveAntennas: 1,
      profile: "awgn",
      snr_db: -15,
      harq: { maximumTransmissions: 3, processes: 2 },
      slots: 7,
      seed,
    });
    // Slots come up to the seventh; the two blocks begun by then are sent to their end.
    expect(report).toMatchObject({ transportBlocks: 3, slots: 9, blockErrors: 9, meanTransmissions: 3 });
  });

  it("combines each process's own transmissions, whatever the order of processes", () => {
    const random = createRandom(seed);
    const guard = defaultGuard(carrier);
    const cell = createSimulatedCell({
      carrier,
      grant,
      receiveAntennas: 1,
      guard,
      profile: "awgn",
      snr_db: 7,
      seed,
    });
    const receiver = createUplinkReceiver({ carrier, receiveAntennas: 1, arenaBytes: 2 ** 27 });
    const versions = [0, 2, 3, 1] as const;
    const sent = new Array<number>(16).fill(0);
    const outcomes = { first: 0, second: 0 };
    for (let slot = 0; slot < 120; slot++) {
      const harqProcessId = random.integer(16);
      const before = sent[harqProcessId]!;
      const newDataIndicator = before === 0 ? 1 : 0;
      const transmission = { harqProcessId, newDataIndicator, rvIndex: versions[before]! } as const;
      const { configuration, samples, payload } = cell.next(transmission);
      const { crc, payload: received } = receiver.receive(samples, configuration.grant);
      expect(crc, `slot ${slot}`).toBe(before === 1);
      if (crc) expect(received).toEqual(payload);
      sent[harqProcessId] = crc ? 0 : 1;
      outcomes[before === 0 ? "first" : "second"]++;
    }
    expect(outcomes.second).toBeGreaterThan(50);
    cell.close();
    receiver.close();
  });
});
