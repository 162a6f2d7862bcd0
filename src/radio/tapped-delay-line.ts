import { InputError } from "../errors.js";
import type { Random } from "../system/index.js";
import { type DelayProfile, type DelayProfileName, delayProfiles } from "./delay-profiles.js";
import { createFading } from "./fading.js";
import { fourierTransform } from "./fourier.js";
import { sincCoefficients, sincLead, sincTaps } from "./fractional-delay.js";

export interface ChannelOptions {
  readonly profile: DelayProfileName;
  /** Seconds: the root mean square delay spread of TDL-A to -E. The profiles of TS 38.104 have their own: leave it out. */
  readonly delaySpread_s?: number | undefined;
  /** Hz; 0 draws a channel once and keeps it. */
  readonly maximumDoppler_hz: number;
  /** Hz. */
  readonly sampleRate: number;
  readonly transmitAntennas: number;
  readonly receiveAntennas: number;
  readonly random: Random;
}

/** A fading multipath channel of a MIMO link: a function of absolute time, without memory of what was applied. */
export interface Channel {
  readonly transmitAntennas: number;
  readonly receiveAntennas: number;
  /** Output depends on this many samples before. */
  readonly memory: number;
  /** Output depends on this many samples after: the fractional delay's filter is symmetric about its delay. */
  readonly lead: number;
  /**
   * Sends samples through the channel. What lies outside of them counts as zero, and what arrives after the last is
   * cut off: to receive a piece of a longer signal, apply the channel to the piece with `memory` samples before and
   * `lead` after it, at the earlier start time, and drop these from the output.
   *
   * @param samples complex64 [transmit antenna][n], finite
   * @param startTime_s time of the first sample
   * @param out complex64 [receive antenna][n], overwritten; must not overlap the samples
   * @throws InputError when the lengths do not fit the numbers of antennas
   */
  apply(samples: Float32Array, startTime_s: number, out: Float32Array): void;
  /**
   * The exact response at a moment, for genie estimators and tests.
   *
   * @param frequencies_hz relative to the carrier
   * @returns complex64 [receive antenna][transmit antenna][frequency]
   */
  frequencyResponse(time_s: number, frequencies_hz: ArrayLike<number>): Float32Array;
}

/** Longest delay, in samples. */
const greatestDelay = 2 ** 14;

/**
 * Gains are interpolated linearly over blocks so short that the error stays below −60 dB at the maximum Doppler shift:
 * it is (2π·Doppler·duration)² / 8.
 */
const blockPhase = Math.sqrt(8e-3);

/**
 * A tapped delay line (TR 38.901 7.7.2, TS 38.104 G.2). Every pair of antennas has its own independent taps (the low
 * correlation of TS 38.104), each fading with Clarke's spectrum; the line of sight of TDL-D and -E has constant
 * amplitude and 0.7 of the maximum Doppler shift. The mean power of each pair of antennas is 1.
 *
 * Delays are fractions of a sample by a windowed sinc of 32 taps on the sample grid (within −69 dB up to 0.85 of the
 * Nyquist frequency). Gains change within the OFDM symbol, so Doppler costs orthogonality as it does in the air.
 *
 * @throws InputError naming the option that is wrong
 */
