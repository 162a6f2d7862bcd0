import type { Random } from "../../../system/index.js";
import {
  type Air,
  drawAir,
  noiseDeviation,
  OVERSAMPLING,
  PULSE_WEIGHTS,
  pulseWeightAt,
  pulseWeights,
  turns,
  WINDOW_SAMPLES,
  WINDOW_SYMBOLS,
} from "./burst.js";

/** What a pair of real radios does beyond what phase one trains for. */
export interface RadioImpairments {
  /** Rapp's model of the power amplifier: amplitude at which it saturates, over the RMS one; how sharply. */
  readonly saturation: number;
  readonly smoothness: number;
  /** The imaginary branch's amplitude over the real one's, and the radians by which they are off a right angle. */
  readonly iqGain: number;
  readonly iqPhase: number;
  /** Cycles a sample that the oscillators are apart, and the largest change over a window. */
  readonly frequency: number;
  readonly drift: number;
}

/** The set of phase two, which phase one has not seen. */
export const radioImpairments: RadioImpairments = {
  saturation: 1.2,
  smoothness: 2,
  iqGain: 1.12,
  iqPhase: 0.1,
  frequency: 3e-3,
  drift: 2e-3,
};

/**
 * Samples of a window that two radios with `impairments` give, as a recording of known messages would; without them,
 * what phase one trains for.
 * @param symbols re and im of the channel uses that reach into the window
 * @param air gets what was drawn
 * @param samples gets re and im of its samples
 */
export function recordWindow(
  symbols: Float64Array,
  ebn0_db: number,
  impairments: RadioImpairments | undefined,
  random: Random,
  air: Air,
  samples: Float32Array,
): void {
  drawAir(random, air);
  if (impairments !== undefined) {
    air.frequency += impairments.frequency;
    air.drift = impairments.drift * (2 * random.next() - 1);
  }
  const weights = new Float64Array(PULSE_WEIGHTS);
  pulseWeights(air.delay, weights);
  const deviation = noiseDeviation(ebn0_db);
  for (let sample = 0; sample < WINDOW_SAMPLES; sample++) {
    let [re, im] = [0, 0];
    for (let symbol = 0; symbol < WINDOW_SYMBOLS; symbol++) {
      const weight = weights[pulseWeightAt(sample, symbol)]!;
      re += weight * symbols[2 * symbol]!;
      im += weight * symbols[2 * symbol + 1]!;
    }
    if (impairments !== undefined) {
      const { saturation, smoothness, iqGain, iqPhase } = impairments;
      im = iqGain * (im * Math.cos(iqPhase) + re * Math.sin(iqPhase));
      const amplitude = Math.hypot(re, im) / (saturation * RMS);
      const gain = (1 + amplitude ** (2 * smoothness)) ** (-1 / (2 * smoothness));
      [re, im] = [gain * re, gain * im];
    }
    const angle = 2 * Math.PI * turns(air, sample);
    const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
    samples[2 * sample] = re * cosine - im * sine + deviation * random.gaussian();
    samples[2 * sample + 1] = re * sine + im * cosine + deviation * random.gaussian();
  }
}

/** Root mean square of a sample: a channel use has energy 1 and lasts so many. */
const RMS = 1 / Math.sqrt(OVERSAMPLING);
