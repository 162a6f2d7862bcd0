import type { Target } from "../../compiler/index.js";
import { createArena, createFlowInstance } from "../../functions/index.js";
import { writeGrantMessage } from "../../transceiver/pusch/grant-message.js";
import { type CarrierInput, parseCarrier } from "../../transceiver/pusch/index.js";
import { defaultGuard, slotResult } from "../../transceiver/receiver.js";
import { createSimulatedCell, type SimulatedCellOptions } from "../../transceiver/simulated-cell.js";
import { uplink } from "../../transceiver/uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../../transceiver/uplink-configuration.js";
import { type Measurement, timeCalls, timePercentiles } from "./measure.js";

/** A measurement of the receiver. */
export interface PuschMeasurement extends Measurement {
  /** Bits of a transport block. */
  readonly transportBlockSize: number;
  /** Milliseconds that a slot lasts on the air. */
  readonly slot_ms: number;
  /** Median of each block, in milliseconds. */
  readonly blocks: Readonly<Record<string, number>>;
}

interface PuschCase {
  readonly name: string;
  readonly carrier: CarrierInput;
  readonly grant: { readonly mcsTable: 1 | 2; readonly mcsIndex: number };
  readonly receiveAntennas: number;
  readonly profile: SimulatedCellOptions["profile"];
  readonly snr_db: number;
}

/** 100 MHz at 30 kHz and 122.88 Msample/s. */
const wide: CarrierInput = { subcarrierSpacing: 30, carrierPrbs: 273, sampleRate: 122.88e6 };
/** MCS 27 of table 2: 256QAM, rate 948/1024. */
const fastest = { mcsTable: 2, mcsIndex: 27 } as const;

const cases: readonly PuschCase[] = [
  {
    name: "273 PRB 256QAM R=0.926 1 antenna",
    carrier: wide,
    grant: fastest,
    receiveAntennas: 1,
    profile: "awgn",
    snr_db: 38,
  },
  {
    name: "273 PRB 256QAM R=0.926 4 antennas",
    carrier: wide,
    grant: fastest,
    receiveAntennas: 4,
    profile: "awgn",
    snr_db: 34,
  },
  {
    name: "25 PRB QPSK R=0.30 1 antenna",
    carrier: { subcarrierSpacing: 15, carrierPrbs: 25, sampleRate: 7.68e6 },
    grant: { mcsTable: 1, mcsIndex: 4 },
    receiveAntennas: 1,
    profile: "awgn",
    snr_db: 10,
  },
  {
    name: "51 PRB 64QAM R=0.55 2 antennas",
    carrier: { subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 },
    grant: { mcsTable: 1, mcsIndex: 20 },
    receiveAntennas: 2,
    profile: "TDL-A",
    snr_db: 35,
  },
];

/** Different slots in turn, so that no branch predictor learns one by heart. */
const differentSlots = 4;

/**
 * Times the flow `uplink` on one core, one layer: a slot from baseband samples to the checked transport block.
 * Not measured: the radio's transport of samples, preparation of a new grant's shape, and hand-over between threads.
 */
export function* benchmarkPusch(target: Target, seconds: number, seed: number): Generator<PuschMeasurement> {
  for (const one of cases) yield measureCase(one, target, seconds, seed);
}

function measureCase(one: PuschCase, target: Target, seconds: number, seed: number): PuschMeasurement {
  const { receiveAntennas, profile, snr_db } = one;
  const carrier = parseCarrier(one.carrier);
  const guard = defaultGuard(carrier);
  const cell = createSimulatedCell(
    {
      carrier,
      grant: { physCellId: 1, rnti: 0x4601, rbStart: 0, rbSize: carrier.carrierPrbs, ...one.grant },
      receiveAntennas,
      guard,
      profile,
      delaySpread_s: profile === "awgn" ? undefined : 30e-9,
      snr_db,
      seed,
    },
    target,
  );
  const slots = Array.from({ length: differentSlots }, () => {
    const { configuration, samples, payload } = cell.next();
    return { configuration, samples: samples.slice(), payload: payload.slice() };
  });
  cell.close();
  const instance = createFlowInstance(uplink, {
    arena: createArena({ bytes: 512 * 2 ** 20 }),
    target,
    stateDimensions: uplinkStateDimensions(carrier, receiveAntennas),
  });
  const { configuration: first } = slots[0]!;
  const variant = instance.prepare(uplinkConfiguration(first, { receiveAntennas, guard }));

  let next = 0;
  const load = (): void => {
    const { configuration, samples } = slots[next++ % differentSlots]!;
    variant.inputs.samples.view.set(samples);
    writeGrantMessage(configuration, variant.inputs.grant.view);
  };
  let correct = true;
  for (const { configuration, payload } of slots) {
    load();
    variant.process();
    const result = slotResult(configuration.grant.slot, variant.outputs);
    correct &&= result.crc && payload.every((byte, i) => result.payload[i] === byte);
  }
  const timing = timeCalls(() => variant.process(), seconds, load);
  const blocks = instance.timings().filter(({ name }) => name !== "slot");
  instance.close();
  return {
    benchmark: "pusch",
    case: one.name,
    target: target.name,
    ...timePercentiles(timing),
    correct,
    transportBlockSize: first.transportBlockSize,
    slot_ms: 15 / carrier.subcarrierSpacing,
    blocks: Object.fromEntries(blocks.map(({ name, p50 }) => [name, p50])),
  };
}
