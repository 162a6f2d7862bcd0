/**
 * Differential QPSK, two bits a channel use as the messages of the learned link carry, received by a matched filter at the
 * known instant. Better timing than a practical receiver has: a baseline that flatters nobody but itself.
 */
import type { Random } from "../../../system/index.js";
import { CHANNEL_USES, pulse, sampleTime, WINDOW_MESSAGES, WINDOW_SAMPLES, WINDOW_SYMBOLS } from "./burst.js";

/** Draws a window: re and im of its channel uses, and the quarter turns that carry the bits. */
export function drawDifferential(random: Random, symbols: Float64Array, quarters: Uint8Array): void {
  let angle = 0.25 * Math.PI;
  for (let symbol = 0; symbol < WINDOW_SYMBOLS; symbol++) {
    quarters[symbol] = random.integer(4);
    angle += (quarters[symbol]! * Math.PI) / 2;
    symbols[2 * symbol] = Math.cos(angle);
    symbols[2 * symbol + 1] = Math.sin(angle);
  }
}

/** Whether all quarter turns of the message in the middle come out as they were sent. @param delay of the window */
export function differentialIsRight(samples: Float32Array, delay: number, quarters: Uint8Array): boolean {
  const first = ((WINDOW_MESSAGES - 1) / 2) * CHANNEL_USES;
  let [beforeRe, beforeIm] = [0, 0];
  for (let symbol = first - 1; symbol < first + CHANNEL_USES; symbol++) {
    let [re, im] = [0, 0];
    for (let sample = 0; sample < WINDOW_SAMPLES; sample++) {
      const weight = pulse(sampleTime(sample) - delay - symbol);
      re += weight * samples[2 * sample]!;
      im += weight * samples[2 * sample + 1]!;
    }
    if (symbol >= first) {
      const turn = Math.atan2(im * beforeRe - re * beforeIm, re * beforeRe + im * beforeIm);
      if ((Math.round((2 * turn) / Math.PI) + 4) % 4 !== quarters[symbol]) return false;
    }
    [beforeRe, beforeIm] = [re, im];
  }
  return true;
}
