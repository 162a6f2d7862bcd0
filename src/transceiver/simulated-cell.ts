import { openTarget, type Target } from "../compiler/index.js";
import { createArena, createFlowInstance } from "../functions/index.js";
import {
  addNoise,
  applyFrequencyOffset,
  applyPhaseNoise,
  applyTimingOffset,
  type Channel,
  createChannel,
  createRandom,
  type DelayProfileName,
} from "../radio/index.js";
import type { Transmission } from "./harq-sender.js";
import { precoder } from "./mapping/precode.js";
import { writeGrantMessage } from "./pusch/grant-message.js";
import {
  type Carrier,
  type PuschConfiguration,
  type PuschGrant,
  parseGrant,
  puschConfiguration,
  slotSamples,
  slotsPerFrame,
} from "./pusch/index.js";
import { longestSlotSamples } from "./synchronization/guard.js";
import { uplinkTransmit } from "./uplink-transmit.js";
import { uplinkTransmitConfiguration } from "./uplink-transmit-configuration.js";

/** The cell that is simulated: one user, granted the same in every slot. */
export interface SimulatedCellOptions {
  readonly carrier: Carrier;
  /** As a grant is given, for slot 0; later slots differ in `slot` only. */
  readonly grant: Readonly<Record<string, unknown>>;
  readonly receiveAntennas: number;
  /** Samples before and behind a slot. */
  readonly guard: number;
  /** "awgn": no fading, orthogonal columns of magnitude 1 between transmit and receive antennas. */
  readonly profile: DelayProfileName | "awgn";
  /** Of the profiles TDL-A to TDL-E. */
  readonly delaySpread_s?: number | undefined;
  readonly maximumDoppler_hz?: number | undefined;
  /** Received power of all layers in a resource element over that of noise, at each antenna; infinite without noise. */
  readonly snr_db: number;
  readonly cfo_hz?: number | undefined;
  /** Positive: the slot arrives late. */
  readonly timingOffset_s?: number | undefined;
  /** Linewidth of the oscillator (Wiener phase noise); none unless given. */
  readonly phaseNoiseLinewidth_hz?: number | undefined;
  /**
   * The channel is drawn anew for every transport block instead of going on in time: independent blocks for error
   * rates. Retransmissions come through their block's own channel, which went on in time.
   */
  readonly independentSlots?: boolean | undefined;
  readonly seed: number;
}

/** One slot off the air, and what was sent in it. */
export interface SimulatedSlot {
  readonly configuration: PuschConfiguration;
  /** complex64 `[antenna][guard + slot + guard]`; overwritten by the next slot. */
  readonly samples: Float32Array;
  /** The transport block, packed bytes; overwritten by the next one of its HARQ process. */
  readonly payload: Uint8Array;
}

/** Sends random transport blocks through the transmit flow, a channel and impairments. */
export interface SimulatedCell {
  readonly inputSamples: number;
  readonly firstGrant: PuschGrant;
  /**
   * The next slot: a new transport block, unless the transmission is of one that its HARQ process has sent before.
   * @param transmission takes the place of what the grant says; the new-data indicator 0 needs one with 1 before.
   */
  next(transmission?: Transmission): SimulatedSlot;
  /** Lets a number of slots pass in which nothing is sent. */
  skip(slots: number): void;
  close(): void;
}

