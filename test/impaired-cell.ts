import {
  addNoise,
  applyFrequencyOffset,
  applyPhaseNoise,
  applyTimingOffset,
  createRandom,
} from "../src/radio/index.js";
import { parseCarrier, slotSamples } from "../src/transceiver/pusch/index.js";
import {
  createUplinkReceiver,
  defaultGuard,
  type ReceiverOptions,
  type SlotResult,
} from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";

/** 51 PRBs at 30 kHz. */
export const carrier = parseCarrier({
  subcarrierSpacing: 30,
  carrierPrbs: 51,
  sampleRate: 23.04e6,
  carrierFrequency: 3427.5e6,
});

/** What happens to the slots of one user on their way, by slot number. */
export interface Impairments {
  readonly slots: number;
  readonly snr_db: number;
  readonly grant?: Readonly<Record<string, unknown>>;
  readonly antennas?: number;
  readonly cfo_hz?: (slot: number) => number;
  readonly timing_s?: (slot: number) => number;
  /** True: nothing is sent, though granted. */
  readonly silent?: (slot: number) => boolean;
  readonly linewidth_hz?: number;
  /** Changes the samples that are received. */
  readonly alter?: (samples: Float32Array, slot: number) => void;
  readonly receiver?: Partial<ReceiverOptions>;
  readonly seed: number;
}

/** What came of a slot; `right`: the CRC passed and the bits are those sent. */
export interface ImpairedResult extends SlotResult {
  readonly right: boolean;
}

/** Sends slots without fading through impairments to one receiver that tracks. */
export function receiveImpaired(impairments: Impairments): ImpairedResult[] {
  const { slots, snr_db, antennas = 1, linewidth_hz, seed } = impairments;
  const cell = createSimulatedCell({
    carrier,
    grant: { physCellId: 1, rnti: 4711, rbStart: 0, rbSize: 51, mcsIndex: 13, ...impairments.grant },
    receiveAntennas: antennas,
    guard: defaultGuard(carrier),
    profile: "awgn",
    snr_db: 200,
    seed,
  });
  const receiver = createUplinkReceiver({
    carrier,
    receiveAntennas: antennas,
    arenaBytes: 2 ** 27,
    ...impairments.receiver,
  });
  const random = createRandom(seed).fork("impairments");
  const { sampleRate } = carrier;
  let [start, phase] = [0, 0];
  const results = Array.from({ length: slots }, (_, slot): ImpairedResult => {
    const { configuration, samples, payload } = cell.next();
    if (impairments.silent?.(slot)) samples.fill(0);
    const timing = impairments.timing_s?.(slot);
    if (timing) applyTimingOffset(samples, timing * sampleRate, antennas);
    const cfo = impairments.cfo_hz?.(slot);
    if (cfo) applyFrequencyOffset(samples, cfo, sampleRate, antennas, start / sampleRate);
    if (linewidth_hz) phase = applyPhaseNoise(samples, linewidth_hz, sampleRate, random, antennas, phase);
    addNoise(samples, 10 ** (-snr_db / 10), random);
    impairments.alter?.(samples, slot);
    start += slotSamples(carrier, configuration.grant.slot);
    const result = receiver.receive(samples, configuration.grant);
    return { ...result, right: result.crc && result.payload.every((byte, k) => byte === payload[k]) };
  });
  cell.close();
  receiver.close();
  return results;
}
