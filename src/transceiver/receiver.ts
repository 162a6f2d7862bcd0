import { openTarget, type Target } from "../compiler/index.js";
import { InputError } from "../errors.js";
import {
  createArena,
  createFlowInstance,
  type FlowInstance,
  type KernelRecord,
  type Timing,
} from "../functions/index.js";
import { harqKey, harqProcessKey } from "./coding/soft-buffers.js";
import { createHarqStates } from "./harq-state.js";
import { writeGrantMessage } from "./pusch/grant-message.js";
import type { Carrier, PuschConfiguration } from "./pusch/index.js";
import { longestSlotSamples } from "./synchronization/guard.js";
import { offsetFieldIndex } from "./synchronization/offsets.js";
import { uplink, uplinkFromGrid } from "./uplink.js";
import { type UplinkSettings, uplinkConfiguration, uplinkStateDimensions } from "./uplink-configuration.js";
import { warmUpGrants } from "./warm-up.js";

/** What came of one slot. */
export interface SlotResult {
  readonly slot: number;
  /** Whether the transport block's CRC, and each code block's, passed. */
  readonly crc: boolean;
  /** The transport block, packed bytes. Filled with what was decided when the CRC failed. */
  readonly payload: Uint8Array;
  /** Mean over resource elements and receive antennas. */
  readonly snr_db: number;
  /** What the slot was received with plus what was found in it. */
  readonly cfo_hz: number;
  readonly timing_s: number;
  /** LDPC iterations of each code block, negative where its parity checks do not hold. */
  readonly iterations: readonly number[];
}

/** A PUSCH receiver in this thread. */
export interface UplinkReceiver {
  readonly carrier: Carrier;
  /** Samples before and behind a slot that `receive` wants, at the converter's rate. */
  readonly guard: number;
  /** Samples per antenna that `receive` wants: guard, the longest slot of a subframe, guard. */
  readonly inputSamples: number;
  /**
   * Receives a slot.
   * @param samples complex64 `[antenna][inputSamples]`; the slot starts behind the guard.
   * A grant with a reserved MCS index continues the latest one of its user and HARQ process.
   * @throws InputError for a wrong length or a grant that is refused.
   */
  receive(samples: Float32Array, grant: unknown): SlotResult;
  /**
   * Receives a slot from the grid of a radio unit: complex64 `[antenna][symbol][subcarrier]` over all PRBs of the
   * carrier and all symbols of the slot.
   */
  receiveGrid(grid: Float32Array, grant: unknown): SlotResult;
  timings(): Timing[];
  kernels(): KernelRecord[];
  /**
   * Compiles what any later grant needs but for kernels of one code or size, which are compiled while slots go on: some
   * seconds where nothing is on disk. Without it the first grant of a kind waits for its kernels.
   */
  warmUp(input: "samples" | "grid"): void;
  /** Waits until specialized kernels serve in place of all generic ones: for measurements. */
  settle(): void;
  close(): void;
}

/** What a receiver is set up with. */
export interface ReceiverOptions {
  readonly carrier: Carrier;
  readonly receiveAntennas: number;
  /** Samples a second of what is received; the carrier's sample rate unless given. The block conversion adapts. */
  readonly converterRate?: number | undefined;
  readonly maximumIterations?: number;
  readonly protection?: UplinkSettings["protection"];
  /** Users whose HARQ processes it keeps soft bits of at a time; 1 unless given. */
  readonly users?: number;
  /** Names of implementations by function. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** The fastest of the machine unless given. */
  readonly target?: Target;
  readonly arenaBytes?: number;
}

/** What is tracked from a slot on. */
interface Outputs {
  readonly block: { readonly view: Uint8Array };
  readonly crc: { readonly view: Int32Array };
  readonly iterations: { readonly view: Int32Array };
  readonly tracking: { readonly view: Float32Array };
  readonly quality: { readonly view: Float32Array };
}

/** Reads the result of a processed slot out of the flow's outputs. */
export function slotResult(slot: number, outputs: Outputs): SlotResult {
  const { block, crc, iterations, tracking, quality } = outputs;
  return {
    slot,
    crc: crc.view[0] === 1,
    payload: block.view.slice(),
    snr_db: 10 * Math.log10(quality.view[0]!),
    cfo_hz: tracking.view[offsetFieldIndex.frequency]!,
    timing_s: tracking.view[offsetFieldIndex.timing]!,
    iterations: [...iterations.view],
  };
}

/** The receiver's guard unless one is given: a quarter of an OFDM symbol. */
export function defaultGuard(carrier: Carrier): number {
  return Math.ceil(carrier.fftSize / 4);
}

/**
 * The smallest guard, not below the default, for which guard and input are whole numbers of samples at both rates.
 * @throws InputError where there is none within an OFDM symbol.
 */
function converterGuard(carrier: Carrier, converterRate: number): { guard: number; converterRatio: number } {
  const converterRatio = converterRate / carrier.sampleRate;
  const whole = (samples: number): boolean =>
    Math.abs(samples * converterRatio - Math.round(samples * converterRatio)) < 1e-6;
  const slot = longestSlotSamples(carrier);
  for (let guard = defaultGuard(carrier); guard <= carrier.fftSize && converterRatio > 0; guard++) {
    if (whole(guard) && whole(slot + 2 * guard)) return { guard, converterRatio };
  }
  throw new InputError(
    "converterRate",
    converterRate,
    `give a rate whose ratio to the baseband rate, ${carrier.sampleRate}, is one of small whole numbers`,
  );
}