/** Sets up a simulated cell. The same seed gives the same samples. @throws InputError for a refused grant. */
export function createSimulatedCell(
  options: SimulatedCellOptions,
  target: Target = openTarget(),
): SimulatedCell {
  const { carrier, receiveAntennas, guard, profile, seed } = options;
  const grant = parseGrant({ ...options.grant, slot: 0 }, carrier);
  const first = puschConfiguration(carrier, grant);
  const ports = first.antennaPorts;
  const inputSamples = longestSlotSamples(carrier) + 2 * guard;
  const random = createRandom(seed);
  const payloads = random.fork("payload");
  const noise = random.fork("noise");
  const arena = createArena({ bytes: 256 * 2 ** 20 });
  const instance = createFlowInstance(uplinkTransmit, { arena, target });
  const samples = new Float32Array(2 * receiveAntennas * inputSamples);
  const variance = noiseVariance(first, options.snr_db);
  const frames = slotsPerFrame(carrier.subcarrierSpacing);
  /** What each HARQ process sends, and through which channel. */
  const processes: { payload: Uint8Array; channel: Channel | undefined }[] = [];
  let channel: Channel | undefined;
  let slotNumber = 0;
  let startSample = 0;
  let phase = 0;

  const drawChannel = (label: number): Channel | undefined =>
    profile === "awgn"
      ? undefined
      : createChannel({
          profile,
          ...(options.delaySpread_s === undefined ? {} : { delaySpread_s: options.delaySpread_s }),
          maximumDoppler_hz: options.maximumDoppler_hz ?? 0,
          sampleRate: carrier.sampleRate,
          transmitAntennas: ports,
          receiveAntennas,
          random: random.fork("channel").fork(label),
        });

  const skip = (slots: number): void => {
    for (let count = 0; count < slots; count++) startSample += slotSamples(carrier, slotNumber++ % frames);
  };

  /** What the process of a transmission sends now. */
  const block = ({ harqProcessId, newDataIndicator }: Omit<Transmission, "rvIndex">) => {
    const known = processes[harqProcessId];
    if (newDataIndicator === 0 && known) return known;
    if (slotNumber === 0 || options.independentSlots) channel = drawChannel(slotNumber);
    const payload = known?.payload ?? new Uint8Array(first.transportBlockSize / 8);
    for (let byte = 0; byte < payload.length; byte++) payload[byte] = payloads.integer(256);
    processes[harqProcessId] = { payload, channel };
    return processes[harqProcessId];
  };

  return {
    inputSamples,
    firstGrant: grant,
    next(transmission) {
      const slot = slotNumber % frames;
      const configuration = puschConfiguration(
        carrier,
        parseGrant({ ...options.grant, ...transmission, slot }, carrier),
      );
      const { payload, channel } = block(
        transmission ?? { harqProcessId: grant.harqProcessId, newDataIndicator: 1 },
      );
      const variant = instance.prepare(uplinkTransmitConfiguration(configuration, guard));
      variant.inputs.payload.view.set(payload);
      variant.inputs.lengths.view.fill(0);
      variant.inputs.lengths.view[0] = payload.length;
      writeGrantMessage(configuration, variant.inputs.grant.view);
      variant.process();
      const sent = variant.outputs.samples.view;
      const startTime_s = startSample / carrier.sampleRate;
      if (channel) channel.apply(sent, startTime_s, samples);
      else mixOrthogonally(sent, ports, samples, receiveAntennas, inputSamples);
      if (options.timingOffset_s) {
        applyTimingOffset(samples, options.timingOffset_s * carrier.sampleRate, receiveAntennas);
      }
      if (options.cfo_hz) {
        applyFrequencyOffset(samples, options.cfo_hz, carrier.sampleRate, receiveAntennas, startTime_s);
      }
      if (options.phaseNoiseLinewidth_hz) {
        const linewidth = options.phaseNoiseLinewidth_hz;
        phase = applyPhaseNoise(samples, linewidth, carrier.sampleRate, noise, receiveAntennas, phase);
      }
      if (variance > 0) addNoise(samples, variance, noise);
      skip(1);
      return { configuration, samples, payload };
    },
    skip,
    close: () => instance.close(),
  };
}

/** Variance of the noise in a sample at each antenna, for an SNR in dB of all layers in a resource element. */
export function noiseVariance(configuration: PuschConfiguration, snr_db: number): number {
  return transmittedPower(configuration) / 10 ** (snr_db / 10);
}

/** Power of all antenna ports in a resource element: of layers of power 1 through the precoder. */
function transmittedPower(configuration: PuschConfiguration): number {
  return precoder(configuration).reduce((sum, weight) => sum + weight * weight, 0);
}

function mixOrthogonally(
  sent: Float32Array,
  ports: number,
  received: Float32Array,
  antennas: number,
  count: number,
): void {
  received.fill(0);
  for (let antenna = 0; antenna < antennas; antenna++) {
    for (let port = 0; port < ports; port++) {
      const angle = (2 * Math.PI * antenna * port) / Math.max(antennas, ports);
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const [from, to] = [2 * port * count, 2 * antenna * count];
      for (let k = 0; k < 2 * count; k += 2) {
        received[to + k]! += c * sent[from + k]! - s * sent[from + k + 1]!;
        received[to + k + 1]! += s * sent[from + k]! + c * sent[from + k + 1]!;
      }
    }
  }
}
