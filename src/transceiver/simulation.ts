import type { TargetName } from "../compiler/index.js";
import {
  type SharedVariant,
  type SlotDeadline,
  type SlotExecutor,
  type SlotStatistics,
  startSlotExecutor,
} from "../functions/index.js";
import { HARQ_PROCESSES, harqKey, harqProcessKey } from "./coding/soft-buffers.js";
import { createHarqSender, type HarqOptions } from "./harq-sender.js";
import { writeGrantMessage } from "./pusch/grant-message.js";
import { puschConfiguration, slotsPerSubframe } from "./pusch/index.js";
import { defaultGuard, type SlotResult, slotResult } from "./receiver.js";
import { createSimulatedCell, type SimulatedCellOptions, type SimulatedSlot } from "./simulated-cell.js";
import type { uplink } from "./uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "./uplink-configuration.js";
import type { UplinkInstanceOptions } from "./uplink-instance.js";

/** A simulated cell and the receiver that serves it. */
export interface SimulationOptions extends Omit<SimulatedCellOptions, "guard"> {
  readonly slots: number;
  /** Stop once so many transport blocks were lost; never unless given. */
  readonly stopAfterErrors?: number | undefined;
  readonly implementations?: Readonly<Record<string, string>> | undefined;
  readonly maximumIterations?: number | undefined;
  /** What the receiver's kernels are compiled for; the fastest target of the machine unless given. */
  readonly target?: TargetName | undefined;
  /**
   * By when a slot must be done, for neural implementations that may answer late: in the time that slots stand for, unless
   * `realTime`. Four slots unless given.
   */
  readonly deadline?: { readonly seconds?: number | undefined; readonly realTime?: boolean } | undefined;
  /** Transport blocks that were not received are sent again; each slot brings a new one unless given. */
  readonly harq?: HarqOptions | undefined;
}

/** What came of a simulation. */
export interface SimulationReport {
  readonly slots: number;
  /** Transport blocks, each with its retransmissions. */
  readonly transportBlocks: number;
  readonly meanTransmissions: number;
  /** Slots whose CRC failed, or whose bits are not those sent. */
  readonly blockErrors: number;
  /** Of these, those whose CRC passed. */
  readonly undetectedErrors: number;
  readonly blockErrorRate: number;
  /** Bits of a transport block. */
  readonly transportBlockSize: number;
  readonly slotDuration_s: number;
  /** Delivered bits over the time that the slots stand for. */
  readonly throughput_bps: number;
  /** Means of the receiver's estimates. */
  readonly snr_db: number;
  readonly cfo_hz: number;
  readonly timing_s: number;
  readonly meanIterations: number;
  readonly statistics: SlotStatistics;
  /** True where `signal` ended it. */
  readonly interrupted: boolean;
}

/** Slots after which a slot must be done, unless a deadline is given: HARQ of uplinks waits about as long. */
const DEADLINE_SLOTS = 4;

function deadlineOf(given: SimulationOptions["deadline"], slot_s: number): SlotDeadline {
  const { seconds = DEADLINE_SLOTS * slot_s, realTime = false } = given ?? {};
  return realTime ? { time: "real", seconds } : { time: "simulated", seconds, slot_s };
}

/**
 * Receives the slots of a simulated cell on a slot worker while the next slot is made here. With HARQ, as many slots more
 * are received as the last transport blocks take.
 * @param observe called after each slot
 * @param signal ends the simulation with what there is
 * @throws InputError for a refused grant or an unknown implementation
 */
