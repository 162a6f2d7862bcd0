import { describe, expect, it } from "vitest";
import { createSimulatedCell, createUplinkReceiver, parseCarrier } from "../src/transceiver/index.js";
import { defaultGuard } from "../src/transceiver/receiver.js";
import { testTargets } from "./targets.js";

const target = testTargets.at(-1)!;
const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 24 });
const guard = defaultGuard(carrier);

interface Link {
  readonly layers: number;
  readonly antennas: number;
  readonly mcsIndex: number;
  readonly snr_db: number;
  readonly slots: number;
  /** Another cell's user on the same resource blocks, as strong. */
  readonly interfered?: boolean;
}

/** Block error rate of each receiver on the same slots of independent fading. */
function blockErrorRates(link: Link, choices: readonly Record<string, string>[]): number[] {
  const { layers, antennas, mcsIndex, snr_db, slots } = link;
  const grantOf = (layers: number) => ({
    physCellId: 1,
    rnti: 5,
    rbStart: 0,
    rbSize: 24,
    mcsIndex,
    nrOfLayers: layers,
    dmrsPorts: Array.from({ length: layers }, (_, port) => port),
    dmrsSymbPos: [2, 11],
    numDmrsCdmGrpsNoData: 2,
  });
  const air = {
    carrier,
    receiveAntennas: antennas,
    guard,
    profile: "TDL-A",
    delaySpread_s: 100e-9,
    maximumDoppler_hz: 10,
    independentSlots: true,
  } as const;
  const cell = createSimulatedCell({ ...air, grant: grantOf(layers), snr_db, seed: 3 }, target);
  const other = link.interfered
    ? createSimulatedCell(
        { ...air, grant: { ...grantOf(1), physCellId: 411, rnti: 77 }, snr_db: 80, seed: 4 },
        target,
      )
    : undefined;
  const receivers = choices.map((implementations) =>
    createUplinkReceiver({ carrier, receiveAntennas: antennas, implementations, target }),
  );
  const lost = choices.map(() => 0);
  for (let slot = 0; slot < slots; slot++) {
    const { samples, configuration } = cell.next();
    const foreign = other?.next().samples;
    const received = foreign ? samples.map((value, k) => value + foreign[k]!) : samples;
    receivers.forEach((receiver, k) => {
      if (!receiver.receive(received, configuration.grant).crc) lost[k]!++;
    });
  }
  for (const opened of [cell, ...(other ? [other] : []), ...receivers]) opened.close();
  const rates = lost.map((count) => count / slots);
  console.log(
    JSON.stringify(link),
    choices.map((choice, k) => `${JSON.stringify(choice)}: ${rates[k]}`).join(", "),
  );
  return rates;
}

describe("detectors in the uplink", () => {
  it("lose less with successive cancellation than with MMSE, and least with the tree search: 2 layers, 2 antennas", () => {
    const link = { layers: 2, antennas: 2, mcsIndex: 16, snr_db: 18, slots: 200 };
    const [mmse, cancellation, search] = blockErrorRates(link, [
      { equalization: "mmse" },
      { equalization: "mmse-sic" },
      { detection: "k-best" },
    ]);
    // A point where it matters: the receiver that is to be beaten works, but not always.
    expect(mmse).toBeGreaterThan(0.05);
    expect(mmse).toBeLessThan(0.5);
    expect(cancellation!).toBeLessThanOrEqual(mmse!);
    expect(search!).toBeLessThan(0.6 * mmse!);
  }, 30_000);

  it("lose least with the tree search: 4 layers, 4 antennas", () => {
    const link = { layers: 4, antennas: 4, mcsIndex: 16, snr_db: 17, slots: 80 };
    const [mmse, cancellation, search] = blockErrorRates(link, [
      { equalization: "mmse" },
      { equalization: "mmse-sic" },
      { detection: "k-best" },
    ]);
    expect(mmse).toBeGreaterThan(0.2);
    expect(cancellation!).toBeLessThanOrEqual(mmse!);
    expect(search!).toBeLessThan(0.3 * mmse!);
  }, 30_000);

  it("receive beside a strong user of another cell by rejecting its interference", () => {
    const link = { layers: 1, antennas: 4, mcsIndex: 14, snr_db: 20, slots: 60, interfered: true };
    const [mmse, irc, both] = blockErrorRates(link, [
      {},
      { detection: "irc" },
      { detection: "irc", equalization: "mmse-sic" },
    ]);
    expect(mmse).toBeGreaterThan(0.5);
    expect(irc).toBeLessThan(0.1);
    // With one layer there is nothing to cancel.
    expect(both).toBe(irc);
  }, 30_000);
});
