import { crc32 } from "node:zlib";
import { openTarget, type TargetName } from "../compiler/index.js";
import { createArena, createFlowInstance, type SlotDeadline } from "../functions/index.js";
import type { DoneSlot, SlotInput, SlotReader } from "../functions/slot-flows/index.js";
import { addNoise, createChannel, createRandom, type DelayProfileName } from "../radio/index.js";
import { HARQ_PROCESSES, harqKey, harqProcessKey } from "./coding/soft-buffers.js";
import { crcFieldIndex } from "./crc/check.js";
import { REDUNDANCY_VERSIONS } from "./harq-sender.js";
import { GRANT_FIELDS, writeGrantMessage } from "./pusch/grant-message.js";
import {
  type Carrier,
  parseGrant,
  puschConfiguration,
  slotSamples,
  slotsPerFrame,
  slotsPerSubframe,
} from "./pusch/index.js";
import { defaultGuard } from "./receiver.js";
import { noiseVariance } from "./simulated-cell.js";
import { longestSlotSamples } from "./synchronization/guard.js";
import type { uplink } from "./uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "./uplink-configuration.js";
import type { UplinkInstanceOptions } from "./uplink-instance.js";
import { uplinkTransmit } from "./uplink-transmit.js";
import { uplinkTransmitConfiguration } from "./uplink-transmit-configuration.js";

/** A user of a simulated cell. */
export interface CellUser {
  readonly rnti: number;
  /** Per resource element and receive antenna. */
  readonly snr_db: number;
  readonly mcsIndex: number;
}

/** A cell whose users take turns slot by slot, each with all of the carrier. */
export interface UplinkCellOptions {
  readonly carrier: Carrier;
  readonly users: readonly CellUser[];
  readonly receiveAntennas: number;
  readonly profile: DelayProfileName;
  readonly delaySpread_s?: number;
  readonly maximumDoppler_hz?: number;
  readonly seed: number;
  /** In how many slots a transport block is sent, with redundancy versions 0, 2, 3, 1 in turn; 1 unless given. */
  readonly transmissions?: number;
  /** HARQ processes of each user, which take turns: 1 to 16; 8 unless given. */
  readonly processes?: number;
  /** After which there are none; without end unless given. */
  readonly slots?: number;
  /** Names of implementations of the receiver by function. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** Bounds implementations that may answer late, neural ones; without one they are waited for. */
  readonly deadline?: SlotDeadline;
  /** What the receiver's kernels are compiled for; the fastest target of the machine unless given. */
  readonly target?: TargetName;
}

/** Which transmission a slot holds. */
export interface CellSlot extends CellUser {
  readonly harqProcessId: number;
  readonly rvIndex: 0 | 1 | 2 | 3;
  /** Of the transport block, from 1. */
  readonly transmission: number;
  /** CRC-32 of the transport block that was sent. */
  readonly checksum: number;
}

const arenaBytes = 256 * 2 ** 20;

/**
 * A simulated cell and its receiver as parts of a slot flow of `uplink`: to be spread into its declaration. The transport
 * blocks are sent again as often as asked for whether they were received or not, so that every slot follows from its number and
 * the seed: the source replays from anywhere.
 * @throws InputError (when a slot is asked for) for a user that cannot be granted.
 */
export function uplinkCell(options: UplinkCellOptions) {
  const { carrier, users, receiveAntennas, implementations, deadline, target } = options;
  const instance: UplinkInstanceOptions = {
    stateDimensions: uplinkStateDimensions(carrier, receiveAntennas, users.length),
    ...(implementations ? { implementations } : {}),
    ...(deadline ? { deadline } : {}),
    ...(target ? { target } : {}),
  };
  return {
    instance: {
      module: new URL("./uplink-instance.js", import.meta.url),
      factory: "createUplink",
      options: instance,
      arenaBytes,
    },
    source: { kind: "replayable", open: () => openCell(options) },
    slotDuration_ms: 1 / slotsPerSubframe(carrier.subcarrierSpacing),
    lost: ({ outputs }: DoneSlot<(typeof uplink)["outputs"]>): boolean =>
      outputs.crc.view[crcFieldIndex.passed] !== 1,
  } as const;
}