/**
 * Sets up a PUSCH receiver. Variants are prepared when a grant's shape is first seen.
 *
 * ```ts
 * const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 });
 * const receiver = createUplinkReceiver({ carrier, receiveAntennas: 2 });
 * const { crc, payload } = receiver.receive(samples, grant);
 * ```
 */
export function createUplinkReceiver(options: ReceiverOptions): UplinkReceiver {
  const { carrier, receiveAntennas, implementations = {} } = options;
  if (!Number.isInteger(receiveAntennas) || receiveAntennas < 1 || receiveAntennas > 8) {
    throw new InputError("receiveAntennas", receiveAntennas, "give 1 to 8");
  }
  const { guard, converterRatio } = converterGuard(carrier, options.converterRate ?? carrier.sampleRate);
  const arena = createArena({ bytes: options.arenaBytes ?? 512 * 2 ** 20 });
  const target = options.target ?? openTarget();
  const settings: UplinkSettings = {
    receiveAntennas,
    guard,
    converterRatio,
    maximumIterations: options.maximumIterations,
    protection: options.protection,
  };
  const stateDimensions = uplinkStateDimensions(carrier, receiveAntennas, options.users);
  const fromSamples = createFlowInstance(uplink, { arena, target, implementations, stateDimensions });
  let fromGrid: FlowInstance<typeof uplinkFromGrid.inputs, typeof uplinkFromGrid.outputs> | undefined;
  const openFromGrid = () => {
    fromGrid ??= createFlowInstance(uplinkFromGrid, {
      arena,
      target,
      implementations: Object.fromEntries(
        Object.entries(implementations).filter(
          ([name]) => !["analogToDigital", "synchronization", "extraction"].includes(name),
        ),
      ),
      stateDimensions,
    });
    return fromGrid;
  };
  const inputSamples = Math.round((longestSlotSamples(carrier) + 2 * guard) * converterRatio);
  const harq = createHarqStates(carrier);

  return {
    carrier,
    guard: Math.round(guard * converterRatio),
    inputSamples,
    receive(samples, given) {
      if (samples.length !== 2 * receiveAntennas * inputSamples) {
        throw new InputError(
          "samples",
          `${samples.length / 2} samples`,
          `give ${inputSamples} for each of ${receiveAntennas} antennas`,
        );
      }
      const pusch = harq.resolve(given);
      const variant = fromSamples.prepare(uplinkConfiguration(pusch, settings));
      variant.inputs.samples.view.set(samples);
      writeGrantMessage(pusch, variant.inputs.grant.view);
      fromSamples.choose(harqProcessKey, harqKey(pusch.grant.rnti, pusch.grant.harqProcessId));
      variant.process();
      return slotResult(pusch.grant.slot, variant.outputs);
    },
    receiveGrid(grid, given) {
      const pusch = harq.resolve(given);
      const variant = openFromGrid().prepare(uplinkConfiguration(pusch, settings, false));
      takeAllocation(pusch, grid, receiveAntennas, variant.inputs.grid.view);
      writeGrantMessage(pusch, variant.inputs.grant.view);
      openFromGrid().choose(harqProcessKey, harqKey(pusch.grant.rnti, pusch.grant.harqProcessId));
      variant.process();
      return slotResult(pusch.grant.slot, variant.outputs);
    },
    warmUp(input) {
      const instance = input === "samples" ? fromSamples : openFromGrid();
      for (const pusch of warmUpGrants(carrier, receiveAntennas))
        instance.prepare(uplinkConfiguration(pusch, settings, input === "samples"));
    },
    timings: () =>
      fromGrid && fromSamples.timings().at(-1)?.count === 0 ? fromGrid.timings() : fromSamples.timings(),
    kernels: () => [...fromSamples.kernels(), ...(fromGrid?.kernels() ?? [])],
    settle() {
      fromSamples.settle();
      fromGrid?.settle();
    },
    close() {
      fromSamples.close();
      fromGrid?.close();
    },
  };
}

/** Copies the granted symbols and subcarriers of a carrier's grid. */
function takeAllocation(
  { allocation, grant }: PuschConfiguration,
  grid: Float32Array,
  antennas: number,
  out: Float32Array,
): void {
  const { gridSubcarriers, slotSymbols, firstSubcarrier, subcarriers } = allocation;
  if (grid.length !== 2 * antennas * slotSymbols * gridSubcarriers) {
    throw new InputError(
      "grid",
      `${grid.length / 2} resource elements`,
      `give ${antennas} antennas × ${slotSymbols} symbols × ${gridSubcarriers} subcarriers`,
    );
  }
  let to = 0;
  for (let antenna = 0; antenna < antennas; antenna++) {
    for (let symbol = 0; symbol < grant.nrOfSymbols; symbol++) {
      const row = antenna * slotSymbols + grant.startSymbolIndex + symbol;
      const from = 2 * (row * gridSubcarriers + firstSubcarrier);
      out.set(grid.subarray(from, from + 2 * subcarriers), to);
      to += 2 * subcarriers;
    }
  }
}
