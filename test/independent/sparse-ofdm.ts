import type { Complex, Grid } from "./complex.js";
import type { OfdmConfiguration } from "./ofdm.js";
import { sampleRange, symbolTiming, upConversionPhase } from "./ofdm.js";

/** T_c of TS 38.211 4.1 in seconds. */
const tc = 1 / (480e3 * 4096);

/**
 * TS 38.211 5.3.1 and 5.4 like `modulateSlot`, for grids that are too large for it: subcarriers that are 0 are left
 * out, and each one's wave is carried on from sample to sample. Scaled to power 1 a sample for a full grid of power 1.
 * @returns interleaved samples of each antenna port
 */
export function modulateSparsely(grid: Grid, configuration: OfdmConfiguration): Float64Array[] {
  const { slot, sampleRate, subcarrierSpacing } = configuration;
  const spacing = 1000 * subcarrierSpacing;
  const origin = sampleRange(configuration, 0).first;
  const length = sampleRange(configuration, grid[0]!.length - 1).end - origin;
  const size = Math.sqrt(sampleRate / spacing);
  return grid.map((symbols) => {
    const out = new Float64Array(2 * length);
    symbols.forEach((subcarriers, symbol) => {
      const { start, prefix } = symbolTiming(configuration, slot, symbol);
      const { first, end } = sampleRange(configuration, symbol);
      const phase = upConversionPhase(configuration, symbol);
      const begin = first / sampleRate - (start + prefix) * tc;
      subcarriers.forEach((value: Complex, k) => {
        if (value.re === 0 && value.im === 0) return;
        const frequency = (k - subcarriers.length / 2) * spacing;
        const angle = 2 * Math.PI * frequency * begin;
        const [c, s] = [Math.cos(angle) / size, Math.sin(angle) / size];
        const [a, b] = [value.re * phase.re - value.im * phase.im, value.re * phase.im + value.im * phase.re];
        let [re, im] = [a * c - b * s, a * s + b * c];
        const step = (2 * Math.PI * frequency) / sampleRate;
        const [stepRe, stepIm] = [Math.cos(step), Math.sin(step)];
        for (let at = 2 * (first - origin); at < 2 * (end - origin); at += 2) {
          out[at]! += re;
          out[at + 1]! += im;
          const next = re * stepRe - im * stepIm;
          im = re * stepIm + im * stepRe;
          re = next;
        }
      });
    });
    return out;
  });
}