export function createChannel(options: ChannelOptions): Channel {
  const { maximumDoppler_hz, sampleRate, transmitAntennas, receiveAntennas, random } = options;
  const profile = checkOptions(options);
  const scale = profile.scaled ? options.delaySpread_s! : 1e-9;
  const delays = Float64Array.from(profile.taps, ([delay]) => delay * scale);
  const relative = profile.taps.map(([, power]) => 10 ** (power / 10));
  const total = relative.reduce((sum, power) => sum + power, 0);
  const tapCount = delays.length;
  const links = receiveAntennas * transmitAntennas;
  const fading = createFading(
    Array.from({ length: links * tapCount }, (_, i) => relative[i % tapCount]! / total),
    Array.from({ length: links * tapCount }, (_, i) => profile.lineOfSight && i % tapCount === 0),
    maximumDoppler_hz,
    random,
  );
  const isStatic = maximumDoppler_hz === 0;

  const wholeDelays = Array.from(delays, (delay) => Math.floor(delay * sampleRate));
  const filters = Array.from(delays, (delay, tap) => {
    const coefficients = new Float64Array(sincTaps);
    sincCoefficients(delay * sampleRate - wholeDelays[tap]!, coefficients);
    return coefficients;
  });
  const responseLength = Math.max(...wholeDelays) + sincTaps;
  const longestBlock = isStatic
    ? Number.POSITIVE_INFINITY
    : Math.max(1, Math.floor((blockPhase * sampleRate) / (2 * Math.PI * maximumDoppler_hz)));
  const { size, block } = chooseBlock(responseLength, longestBlock);
  const transform = fourierTransform(size);

  const gainsRe = new Float64Array(fading.taps);
  const gainsIm = new Float64Array(fading.taps);
  const vectors = (count: number) => Array.from({ length: count }, () => new Float64Array(size));
  const signalRe = vectors(transmitAntennas);
  const signalIm = vectors(transmitAntennas);
  let startRe = vectors(links);
  let startIm = vectors(links);
  let endRe = isStatic ? startRe : vectors(links);
  let endIm = isStatic ? startIm : vectors(links);
  const outputRe = vectors(2);
  const outputIm = vectors(2);

  /** Spectra of all links' impulse responses for the gains at hand. */
  function fillSpectra(spectraRe: Float64Array[], spectraIm: Float64Array[]): void {
    for (let link = 0; link < links; link++) {
      const re = spectraRe[link]!.fill(0);
      const im = spectraIm[link]!.fill(0);
      for (let tap = 0; tap < tapCount; tap++) {
        // The inverse transform's scale goes where the fewest multiplications are.
        const gainRe = gainsRe[link * tapCount + tap]! / size;
        const gainIm = gainsIm[link * tapCount + tap]! / size;
        const filter = filters[tap]!;
        const first = wholeDelays[tap]!;
        for (let i = 0; i < sincTaps; i++) {
          re[first + i]! += gainRe * filter[i]!;
          im[first + i]! += gainIm * filter[i]!;
        }
      }
      transform.forward(re, im);
    }
  }

  /** Spectra of the transmitted samples that bear on the outputs from `first` on. */
  function fillSignals(samples: Float32Array, count: number, first: number): void {
    const begin = first + sincLead - (responseLength - 1);
    const from = Math.max(0, -begin);
    const to = Math.min(size, count - begin);
    for (let antenna = 0; antenna < transmitAntennas; antenna++) {
      const re = signalRe[antenna]!.fill(0);
      const im = signalIm[antenna]!.fill(0);
      const offset = 2 * (antenna * count + begin);
      for (let i = from; i < to; i++) {
        re[i] = samples[offset + 2 * i]!;
        im[i] = samples[offset + 2 * i + 1]!;
      }
      transform.forward(re, im);
    }
  }

  /** What one receive antenna receives through these responses, from position `responseLength − 1` on. */
  function receive(
    antenna: number,
    spectraRe: readonly Float64Array[],
    spectraIm: readonly Float64Array[],
    re: Float64Array,
    im: Float64Array,
  ): void {
    re.fill(0);
    im.fill(0);
    for (let transmit = 0; transmit < transmitAntennas; transmit++) {
      const hRe = spectraRe[antenna * transmitAntennas + transmit]!;
      const hIm = spectraIm[antenna * transmitAntennas + transmit]!;
      const xRe = signalRe[transmit]!;
      const xIm = signalIm[transmit]!;
      for (let i = 0; i < size; i++) {
        re[i]! += hRe[i]! * xRe[i]! - hIm[i]! * xIm[i]!;
        im[i]! += hRe[i]! * xIm[i]! + hIm[i]! * xRe[i]!;
      }
    }
    transform.inverse(re, im);
  }

  if (isStatic) {
    fading.gains(0, gainsRe, gainsIm);
    fillSpectra(startRe, startIm);
  }

  function apply(samples: Float32Array, startTime_s: number, out: Float32Array): void {
    const count = samples.length / (2 * transmitAntennas);
    if (!Number.isInteger(count) || out.length !== 2 * receiveAntennas * count) {
      throw new InputError(
        "samples and out",
        `${samples.length} and ${out.length} values`,
        `give 2 values a sample for each of ${transmitAntennas} transmit and ${receiveAntennas} receive antennas`,
      );
    }
    if (!Number.isFinite(startTime_s))
      throw new InputError("startTime_s", startTime_s, "give a time in seconds");
    if (!isStatic) {
      fading.start(startTime_s, block / sampleRate);
      fading.advance(gainsRe, gainsIm);
      fillSpectra(startRe, startIm);
    }
    for (let first = 0; first < count; first += block) {
      fillSignals(samples, count, first);
      if (!isStatic) {
        fading.advance(gainsRe, gainsIm);
        fillSpectra(endRe, endIm);
      }
      const blockCount = Math.min(block, count - first);
      for (let antenna = 0; antenna < receiveAntennas; antenna++) {
        receive(antenna, startRe, startIm, outputRe[0]!, outputIm[0]!);
        if (!isStatic) receive(antenna, endRe, endIm, outputRe[1]!, outputIm[1]!);
        emit(out, 2 * (antenna * count + first), blockCount);
      }
      [startRe, endRe] = [endRe, startRe];
      [startIm, endIm] = [endIm, startIm];
    }
  }

  function emit(out: Float32Array, at: number, count: number): void {
    const [re0, re1] = [outputRe[0]!, outputRe[1]!];
    const [im0, im1] = [outputIm[0]!, outputIm[1]!];
    const slope = isStatic ? 0 : 1 / block;
    for (let i = 0; i < count; i++) {
      const j = responseLength - 1 + i;
      out[at + 2 * i] = re0[j]! + slope * i * (re1[j]! - re0[j]!);
      out[at + 2 * i + 1] = im0[j]! + slope * i * (im1[j]! - im0[j]!);
    }
  }

  function frequencyResponse(time_s: number, frequencies_hz: ArrayLike<number>): Float32Array {
    fading.gains(time_s, gainsRe, gainsIm);
    const count = frequencies_hz.length;
    const sumRe = new Float64Array(links * count);
    const sumIm = new Float64Array(links * count);
    for (let tap = 0; tap < tapCount; tap++) {
      for (let k = 0; k < count; k++) {
        const angle = -2 * Math.PI * frequencies_hz[k]! * delays[tap]!;
        const cosine = Math.cos(angle);
        const sine = Math.sin(angle);
        for (let link = 0; link < links; link++) {
          const re = gainsRe[link * tapCount + tap]!;
          const im = gainsIm[link * tapCount + tap]!;
          sumRe[link * count + k]! += re * cosine - im * sine;
          sumIm[link * count + k]! += re * sine + im * cosine;
        }
      }
    }
    const response = new Float32Array(2 * links * count);
    for (let i = 0; i < sumRe.length; i++) {
      response[2 * i] = sumRe[i]!;
      response[2 * i + 1] = sumIm[i]!;
    }
    return response;
  }

  return {
    transmitAntennas,
    receiveAntennas,
    memory: responseLength - 1 - sincLead,
    lead: sincLead,
    apply,
    frequencyResponse,
  };
}