export async function simulate(
  options: SimulationOptions,
  observe: (result: SlotResult, done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<SimulationReport> {
  const { carrier, receiveAntennas, implementations } = options;
  const slotDuration_s = 1e-3 / slotsPerSubframe(carrier.subcarrierSpacing);
  const guard = defaultGuard(carrier);
  const cell = createSimulatedCell({ ...options, guard });
  const instanceOptions: UplinkInstanceOptions = {
    stateDimensions: uplinkStateDimensions(carrier, receiveAntennas),
    deadline: deadlineOf(options.deadline, slotDuration_s),
    ...(implementations ? { implementations } : {}),
    ...(options.target ? { target: options.target } : {}),
  };
  let executor: SlotExecutor<typeof uplink.inputs, typeof uplink.outputs> | undefined;
  try {
    executor = await startSlotExecutor<typeof uplink>({
      module: new URL("./uplink-instance.js", import.meta.url),
      factory: "createUplink",
      options: instanceOptions,
      arenaBytes: 512 * 2 ** 20,
    });
    const sender = options.harq && createHarqSender(options.harq);
    /** The next slot in which something is sent, if there is another. */
    const nextSlot = (begun: number): SimulatedSlot | undefined => {
      if (!sender) return begun < options.slots ? cell.next() : undefined;
      if (begun >= options.slots) sender.finish();
      for (let idle = 0; idle < HARQ_PROCESSES; idle++) {
        const transmission = sender.next();
        if (transmission) return cell.next(transmission);
        cell.skip(1);
      }
      return undefined;
    };
    let slot = nextSlot(0);
    const { maximumIterations } = options;
    const settings = { receiveAntennas, guard, maximumIterations };
    const variants = new Map<string, SharedVariant<typeof uplink.inputs, typeof uplink.outputs>>();
    const { transportBlockSize } = puschConfiguration(carrier, cell.firstGrant);
    const sent = new Uint8Array(transportBlockSize / 8);
    const sums = { snr: 0, cfo: 0, timing: 0, iterations: 0, blocks: 0 };
    let [done, blockErrors, undetectedErrors] = [0, 0, 0];
    while (slot && !signal?.aborted) {
      const { configuration, samples, payload } = slot;
      const { slot: number, harqProcessId } = configuration.grant;
      const shape = uplinkConfiguration(configuration, settings);
      const variant = variants.get(shape.key) ?? (await executor.prepare(shape));
      variants.set(shape.key, variant);
      variant.inputs.samples.view.set(samples);
      writeGrantMessage(configuration, variant.inputs.grant.view);
      sent.set(payload);
      const process = harqKey(configuration.grant.rnti, harqProcessId);
      const processed = executor.submit(variant, { [harqProcessKey]: { writes: [process] } });
      // Made before this one's outcome is known.
      slot = nextSlot(done + 1);
      await processed;
      const result = slotResult(number, variant.outputs);
      const equal = result.payload.every((byte, k) => byte === sent[k]);
      sender?.report(harqProcessId, result.crc && equal);
      if (!result.crc || !equal) blockErrors++;
      if (result.crc && !equal) undetectedErrors++;
      sums.snr += 10 ** (result.snr_db / 10);
      sums.cfo += result.cfo_hz;
      sums.timing += result.timing_s;
      for (const count of result.iterations) sums.iterations += Math.abs(count);
      sums.blocks += result.iterations.length;
      done++;
      observe(result, done);
      if (options.stopAfterErrors !== undefined && blockErrors >= options.stopAfterErrors) break;
      // What comes next may depend on the outcome.
      if (!slot && sender) slot = nextSlot(done);
    }
    const transportBlocks = sender?.transportBlocks ?? done;
    return {
      slots: done,
      transportBlocks,
      meanTransmissions: done / transportBlocks,
      blockErrors,
      undetectedErrors,
      blockErrorRate: blockErrors / done,
      transportBlockSize,
      slotDuration_s,
      throughput_bps: ((done - blockErrors) * transportBlockSize) / (done * slotDuration_s),
      snr_db: 10 * Math.log10(sums.snr / done),
      cfo_hz: sums.cfo / done,
      timing_s: sums.timing / done,
      meanIterations: sums.iterations / sums.blocks,
      statistics: executor.statistics(),
      interrupted: signal?.aborted ?? false,
    };
  } finally {
    await executor?.close();
    cell.close();
  }
}
