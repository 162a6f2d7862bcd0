import type { Random } from "../system/index.js";

/** Complex gains of many independent taps as functions of time. */
export interface Fading {
  readonly taps: number;
  /** Gains of all taps at a time in seconds, into re and im. */
  gains(time: number, re: Float64Array, im: Float64Array): void;
  /** Gains at `time`, and, at each call of `advance`, one step of `step` seconds later: no sine or cosine is needed. */
  start(time: number, step: number): void;
  /** Gains now, then a step onwards. */
  advance(re: Float64Array, im: Float64Array): void;
}

/** Relative to the maximum Doppler shift, TR 38.901 7.7.2: the line of sight comes at an angle of 45 degrees. */
const lineOfSightDoppler = 0.7;

/** Enough that the amplitude is Rayleigh down to fades of 30 dB. */
const sinusoids = 32;

/**
 * Rayleigh fading with Clarke's spectrum: each tap is a sum of 32 waves of equal power, whose angles of arrival are
 * uniform, one in each of 32 equal sectors, so that the autocorrelation is J0(2π·maximumDoppler·τ) and the mean power of
 * every single realisation is close to the profile's. At Doppler 0 gains are complex normal and constant.
 *
 * Lines of sight have constant amplitude, a uniform random phase and 0.7 of the maximum Doppler shift.
 *
 * @param powers mean power of each tap
 * @param linesOfSight whether each tap is a line of sight
 * @param maximumDoppler Hz, 0 or more
 */
export function createFading(
  powers: readonly number[],
  linesOfSight: readonly boolean[],
  maximumDoppler: number,
  random: Random,
): Fading {
  const taps = powers.length;
  const waves = maximumDoppler === 0 ? 1 : sinusoids;
  const amplitude = new Float64Array(taps * waves);
  const phase = new Float64Array(taps * waves);
  const frequency = new Float64Array(taps * waves);
  for (let tap = 0; tap < taps; tap++) {
    const scale = Math.sqrt(powers[tap]! / waves);
    for (let wave = 0; wave < waves; wave++) {
      const i = tap * waves + wave;
      phase[i] = 2 * Math.PI * random.next();
      if (linesOfSight[tap]) {
        amplitude[i] = wave === 0 ? Math.sqrt(powers[tap]!) : 0;
        frequency[i] = 2 * Math.PI * lineOfSightDoppler * maximumDoppler;
      } else if (maximumDoppler === 0) {
        amplitude[i] = scale * Math.sqrt(-Math.log(1 - random.next()));
      } else {
        const angle = (2 * Math.PI * (wave + random.next())) / waves;
        amplitude[i] = scale;
        frequency[i] = 2 * Math.PI * maximumDoppler * Math.cos(angle);
      }
    }
  }

  const waveRe = new Float64Array(taps * waves);
  const waveIm = new Float64Array(taps * waves);
  const turnRe = new Float64Array(taps * waves);
  const turnIm = new Float64Array(taps * waves);

  function sum(source: Float64Array, out: Float64Array): void {
    for (let tap = 0, i = 0; tap < taps; tap++) {
      let total = 0;
      for (let wave = 0; wave < waves; wave++) total += source[i++]!;
      out[tap] = total;
    }
  }

  function setWaves(time: number): void {
    for (let i = 0; i < amplitude.length; i++) {
      const angle = phase[i]! + frequency[i]! * time;
      waveRe[i] = amplitude[i]! * Math.cos(angle);
      waveIm[i] = amplitude[i]! * Math.sin(angle);
    }
  }

  return {
    taps,
    gains(time, re, im) {
      setWaves(time);
      sum(waveRe, re);
      sum(waveIm, im);
    },
    start(time, step) {
      setWaves(time);
      for (let i = 0; i < frequency.length; i++) {
        turnRe[i] = Math.cos(frequency[i]! * step);
        turnIm[i] = Math.sin(frequency[i]! * step);
      }
    },
    advance(re, im) {
      sum(waveRe, re);
      sum(waveIm, im);
      for (let i = 0; i < waveRe.length; i++) {
        const x = waveRe[i]!;
        const y = waveIm[i]!;
        waveRe[i] = x * turnRe[i]! - y * turnIm[i]!;
        waveIm[i] = x * turnIm[i]! + y * turnRe[i]!;
      }
    },
  };
}