function openCell(options: UplinkCellOptions): SlotReader<CellSlot> {
  const { carrier, users, receiveAntennas, profile, seed, slots = Number.POSITIVE_INFINITY } = options;
  const { transmissions = 1, processes = HARQ_PROCESSES / 2, delaySpread_s, maximumDoppler_hz = 0 } = options;
  const guard = defaultGuard(carrier);
  const settings = { receiveAntennas, guard };
  const random = createRandom(seed);
  const transmitter = createFlowInstance(uplinkTransmit, {
    arena: createArena({ bytes: arenaBytes }),
    target: openTarget(),
  });
  const samples = new Float32Array(2 * receiveAntennas * (longestSlotSamples(carrier) + 2 * guard));
  const grant = new Int32Array(GRANT_FIELDS);
  const frames = slotsPerFrame(carrier.subcarrierSpacing);
  const starts = [0];
  for (let slot = 0; slot < frames; slot++) starts.push(starts[slot]! + slotSamples(carrier, slot));
  const channels = users.map((_, user) =>
    createChannel({
      profile,
      ...(delaySpread_s === undefined ? {} : { delaySpread_s }),
      maximumDoppler_hz,
      sampleRate: carrier.sampleRate,
      transmitAntennas: 1,
      receiveAntennas,
      random: random.fork("channel").fork(user),
    }),
  );
  return {
    slot(number): SlotInput<CellSlot> | undefined {
      if (number >= slots) return undefined;
      const turn = number % users.length;
      const user = users[turn]!;
      const round = Math.floor(number / users.length);
      const harqProcessId = round % processes;
      const sent = Math.floor(round / processes);
      const transmission = sent % transmissions;
      const rvIndex = REDUNDANCY_VERSIONS[transmission % REDUNDANCY_VERSIONS.length]!;
      const given = {
        physCellId: 1,
        rnti: user.rnti,
        slot: number % frames,
        rbStart: 0,
        rbSize: carrier.carrierPrbs,
        mcsTable: 1,
        mcsIndex: user.mcsIndex,
        nrOfLayers: 1,
        harqProcessId,
        newDataIndicator: transmission === 0 ? 1 : 0,
        rvIndex,
      };
      const pusch = puschConfiguration(carrier, parseGrant(given, carrier));
      const block = Math.floor(sent / transmissions);
      const payloads = random.fork("payload").fork(turn).fork(harqProcessId).fork(block);
      const payload = new Uint8Array(pusch.transportBlockSize / 8);
      for (let byte = 0; byte < payload.length; byte++) payload[byte] = payloads.integer(256);
      const variant = transmitter.prepare(uplinkTransmitConfiguration(pusch, guard));
      variant.inputs.payload.view.set(payload);
      variant.inputs.lengths.view.fill(0);
      variant.inputs.lengths.view[0] = payload.length;
      writeGrantMessage(pusch, variant.inputs.grant.view);
      variant.process();
      const start = Math.floor(number / frames) * starts[frames]! + starts[number % frames]!;
      channels[turn]!.apply(variant.outputs.samples.view, start / carrier.sampleRate, samples);
      addNoise(samples, noiseVariance(pusch, user.snr_db), random.fork("noise").fork(number));
      writeGrantMessage(pusch, grant);
      return {
        configuration: uplinkConfiguration(pusch, settings),
        inputs: { samples, grant },
        keys: { [harqProcessKey]: { writes: [harqKey(user.rnti, harqProcessId)] } },
        about: {
          ...user,
          harqProcessId,
          rvIndex,
          transmission: transmission + 1,
          checksum: crc32(payload),
        },
      };
    },
    close: () => transmitter.close(),
  };
}
