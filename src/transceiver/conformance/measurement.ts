import { setImmediate } from "node:timers/promises";
import { openTarget, type Target } from "../../compiler/index.js";
import { createArena, createFlowInstance } from "../../functions/index.js";
import { addNoise, createRandom } from "../../radio/index.js";
import { harqProcessKey } from "../coding/soft-buffers.js";
import { REDUNDANCY_VERSIONS } from "../harq-sender.js";
import { grantFieldIndex, writeGrantMessage } from "../pusch/grant-message.js";
import { compactCarrier, puschConfiguration } from "../pusch/index.js";
import { defaultGuard } from "../receiver.js";
import { createSimulatedCell, noiseVariance, type SimulatedSlot } from "../simulated-cell.js";
import { OFFSET_FIELDS } from "../synchronization/offsets.js";
import { uplinkWithTracking } from "../uplink.js";
import { uplinkConfiguration } from "../uplink-configuration.js";
import { type Requirement, requirementGrant } from "./requirements.js";

/** Of the maximum throughput: what is to be reached (TS 38.104 8.2.1.2). */
export const REQUIRED_THROUGHPUT = 0.7;

/** Slots from a transmission to the next of its transport block; TS 38.104 leaves it open. */
const ROUND_TRIP = 8;

/** SNRs at which throughput is measured, in dB from the required one, ascending. */
const OFFSETS = [-6, -5, -4, -3, -2, -1, 0, 1, 2] as const;

/** How a row is measured. */
export interface ConformanceOptions {
  readonly requirement: Requirement;
  readonly transportBlocks: number;
  readonly seed: number;
  readonly target?: Target | undefined;
  /** Names of implementations by function. */
  readonly implementations?: Readonly<Record<string, string>> | undefined;
}

/** What came of one SNR. */
export interface ThroughputPoint {
  readonly snr_db: number;
  /** Slots in which something was sent. */
  readonly transmissions: number;
  /** Transport blocks that were received. */
  readonly received: number;
  /** Received transport blocks over transmissions: 1 is the maximum throughput. */
  readonly throughput: number;
}

/** What came of a row. */
export interface ConformanceResult {
  readonly requirement: Requirement;
  readonly transportBlocks: number;
  /** At the required SNR, of the maximum. */
  readonly throughput: number;
  /**
   * The required SNR less that at which the required throughput is reached; infinite, with its sign, where that is
   * outside of the points.
   */
  readonly margin_db: number;
  readonly passed: boolean;
  readonly points: readonly ThroughputPoint[];
}

/**
 * Measures the throughput of one row over SNR. Every transport block has a channel of its own, through which its
 * retransmissions, up to four transmissions in all, come as the channel has gone on in time; all SNRs see the same
 * channels and the same noise.
 * @param observe called after each transport block
 * @param signal ends the measurement with what there is; undefined where that is nothing
 */
export async function measureConformance(
  options: ConformanceOptions,
  observe: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<ConformanceResult | undefined> {
  const { requirement, transportBlocks, seed, implementations = {}, target = openTarget() } = options;
  const { receiveAntennas, prbs, subcarrierSpacing } = requirement;
  const carrier = compactCarrier({ subcarrierSpacing, carrierPrbs: prbs });
  const guard = defaultGuard(carrier);
  const cell = createSimulatedCell(
    {
      carrier,
      grant: requirementGrant(requirement),
      receiveAntennas,
      guard,
      profile: requirement.profile,
      maximumDoppler_hz: requirement.maximumDoppler_hz,
      snr_db: Number.POSITIVE_INFINITY,
      independentSlots: true,
      seed,
    },
    target,
  );
  const configuration = puschConfiguration(carrier, cell.firstGrant);
  const { count, encodedBits } = configuration.codeBlocks;
  const instance = createFlowInstance(uplinkWithTracking, {
    arena: createArena({ bytes: 512 * 2 ** 20 }),
    target,
    implementations,
    stateDimensions: { softBit: count * encodedBits, harqProcess: OFFSETS.length },
  });
  const random = createRandom(seed).fork("conformance");
  const noise = new Float32Array(2 * receiveAntennas * cell.inputSamples);
  // Each SNR is a HARQ process of its own, and is tracked for itself.
  const points = OFFSETS.map((offset) => ({
    snr_db: requirement.snr_db + offset,
    deviation: Math.sqrt(noiseVariance(configuration, requirement.snr_db + offset)),
    tracking: new Float32Array(OFFSET_FIELDS),
    waiting: false,
    transmissions: 0,
    received: 0,
  }));

  const receive = ({ configuration, samples, payload }: SimulatedSlot): void => {
    const variant = instance.prepare(uplinkConfiguration(configuration, { receiveAntennas, guard }));
    const { inputs, outputs } = variant;
    writeGrantMessage(configuration, inputs.grant.view);
    noise.fill(0);
    addNoise(noise, 1, random);
    for (const [process, point] of points.entries()) {
      if (!point.waiting) continue;
      inputs.grant.view[grantFieldIndex.harqProcessId] = process;
      instance.choose(harqProcessKey, process);
      inputs.tracking.view.set(point.tracking);
      const noisy = inputs.samples.view;
      for (let k = 0; k < noisy.length; k++) noisy[k] = samples[k]! + point.deviation * noise[k]!;
      variant.process();
      point.tracking.set(outputs.tracking.view);
      point.transmissions++;
      if (outputs.crc.view[0] !== 1 || !payload.every((byte, k) => outputs.block.view[k] === byte)) continue;
      point.received++;
      point.waiting = false;
    }
  };

  let done = 0;
  try {
    while (done < transportBlocks && !signal?.aborted) {
      for (const point of points) point.waiting = true;
      for (const [index, rvIndex] of REDUNDANCY_VERSIONS.entries()) {
        if (!points.some(({ waiting }) => waiting)) break;
        if (index > 0) cell.skip(ROUND_TRIP - 1);
        receive(cell.next({ harqProcessId: 0, newDataIndicator: index === 0 ? 1 : 0, rvIndex }));
      }
      done++;
      observe(done);
      await setImmediate();
    }
  } finally {
    instance.close();
    cell.close();
  }
  return done === 0 ? undefined : resultOf(requirement, done, points.map(throughputPoint));
}

function throughputPoint(point: Omit<ThroughputPoint, "throughput">): ThroughputPoint {
  const { snr_db, transmissions, received } = point;
  return { snr_db, transmissions, received, throughput: received / transmissions };
}

function resultOf(
  requirement: Requirement,
  transportBlocks: number,
  points: readonly ThroughputPoint[],
): ConformanceResult {
  const { throughput } = points[OFFSETS.indexOf(0)]!;
  return {
    requirement,
    transportBlocks,
    throughput,
    margin_db: requirement.snr_db - requiredSnr(points),
    passed: throughput >= REQUIRED_THROUGHPUT,
    points,
  };
}

/** SNR in dB at which points of ascending SNR reach the required throughput, by linear interpolation; else infinite. */
export function requiredSnr(points: readonly Pick<ThroughputPoint, "snr_db" | "throughput">[]): number {
  let above = points.length;
  while (above > 0 && points[above - 1]!.throughput >= REQUIRED_THROUGHPUT) above--;
  if (above === points.length) return Number.POSITIVE_INFINITY;
  if (above === 0) return Number.NEGATIVE_INFINITY;
  const [low, high] = [points[above - 1]!, points[above]!];
  const share = (REQUIRED_THROUGHPUT - low.throughput) / (high.throughput - low.throughput);
  return low.snr_db + share * (high.snr_db - low.snr_db);
}
