import { openTarget, type TargetName } from "../../compiler/index.js";
import {
  percentile,
  type SharedVariant,
  type SlotExecutor,
  startSlotExecutor,
} from "../../functions/index.js";
import { openClock, setRealTime } from "../../system/index.js";
import { harqKey, harqProcessKey } from "../../transceiver/coding/soft-buffers.js";
import { writeGrantMessage } from "../../transceiver/pusch/grant-message.js";
import { type PuschConfiguration, parseCarrier } from "../../transceiver/pusch/index.js";
import { defaultGuard } from "../../transceiver/receiver.js";
import { createSimulatedCell } from "../../transceiver/simulated-cell.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../../transceiver/uplink-configuration.js";
import type { UplinkInstanceOptions } from "../../transceiver/uplink-instance.js";
import type { Measurement } from "./measure.js";
import { sessionBytes, sessionKey, type stampedUplink } from "./stamped-uplink.js";

type Inputs = typeof stampedUplink.inputs;
type Outputs = typeof stampedUplink.outputs;

/** The thread that plays the radio sleeps until so long before a slot is due. */
const wakingUp_ms = 0.08;
const never = new Int32Array(new SharedArrayBuffer(4));

/** What became of one slot. */
export interface PacedSlot {
  /** What the caller said of it when it arrived. */
  readonly phase: string;
  /** Milliseconds that it took on its thread. */
  readonly duration_ms: number;
  /** Of these, those that its thread was on a processor. */
  readonly own_ms: number;
  /** How long it was there, and those before it done, until it began. */
  readonly gap_ms: number;
  /** Whether what was sent was received. */
  readonly correct: boolean;
}

/** Slots of one phase of a run. */
export interface PhaseMeasurement extends Measurement {
  /** Slots that found no free buffer. */
  readonly lost: number;
  /** Slots that took longer than a slot lasts. */
  readonly late: number;
  /** The longest that a slot was there, and those before it done, until it began. */
  readonly longestGap_ms: number;
  /** Percentiles of the time that the slot's thread was on a processor: what others on the machine take is not in it. */
  readonly own: { readonly p50: number; readonly p99: number };
}

/** Slots that arrive as a radio delivers them: one each slot duration, into one of some buffers. */
export interface PacedRun {
  readonly slots: readonly PacedSlot[];
  /** The phases of slots that found no free buffer. */
  readonly lost: readonly string[];
  /** The longest that the thread which plays the radio was held up itself; slots arrive later then. */
  readonly longestStall_ms: number;
}

/** A receiver on a slot thread, and slots for it. */
export interface PacedReceiver {
  readonly executor: SlotExecutor<Inputs, Outputs>;
  readonly slot_ms: number;
  /**
   * Lets slots arrive for some seconds, and until `beside` has settled.
   * @param phase asked for each slot
   */
  run(seconds: number, phase: () => string, beside?: Promise<void>): Promise<PacedRun>;
  close(): Promise<void>;
}

const receiveAntennas = 2;
/** Of the radio: a slot that finds them all busy is lost. */
const buffers = 8;
const differentSlots = 4;
const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 });
const grant = { physCellId: 1, rnti: 0x4601, rbStart: 0, rbSize: 51, mcsTable: 1, mcsIndex: 20 };

/** What is received, in words. */
export const pacedCase = "51 PRB 64QAM R=0.55 2 antennas, samples, every 0.5 ms";

/**
 * Starts the receiver of a simulated cell that is received without errors.
 * @param sessions 64 kB each, of which every slot writes the next one
 */
export async function startPacedReceiver(
  target: TargetName | undefined,
  seed: number,
  sessions = 0,
): Promise<PacedReceiver> {
  const guard = defaultGuard(carrier);
  const cell = createSimulatedCell({
    carrier,
    grant,
    receiveAntennas,
    guard,
    profile: "awgn",
    snr_db: 13,
    seed,
  });
  const air = Array.from({ length: differentSlots }, () => {
    const { configuration, samples, payload } = cell.next();
    return { configuration, samples: samples.slice(), payload: payload.slice() };
  });
  cell.close();
  const options: UplinkInstanceOptions = {
    stateDimensions: {
      ...uplinkStateDimensions(carrier, receiveAntennas),
      ...(sessions > 0 ? { [sessionKey]: sessions } : {}),
    },
    ...(target ? { target } : {}),
  };
  const executor = await startSlotExecutor<typeof stampedUplink>({
    realTime: true,
    module: new URL("./stamped-uplink.js", import.meta.url),
    factory: "createStampedUplink",
    options,
    arenaBytes: 128 * 2 ** 20 + sessions * sessionBytes,
  });
  const { key, dimensions, parameters } = uplinkConfiguration(air[0]!.configuration, {
    receiveAntennas,
    guard,
  });
  const variants: SharedVariant<Inputs, Outputs>[] = [];
  for (let buffer = 0; buffer < buffers; buffer++) {
    variants.push(
      await executor.prepare({
        key: `${key};${buffer}`,
        dimensions: { ...dimensions, stamp: 2, instant: 4 },
        ...(parameters ? { parameters } : {}),
      }),
    );
  }
  const slot_ms = 15 / carrier.subcarrierSpacing;
  return {
    executor,
    slot_ms,
    run: (seconds, phase, beside) =>
      runPaced(executor, variants, air, slot_ms, seconds, phase, beside, sessions),
    close: () => executor.close(),
  };
}

