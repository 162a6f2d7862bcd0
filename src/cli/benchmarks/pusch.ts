import type { Target } from "../../compiler/index.js";
import {
  complex64,
  createArena,
  createFlowInstance,
  dataflow,
  feedback,
  float32,
  int32,
  percentile,
} from "../../functions/index.js";
import { createRandom } from "../../radio/index.js";
import { harqKey, harqProcessKey } from "../../transceiver/coding/soft-buffers.js";
import { analogToDigital } from "../../transceiver/conversion/function.js";
import { extraction } from "../../transceiver/extraction/function.js";
import { writeGrantMessage } from "../../transceiver/pusch/grant-message.js";
import {
  type Carrier,
  type CarrierInput,
  type PuschConfiguration,
  parseCarrier,
  parseGrant,
  puschConfiguration,
} from "../../transceiver/pusch/index.js";
import { defaultGuard, slotResult } from "../../transceiver/receiver.js";
import { createSimulatedCell } from "../../transceiver/simulated-cell.js";
import { synchronization } from "../../transceiver/synchronization/function.js";
import { uplink, uplinkFromGrid } from "../../transceiver/uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../../transceiver/uplink-configuration.js";
import { type Measurement, timeCalls, timePercentiles } from "./measure.js";

/** A measurement of the receiver. */
export interface PuschMeasurement extends Measurement {
  /** Bits of a transport block. */
  readonly transportBlockSize: number;
  /** Milliseconds that a slot lasts on the air. */
  readonly slot_ms: number;
  /** The 99.9th percentile over the median. */
  readonly tail: number;
  /** Slots that took longer than a slot lasts. */
  readonly late: number;
  /** Median of each block, in milliseconds. */
  readonly blocks: Readonly<Record<string, number>>;
}

interface PuschCase {
  readonly name: string;
  readonly carrier: CarrierInput;
  readonly grant: { readonly mcsTable: 1 | 2; readonly mcsIndex: number };
  readonly receiveAntennas: number;
  readonly from: "samples" | "grid";
  /**
   * dB: white noise in AWGN, 1 dB above the point of 10 % block error rate, up to six iterations. Without: a grid of
   * noise alone that never decodes, zero forcing and exactly two iterations, as the reference measures.
   */
  readonly snr_db?: number;
}

/** 100 MHz at 30 kHz and 122.88 Msample/s. */
const wide: CarrierInput = { subcarrierSpacing: 30, carrierPrbs: 273, sampleRate: 122.88e6 };
const narrow: CarrierInput = { subcarrierSpacing: 15, carrierPrbs: 25, sampleRate: 7.68e6 };
const middle: CarrierInput = { subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 };
/** MCS 27 of table 2: 256QAM, rate 948/1024. */
const fastest = { mcsTable: 2, mcsIndex: 27 } as const;
/** MCS 0 of table 1: QPSK, rate 120/1024. */
const slowest = { mcsTable: 1, mcsIndex: 0 } as const;
/** MCS 20 of table 1: 64QAM, rate 567/1024. */
const usual = { mcsTable: 1, mcsIndex: 20 } as const;

const cases: readonly PuschCase[] = [
  {
    name: "273 PRB 256QAM R=0.926 1 antenna, noise",
    carrier: wide,
    grant: fastest,
    receiveAntennas: 1,
    from: "grid",
  },
  {
    name: "273 PRB 256QAM R=0.926 4 antennas, noise",
    carrier: wide,
    grant: fastest,
    receiveAntennas: 4,
    from: "grid",
  },
  {
    name: "25 PRB QPSK R=0.117 1 antenna, noise",
    carrier: narrow,
    grant: slowest,
    receiveAntennas: 1,
    from: "grid",
  },
  {
    name: "273 PRB 256QAM R=0.926 1 antenna",
    carrier: wide,
    grant: fastest,
    receiveAntennas: 1,
    from: "grid",
    snr_db: 27.8,
  },
  {
    name: "273 PRB 256QAM R=0.926 1 antenna, samples",
    carrier: wide,
    grant: fastest,
    receiveAntennas: 1,
    from: "samples",
    snr_db: 27.8,
  },
  {
    name: "51 PRB 64QAM R=0.55 2 antennas, samples",
    carrier: middle,
    grant: usual,
    receiveAntennas: 2,
    from: "samples",
    snr_db: 11,
  },
];

/** Different slots in turn, so that no branch predictor learns one by heart. */
const differentSlots = 4;
const arenaBytes = 512 * 2 ** 20;

/**
 * Times the receiver on one core, one layer, DM-RS on symbols 2 and 11: a slot from the carrier's resource grid or from
 * baseband samples to the checked transport block, every slot a new transmission.
 * Not measured: the radio's transport of samples, preparation of a new grant's shape, and hand-over between threads.
 */
export function* benchmarkPusch(target: Target, seconds: number, seed: number): Generator<PuschMeasurement> {
  for (const one of cases) yield measureCase(one, target, seconds, seed);
}

interface Slot {
  readonly configuration: PuschConfiguration;
  /** Samples, or the granted resource elements. */
  readonly received: Float32Array;
  /** What was sent; nothing where only noise is received. */
  readonly payload: Uint8Array | undefined;
}