/** The transform size, and the outputs a block, that take the fewest operations for each output. */
function chooseBlock(responseLength: number, longestBlock: number): { size: number; block: number } {
  let best = { size: 0, block: 1 };
  let lowestCost = Number.POSITIVE_INFINITY;
  for (let size = 64; size <= 4 * greatestDelay; size *= 2) {
    const block = Math.min(size - responseLength + 1, longestBlock);
    const cost = (size * Math.log2(size)) / block;
    if (block >= 1 && cost < lowestCost) {
      lowestCost = cost;
      best = { size, block };
    }
  }
  return best;
}

function checkOptions(options: ChannelOptions): DelayProfile {
  const { delaySpread_s, maximumDoppler_hz, sampleRate } = options;
  if (!Object.hasOwn(delayProfiles, options.profile)) {
    throw new InputError("profile", options.profile, `give one of ${Object.keys(delayProfiles).join(", ")}`);
  }
  const profile: DelayProfile = delayProfiles[options.profile];
  if (!(Number.isFinite(sampleRate) && sampleRate > 0)) {
    throw new InputError("sampleRate", sampleRate, "give a positive number of Hz");
  }
  if (
    profile.scaled &&
    !(delaySpread_s !== undefined && delaySpread_s >= 0 && Number.isFinite(delaySpread_s))
  ) {
    throw new InputError(
      "delaySpread_s",
      delaySpread_s,
      `${options.profile} needs one, in seconds, of 0 or more`,
    );
  }
  if (!profile.scaled && delaySpread_s !== undefined) {
    throw new InputError("delaySpread_s", delaySpread_s, `${options.profile} has its own: leave it out`);
  }
  const longest =
    Math.max(...profile.taps.map(([delay]) => delay)) * (profile.scaled ? delaySpread_s! : 1e-9);
  if (longest * sampleRate > greatestDelay) {
    throw new InputError(
      profile.scaled ? "delaySpread_s" : "sampleRate",
      profile.scaled ? delaySpread_s : sampleRate,
      `the longest delay would be ${Math.round(longest * sampleRate)} samples, ${greatestDelay} are possible`,
    );
  }
  if (!(maximumDoppler_hz >= 0 && maximumDoppler_hz <= sampleRate / 100)) {
    throw new InputError(
      "maximumDoppler_hz",
      maximumDoppler_hz,
      "give 0 Hz up to a hundredth of the sample rate",
    );
  }
  for (const field of ["transmitAntennas", "receiveAntennas"] as const) {
    const antennas = options[field];
    if (!(Number.isInteger(antennas) && antennas >= 1 && antennas <= 64)) {
      throw new InputError(field, antennas, "give 1 to 64 antennas");
    }
  }
  return profile;
}