interface AirSlot {
  readonly configuration: PuschConfiguration;
  readonly samples: Float32Array;
  readonly payload: Uint8Array;
}

async function runPaced(
  executor: SlotExecutor<Inputs, Outputs>,
  variants: readonly SharedVariant<Inputs, Outputs>[],
  air: readonly AirSlot[],
  slot_ms: number,
  seconds: number,
  phase: () => string,
  beside: Promise<void> | undefined,
  sessions: number,
): Promise<PacedRun> {
  const readClock = openClock();
  const now = new Float64Array(1);
  const slots: PacedSlot[] = [];
  const busy = new Array<boolean>(variants.length).fill(false);
  const underway: Promise<void>[] = [];
  const lost: string[] = [];
  let [longestStall_ms, lastEnd] = [0, 0];

  const receive = async (number: number, arrival: number, during: string): Promise<void> => {
    const buffer = number % variants.length;
    const variant = variants[buffer]!;
    const { samples, configuration, payload } = air[number % air.length]!;
    busy[buffer] = true;
    variant.inputs.samples.view.set(samples);
    writeGrantMessage(configuration, variant.inputs.grant.view);
    const process = harqKey(configuration.grant.rnti, configuration.grant.harqProcessId);
    await executor.submit(variant, {
      [harqProcessKey]: { writes: [process] },
      ...(sessions > 0 ? { [sessionKey]: { writes: [number % sessions] } } : {}),
    });
    const { times, crc, block } = variant.outputs;
    const [begin, ownBegin, end, ownEnd] = times.view as unknown as readonly [number, number, number, number];
    const correct = crc.view[0] === 1 && payload.every((byte, k) => block.view[k] === byte);
    slots.push({
      phase: during,
      duration_ms: end - begin,
      own_ms: ownEnd - ownBegin,
      gap_ms: begin - Math.max(lastEnd, arrival),
      correct,
    });
    lastEnd = end;
    busy[buffer] = false;
  };

  // The air does not wait for processors; where the system refuses, the longest stall tells.
  setRealTime(true);
  let settled = beside === undefined;
  const settle = (): void => {
    settled = true;
  };
  beside?.then(settle, settle);
  readClock(now, 0);
  const begin = now[0]!;
  let due = begin;
  let before = begin;
  for (let number = 0; due < begin + 1000 * seconds || !settled; ) {
    readClock(now, 0);
    const time = now[0]!;
    longestStall_ms = Math.max(longestStall_ms, time - before);
    before = time;
    if (time >= due) {
      if (busy[number % variants.length]) lost.push(phase());
      else underway.push(receive(number, time, phase()));
      number++;
      // Where this thread was held up for a slot or more, the air waits: a radio does not send slots faster afterwards.
      due = time < due + slot_ms ? due + slot_ms : time + slot_ms;
      readClock(now, 0);
      before = now[0]!;
    }
    await new Promise(setImmediate);
    // Asleep in between, as a radio takes no processor from what prepares.
    readClock(now, 0);
    if (due - now[0]! > wakingUp_ms)
      Atomics.wait(never, 0, 0, Math.min(due - now[0]! - wakingUp_ms, slot_ms));
  }
  setRealTime(false);
  await Promise.all(underway);
  return { slots, lost, longestStall_ms };
}

/** What a benchmark tells of the slots of one phase. `complete`: whether every slot of the run was done, once. */
export function measurePhase(
  benchmark: string,
  name: string,
  { slots: all, lost }: PacedRun,
  target: TargetName | undefined,
  slot_ms: number,
  complete: boolean,
): PhaseMeasurement {
  const slots = all.filter(({ phase }) => phase === name);
  const sorted = Float64Array.from(slots, ({ duration_ms }) => duration_ms).sort();
  const own = Float64Array.from(slots, ({ own_ms }) => own_ms).sort();
  return {
    benchmark,
    case: `${name}: ${pacedCase}`,
    target: openTarget(target).name,
    unit: "ms",
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    n: slots.length,
    correct: complete && slots.every(({ correct }) => correct),
    lost: lost.filter((phase) => phase === name).length,
    late: slots.filter(({ duration_ms }) => duration_ms > slot_ms).length,
    own: { p50: percentile(own, 0.5), p99: percentile(own, 0.99) },
    longestGap_ms: slots.reduce((most, { gap_ms }) => Math.max(most, gap_ms), 0),
  };
}
