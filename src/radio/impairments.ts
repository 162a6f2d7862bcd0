import { InputError } from "../errors.js";
import type { Random } from "../system/index.js";
import { sincCoefficients, sincLead, sincTaps } from "./fractional-delay.js";

/** Phases are computed anew after this many samples, so that rounding does not accumulate. */
const exactEvery = 256;

/**
 * Adds white Gaussian noise in place. A NaN stays NaN and touches nothing else.
 *
 * @param samples complex64, any shape
 * @param variance mean of |noise|² of a complex sample, half of it in each component; 0 draws numbers but adds none
 * @throws InputError when the variance is negative, NaN or infinite
 */
export function addNoise(samples: Float32Array, variance: number, random: Random): void {
  checkNumber("variance", variance, 0);
  const deviation = Math.sqrt(variance / 2);
  for (let i = 0; i < samples.length; i++) samples[i]! += deviation * random.gaussian();
}

/**
 * Shifts the carrier in place: multiplies by exp(j2π·offset·t), the same for all antennas. A NaN stays where it is.
 *
 * @param samples complex64 [antenna][n]
 * @param offset_hz positive shifts the spectrum up
 * @param sampleRate Hz
 * @param antennas 1 by default
 * @param startTime_s time of the first sample, so that consecutive pieces join without a jump; 0 by default
 * @throws InputError when a number is not finite or the samples are not whole for all antennas
 */
export function applyFrequencyOffset(
  samples: Float32Array,
  offset_hz: number,
  sampleRate: number,
  antennas = 1,
  startTime_s = 0,
): void {
  checkNumber("offset_hz", offset_hz, Number.NEGATIVE_INFINITY);
  checkNumber("sampleRate", sampleRate, Number.MIN_VALUE);
  checkNumber("startTime_s", startTime_s, Number.NEGATIVE_INFINITY);
  const count = samplesPerAntenna(samples, antennas);
  const step = (2 * Math.PI * offset_hz) / sampleRate;
  const stepRe = Math.cos(step);
  const stepIm = Math.sin(step);
  // Whole turns are dropped before the sine: at large times little would be left of its precision.
  const startTurns = (offset_hz * startTime_s) % 1;
  for (let antenna = 0; antenna < antennas; antenna++) {
    let re = 1;
    let im = 0;
    for (let n = 0; n < count; n++) {
      if (n % exactEvery === 0) {
        const angle = 2 * Math.PI * ((startTurns + (offset_hz * n) / sampleRate) % 1);
        re = Math.cos(angle);
        im = Math.sin(angle);
      }
      rotate(samples, 2 * (antenna * count + n), re, im);
      const next = re * stepRe - im * stepIm;
      im = re * stepIm + im * stepRe;
      re = next;
    }
  }
}

/**
 * Delays the samples in place by any fraction of a sample (windowed sinc, within −69 dB up to 0.85 of the Nyquist
 * frequency; whole offsets are exact). Zeros come in, what leaves is lost. With a fractional offset a NaN spreads to
 * the 32 samples about it.
 *
 * @param samples complex64 [antenna][n]
 * @param offset samples; positive is later
 * @param antennas 1 by default
 * @throws InputError when the offset is not finite or the samples are not whole for all antennas
 */
export function applyTimingOffset(samples: Float32Array, offset: number, antennas = 1): void {
  checkNumber("offset", offset, Number.NEGATIVE_INFINITY);
  const count = samplesPerAntenna(samples, antennas);
  const whole = Math.floor(offset);
  const fraction = offset - whole;
  const coefficients = new Float64Array(sincTaps);
  sincCoefficients(fraction, coefficients);
  const [low, high] = fraction === 0 ? [sincLead, sincLead + 1] : [0, sincTaps];
  for (let antenna = 0; antenna < antennas; antenna++) {
    const own = samples.subarray(2 * antenna * count, 2 * (antenna + 1) * count);
    const source = own.slice();
    for (let n = 0; n < count; n++) {
      let re = 0;
      let im = 0;
      // Coefficient i takes sample n − whole − (i − sincLead), where there is one.
      const latest = n - whole + sincLead;
      for (let i = Math.max(low, latest - count + 1); i < high && i <= latest; i++) {
        re += coefficients[i]! * source[2 * (latest - i)]!;
        im += coefficients[i]! * source[2 * (latest - i) + 1]!;
      }
      own[2 * n] = re;
      own[2 * n + 1] = im;
    }
  }
}

/**
 * Phase noise of a free-running oscillator, in place: a Wiener process whose increments have the variance
 * 2π·linewidth / sampleRate, the same phase for all antennas. A NaN stays where it is.
 *
 * @param samples complex64 [antenna][n]
 * @param linewidth_hz width of the oscillator's Lorentzian line at half power; 0 rotates by the start phase only
 * @param sampleRate Hz
 * @param antennas 1 by default
 * @param startPhase radians at the first sample; 0 by default
 * @returns the phase of the sample after the last, to start the next piece with
 * @throws InputError when a number is not finite or not positive, or the samples are not whole for all antennas
 */
export function applyPhaseNoise(
  samples: Float32Array,
  linewidth_hz: number,
  sampleRate: number,
  random: Random,
  antennas = 1,
  startPhase = 0,
): number {
  checkNumber("linewidth_hz", linewidth_hz, 0);
  checkNumber("sampleRate", sampleRate, Number.MIN_VALUE);
  checkNumber("startPhase", startPhase, Number.NEGATIVE_INFINITY);
  const count = samplesPerAntenna(samples, antennas);
  const deviation = Math.sqrt((2 * Math.PI * linewidth_hz) / sampleRate);
  let phase = startPhase;
  for (let n = 0; n < count; n++) {
    const re = Math.cos(phase);
    const im = Math.sin(phase);
    for (let antenna = 0; antenna < antennas; antenna++) rotate(samples, 2 * (antenna * count + n), re, im);
    phase += deviation * random.gaussian();
  }
  return phase;
}

function rotate(samples: Float32Array, at: number, re: number, im: number): void {
  const x = samples[at]!;
  const y = samples[at + 1]!;
  samples[at] = x * re - y * im;
  samples[at + 1] = x * im + y * re;
}

function samplesPerAntenna(samples: Float32Array, antennas: number): number {
  const count = samples.length / (2 * antennas);
  if (!(Number.isInteger(antennas) && antennas >= 1 && Number.isInteger(count))) {
    throw new InputError(
      "antennas",
      antennas,
      `${samples.length} values must be 2 a sample for each antenna`,
    );
  }
  return count;
}

function checkNumber(field: string, value: number, least: number): void {
  if (!(Number.isFinite(value) && value >= least)) {
    const range = least === Number.NEGATIVE_INFINITY ? "" : least === 0 ? " of 0 or more" : " above 0";
    throw new InputError(field, value, `give a finite number${range}`);
  }
}