function measureCase(one: PuschCase, target: Target, seconds: number, seed: number): PuschMeasurement {
  const { receiveAntennas, snr_db } = one;
  const carrier = parseCarrier(one.carrier);
  const guard = defaultGuard(carrier);
  const grant = {
    physCellId: 1,
    rnti: 0x4601,
    rbStart: 0,
    rbSize: carrier.carrierPrbs,
    dmrsSymbPos: [2, 11],
    ...one.grant,
  };
  const slots =
    snr_db === undefined
      ? noiseSlots(carrier, grant, receiveAntennas, seed)
      : receivedSlots(one, carrier, grant, guard, target, seed, snr_db);
  const { configuration: first } = slots[0]!;
  const noise = snr_db === undefined;
  const settings = { receiveAntennas, guard, maximumIterations: noise ? 2 : 6 };
  const prepared = uplinkConfiguration(first, settings, one.from === "samples");
  const decoding = { ...prepared.parameters?.decoding, earlyStop: !noise };
  const options = {
    arena: createArena({ bytes: arenaBytes }),
    target,
    stateDimensions: uplinkStateDimensions(carrier, receiveAntennas),
    ...(noise ? { implementations: { equalization: "zero-forcing" } } : {}),
  };
  const instance =
    one.from === "samples"
      ? createFlowInstance(uplink, options)
      : createFlowInstance(uplinkFromGrid, options);
  const variant = instance.prepare({ ...prepared, parameters: { ...prepared.parameters, decoding } });
  instance.settle();
  instance.choose(harqProcessKey, harqKey(first.grant.rnti, first.grant.harqProcessId));
  const received = "samples" in variant.inputs ? variant.inputs.samples.view : variant.inputs.grid.view;

  let next = 0;
  const load = (): void => {
    const slot = slots[next++ % differentSlots]!;
    received.set(slot.received);
    writeGrantMessage(slot.configuration, variant.inputs.grant.view);
  };
  let correct = true;
  for (const { configuration, payload } of slots) {
    load();
    variant.process();
    const { crc, payload: found } = slotResult(configuration.grant.slot, variant.outputs);
    correct &&= payload ? crc && payload.every((byte, i) => found[i] === byte) : !crc;
  }
  const timing = timeCalls(() => variant.process(), seconds, load);
  const blocks = instance.timings().filter(({ name }) => name !== "slot");
  instance.close();
  const slot_ms = 15 / carrier.subcarrierSpacing;
  const { sorted } = timing;
  return {
    benchmark: "pusch",
    case: one.name,
    target: target.name,
    ...timePercentiles(timing),
    correct,
    transportBlockSize: first.transportBlockSize,
    slot_ms,
    tail: percentile(sorted, 0.999) / percentile(sorted, 0.5),
    late: sorted.filter((duration) => duration > slot_ms).length,
    blocks: Object.fromEntries(blocks.map(({ name, p50 }) => [name, p50])),
  };
}

/** Slots in which nothing was sent: Gaussian noise of variance 1 in every resource element. */
function noiseSlots(
  carrier: Carrier,
  grant: Readonly<Record<string, unknown>>,
  antennas: number,
  seed: number,
): Slot[] {
  const configuration = puschConfiguration(carrier, parseGrant({ ...grant, slot: 0 }, carrier));
  const random = createRandom(seed);
  const numbers = 2 * antennas * configuration.grant.nrOfSymbols * configuration.allocation.subcarriers;
  return Array.from({ length: differentSlots }, () => ({
    configuration,
    received: Float32Array.from({ length: numbers }, () => Math.SQRT1_2 * random.gaussian()),
    payload: undefined,
  }));
}

/** Slots of a simulated cell, as samples or, through the receiver's front end, as resource elements. */
function receivedSlots(
  { from, receiveAntennas }: PuschCase,
  carrier: Carrier,
  grant: Readonly<Record<string, unknown>>,
  guard: number,
  target: Target,
  seed: number,
  snr_db: number,
): Slot[] {
  const cell = createSimulatedCell(
    { carrier, grant, receiveAntennas, guard, profile: "awgn", snr_db, seed },
    target,
  );
  const slots = Array.from({ length: differentSlots }, () => {
    const { configuration, samples, payload } = cell.next();
    return { configuration, received: samples.slice(), payload: payload.slice() };
  });
  cell.close();
  if (from === "samples") return slots;
  const instance = createFlowInstance(frontEnd, { arena: createArena({ bytes: arenaBytes }), target });
  const {
    dimensions,
    parameters = {},
    key,
  } = uplinkConfiguration(slots[0]!.configuration, {
    receiveAntennas,
    guard,
  });
  const { analogToDigital, synchronization, extraction } = parameters;
  const own = {
    analogToDigital: analogToDigital!,
    synchronization: synchronization!,
    extraction: extraction!,
  };
  const variant = instance.prepare({ key, dimensions, parameters: own });
  const grids = slots.map((slot) => {
    variant.inputs.samples.view.set(slot.received);
    writeGrantMessage(slot.configuration, variant.inputs.grant.view);
    variant.process();
    return { ...slot, received: variant.outputs.grid.view.slice() };
  });
  instance.close();
  return grids;
}

/** From samples to the granted resource elements. */
const frontEnd = dataflow(
  "frontEnd",
  { inputs: { samples: complex64("antenna", "converterSample"), grant: int32("grantField") } },
  ({ samples, grant }) => {
    const tracking = feedback("tracking", float32("offsetField"));
    const { aligned, applied } = synchronization({ samples: analogToDigital({ analog: samples }), tracking });
    tracking.from(applied);
    const { grid, pdu } = extraction({ samples: aligned, grant });
    return { grid, pdu };
  },
);
