import { describe, expect, it } from "vitest";
import type { DelayProfileName } from "../src/radio/index.js";
import { type PuschGrantInput, parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver, defaultGuard } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";
import { receptionFailure } from "./grid-reception.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomTransformPrecodedGrant } from "./independent/random-transform-precoded-grants.js";
import { hasData } from "./independent/reference-data.js";
import { isSelfDecodable } from "./independent/self-decodable.js";

const seed = 38_211_631;
const grantCount = 150;

describe.skipIf(!hasData)("the receiver on DFT-s-OFDM grids of the independent transmitter", () => {
  const parts = [0, 1];

  it.each(parts)(
    `returns the transport blocks of ${grantCount} random grants of seed ${seed}, part %i of ${parts.length}`,
    { timeout: 120_000 },
    (part) => {
      const failures: string[] = [];
      for (let index = part, done = 0; done < grantCount / parts.length; index += parts.length) {
        const random = randomGenerator(1000 * seed + index);
        const grant = randomTransformPrecodedGrant(random, index);
        if (!isSelfDecodable(grant, 20)) continue;
        done++;
        const wrong = receptionFailure(grant, random, 4);
        if (wrong !== undefined) failures.push(`grant ${index}: ${wrong}: ${JSON.stringify(grant)}`);
      }
      expect(failures).toEqual([]);
    },
  );
});

/** What a cell is simulated with; SNRs are a few dB above where blocks begin to be lost. */
interface Cell {
  readonly grant: Partial<PuschGrantInput>;
  readonly antennas: number;
  readonly profile: DelayProfileName | "awgn";
  readonly snr_db: number;
  readonly implementations?: Readonly<Record<string, string>>;
}

const halfPi = { mcsIndex: 0, tpPi2BPSK: true, mcsTable: 3 } as const;

const cells: readonly Cell[] = [
  { grant: { mcsIndex: 5 }, antennas: 1, profile: "awgn", snr_db: 4 },
  { grant: halfPi, antennas: 1, profile: "awgn", snr_db: -6 },
  { grant: { ...halfPi, groupOrSequenceHopping: "group" }, antennas: 2, profile: "TDL-A", snr_db: 2 },
  { grant: { mcsIndex: 20, groupOrSequenceHopping: "sequence" }, antennas: 2, profile: "awgn", snr_db: 16 },
  { grant: { mcsIndex: 9 }, antennas: 4, profile: "TDL-C", snr_db: 8 },
  { grant: { mcsIndex: 16 }, antennas: 4, profile: "TDL-B", snr_db: 16 },
  { grant: { mcsTable: 2, mcsIndex: 21 }, antennas: 3, profile: "awgn", snr_db: 24 },
  { grant: { mcsIndex: 3, numberOfAntennaPorts: 2, tpmi: 4 }, antennas: 4, profile: "TDL-C", snr_db: 6 },
  { grant: { mcsIndex: 12, numberOfAntennaPorts: 4, tpmi: 17 }, antennas: 4, profile: "TDL-A", snr_db: 14 },
  {
    grant: { mcsIndex: 9, dmrsLength: 2, dmrsPorts: [5] },
    antennas: 2,
    profile: "awgn",
    snr_db: 6,
    implementations: { equalization: "zero-forcing", estimation: "ls" },
  },
  { grant: { mcsIndex: 9 }, antennas: 4, profile: "TDL-C", snr_db: 8, implementations: { detection: "irc" } },
];

describe("the receiver on DFT-s-OFDM samples of a simulated cell", () => {
  it.each(cells)(
    "receives $grant (seed 38211314) over $profile at $snr_db dB with $antennas antennas",
    (cell) => {
      const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
      const { implementations = {} } = cell;
      const receiver = createUplinkReceiver({ carrier, receiveAntennas: cell.antennas, implementations });
      const source = createSimulatedCell({
        carrier,
        grant: {
          physCellId: 77,
          rnti: 4711,
          rbStart: 3,
          rbSize: 45,
          transformPrecoding: true,
          ...cell.grant,
        },
        receiveAntennas: cell.antennas,
        guard: defaultGuard(carrier),
        profile: cell.profile,
        delaySpread_s: 100e-9,
        maximumDoppler_hz: 30,
        snr_db: cell.snr_db,
        cfo_hz: 120,
        timingOffset_s: 150e-9,
        seed: 38_211_314,
      });
      const slots = 12;
      let received = 0;
      for (let slot = 0; slot < slots; slot++) {
        const { configuration, samples, payload } = source.next();
        const result = receiver.receive(samples, configuration.grant);
        if (result.crc) received++;
        if (result.crc) expect(result.payload).toEqual(payload);
      }
      source.close();
      receiver.close();
      expect(received).toBe(slots);
    },
  );

  it("refuses a search among the symbols of a resource element", () => {
    const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 10 });
    const implementations = { detection: "k-best" };
    const receiver = createUplinkReceiver({ carrier, receiveAntennas: 1, implementations });
    const grant = { slot: 0, physCellId: 1, rnti: 1, rbStart: 0, rbSize: 10, mcsIndex: 5 };
    const samples = new Float32Array(2 * receiver.inputSamples);
    expect(() => receiver.receive(samples, { ...grant, transformPrecoding: true })).toThrow(
      /signalType.transformPrecoding: true.*choose detection/,
    );
    receiver.close();
  });
});
