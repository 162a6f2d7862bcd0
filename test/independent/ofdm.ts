import type { Complex } from "./complex.js";
import { add, multiply, scale, unit, zero } from "./complex.js";

/** T_c = 1 / (480 kHz · 4096) in seconds, TS 38.211 4.1; κ = 64. */
const tc = 1 / (480e3 * 4096);
const kappa = 64;

/** Numerology of a slot: subcarrier spacing in kHz and cyclic prefix. */
export interface Numerology {
  readonly subcarrierSpacing: 15 | 30 | 60;
  readonly cyclicPrefix: "normal" | "extended";
}

/** TS 38.211 Tables 4.3.2-1 and -2: OFDM symbols of a slot. */
export function symbolsPerSlot(cyclicPrefix: "normal" | "extended"): number {
  return cyclicPrefix === "normal" ? 14 : 12;
}

/** TS 38.211 5.3.1: start of an OFDM symbol, and lengths of its prefix and its useful part, in T_c. */
export interface SymbolTiming {
  readonly start: number;
  readonly prefix: number;
  readonly useful: number;
}

/** TS 38.211 5.3.1: timing of symbol l of a slot; the start counts from the start of the subframe. */
export function symbolTiming(numerology: Numerology, slot: number, symbol: number): SymbolTiming {
  const mu = Math.log2(numerology.subcarrierSpacing / 15);
  const useful = (2048 * kappa) / 2 ** mu;
  const prefix = (l: number) => {
    if (numerology.cyclicPrefix === "extended") {
      return (512 * kappa) / 2 ** mu;
    }
    return (144 * kappa) / 2 ** mu + (l === 0 || l === 7 * 2 ** mu ? 16 * kappa : 0);
  };
  const inSubframe = (slot % 2 ** mu) * symbolsPerSlot(numerology.cyclicPrefix) + symbol;
  let start = 0;
  for (let l = 0; l < inSubframe; l++) {
    start += prefix(l) + useful;
  }
  return { start, prefix: prefix(inSubframe), useful };
}

/** How the resource grid of a carrier becomes samples. */
export interface OfdmConfiguration extends Numerology {
  readonly slot: number;
  /** In Hz. */
  readonly sampleRate: number;
  /** f0 of TS 38.211 5.4 in Hz; 0 leaves the phase of each symbol as 5.3.1 has it. */
  readonly carrierFrequency: number;
}

/** The samples of one symbol that lie in [start, start + prefix + useful), as numbers of samples in the subframe. */
export function sampleRange(
  configuration: OfdmConfiguration,
  symbol: number,
): { first: number; end: number } {
  const { start, prefix, useful } = symbolTiming(configuration, configuration.slot, symbol);
  const ticks = 1 / (tc * configuration.sampleRate);
  return { first: Math.ceil(start / ticks), end: Math.ceil((start + prefix + useful) / ticks) };
}

/** Phase of TS 38.211 5.4 that symbol l bears at baseband: e^(−j2π·f0·(t_start + N_CP·T_c)). */
export function upConversionPhase(configuration: OfdmConfiguration, symbol: number): Complex {
  const { start, prefix } = symbolTiming(configuration, configuration.slot, symbol);
  return unit(-2 * Math.PI * ((configuration.carrierFrequency * (start + prefix) * tc) % 1));
}

/**
 * TS 38.211 5.3.1 and 5.4: the complex baseband signal of one OFDM symbol with its prefix, the sum over subcarriers
 * at each sample's time, not scaled. Subcarrier k of K lies at (k − K/2)·Δf (k0 = 0). Time is that of the subframe.
 */
export function modulateSymbol(
  subcarriers: readonly Complex[],
  configuration: OfdmConfiguration,
  symbol: number,
): Complex[] {
  const { start, prefix } = symbolTiming(configuration, configuration.slot, symbol);
  const { first, end } = sampleRange(configuration, symbol);
  const spacing = configuration.subcarrierSpacing * 1000;
  const phase = upConversionPhase(configuration, symbol);
  return Array.from({ length: end - first }, (_, index) => {
    const time = (first + index) / configuration.sampleRate - (start + prefix) * tc;
    const sum = subcarriers.reduce(
      (total, value, k) =>
        add(total, multiply(value, unit(2 * Math.PI * (k - subcarriers.length / 2) * spacing * time))),
      zero,
    );
    return multiply(sum, phase);
  });
}

/** The slot's signal: all symbols of one antenna port's `[OFDM symbol][subcarrier]` one after another. */
export function modulateSlot(
  symbols: readonly (readonly Complex[])[],
  configuration: OfdmConfiguration,
): Complex[] {
  return symbols.flatMap((subcarriers, symbol) => modulateSymbol(subcarriers, configuration, symbol));
}

/**
 * The inverse of `modulateSlot`: subcarriers of one OFDM symbol from the slot's samples, by the sum over the samples
 * of the useful part. Needs a sample rate that is a multiple of the subcarrier spacing.
 */
export function demodulateSymbol(
  samples: readonly Complex[],
  configuration: OfdmConfiguration,
  symbol: number,
  subcarrierCount: number,
): Complex[] {
  const { start, prefix, useful } = symbolTiming(configuration, configuration.slot, symbol);
  const { sampleRate, subcarrierSpacing } = configuration;
  const origin = sampleRange(configuration, 0).first;
  const spacing = subcarrierSpacing * 1000;
  const count = Math.round(useful * tc * sampleRate);
  const end = sampleRange(configuration, symbol).end;
  const phase = upConversionPhase(configuration, symbol);
  return Array.from({ length: subcarrierCount }, (_, k) => {
    let sum = zero;
    for (let sample = end - count; sample < end; sample++) {
      const time = sample / sampleRate - (start + prefix) * tc;
      const wave = unit(-2 * Math.PI * (k - subcarrierCount / 2) * spacing * time);
      sum = add(sum, multiply(samples[sample - origin]!, wave));
    }
    return multiply(scale(sum, 1 / count), { re: phase.re, im: -phase.im });
  });
}
