/**
 * The air between unsynchronized radios, for windows of messages (Dörner, Cammerer, Hoydis, ten Brink, "Deep learning
 * based communication over the air", IEEE JSTSP 2018): pulse shaping, an unknown instant, frequency and phase, noise.
 */
import type { Random } from "../../../system/index.js";

/** Bits of a message. */
export const MESSAGE_BITS = 8;
export const MESSAGES = 2 ** MESSAGE_BITS;
/** Complex channel uses of a message. */
export const CHANNEL_USES = 4;
/** Messages that reach into a window; the one in the middle is decided. */
export const WINDOW_MESSAGES = 5;
/** Complex channel uses that reach into a window. */
export const WINDOW_SYMBOLS = WINDOW_MESSAGES * CHANNEL_USES;
/** Samples of a channel use. */
export const OVERSAMPLING = 4;
/** Samples that the receiver sees: of the message in the middle and its neighbours. */
export const WINDOW_SAMPLES = 3 * CHANNEL_USES * OVERSAMPLING;

const ROLL_OFF = 0.35;
/** Channel uses on each side beyond which the pulse is cut off: 31 samples in all. */
const HALF_SPAN = 3.75;
/** Standard deviation of the frequency offset, cycles a sample: 5 kHz at 2 Msample/s; cut off at 1.96 of it. */
const FREQUENCY_DEVIATION = 5e3 / 2e6;
const FREQUENCY_CUT = 1.96;

/** What happens to a window between the transmitter's channel uses and the receiver's samples. */
export interface Air {
  /** Channel uses by which the window comes late. */
  delay: number;
  /** Cycles a sample, and its change over the window. */
  frequency: number;
  drift: number;
  /** Cycles. */
  phase: number;
}

/** Draws what phase one trains for: delay within half a channel use, frequency, phase. */
export function drawAir(random: Random, air: Air): void {
  air.delay = random.next() - 0.5;
  do air.frequency = FREQUENCY_DEVIATION * random.gaussian();
  while (Math.abs(air.frequency) > FREQUENCY_CUT * FREQUENCY_DEVIATION);
  air.drift = 0;
  air.phase = random.next();
}

/** Standard deviation of noise in each part of a sample, for channel uses of energy 1. */
export function noiseDeviation(ebn0_db: number): number {
  const energyPerBit = CHANNEL_USES / MESSAGE_BITS;
  return Math.sqrt(energyPerBit / 10 ** (ebn0_db / 10) / 2);
}

/**
 * The root raised cosine at `time` channel uses from its middle, of energy 1 over samples; 0 beyond its span.
 */
export function pulse(time: number): number {
  if (Math.abs(time) > HALF_SPAN) return 0;
  const scale = 1 / Math.sqrt(OVERSAMPLING);
  const edge = 4 * ROLL_OFF * time;
  if (Math.abs(time) < 1e-9) return scale * (1 - ROLL_OFF + (4 * ROLL_OFF) / Math.PI);
  if (Math.abs(Math.abs(edge) - 1) < 1e-9) {
    const angle = Math.PI / (4 * ROLL_OFF);
    const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
    return ((scale * ROLL_OFF) / Math.SQRT2) * ((1 + 2 / Math.PI) * sine + (1 - 2 / Math.PI) * cosine);
  }
  const numerator =
    Math.sin(Math.PI * time * (1 - ROLL_OFF)) + edge * Math.cos(Math.PI * time * (1 + ROLL_OFF));
  return (scale * numerator) / (Math.PI * time * (1 - edge ** 2));
}

/** Weights of {@link pulseWeights}: one for each distance of a sample from a channel use. */
export const PULSE_WEIGHTS = WINDOW_SAMPLES + OVERSAMPLING * (WINDOW_SYMBOLS - 1);

/** Where {@link pulseWeights} puts what a channel use gives a sample. */
export function pulseWeightAt(sample: number, symbol: number): number {
  return sample + OVERSAMPLING * (WINDOW_SYMBOLS - 1 - symbol);
}

/** What the channel uses of a window that comes late by `delay` give its samples. @param weights gets them */
export function pulseWeights(delay: number, weights: Float64Array): void {
  for (let at = 0; at < PULSE_WEIGHTS; at++)
    weights[at] = pulse(sampleTime(at - OVERSAMPLING * (WINDOW_SYMBOLS - 1)) - delay);
}

/** Time of a sample of the window, in channel uses from the first that reaches into it. */
export function sampleTime(sample: number): number {
  return CHANNEL_USES - 0.5 + (sample + 0.5) / OVERSAMPLING;
}

/** Cycles by which a sample of the window is turned. */
export function turns({ frequency, drift, phase }: Air, sample: number): number {
  const from = sample - WINDOW_SAMPLES / 2;
  return phase + frequency * from + (drift * from ** 2) / (2 * WINDOW_SAMPLES);
}
