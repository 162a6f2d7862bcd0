import { InputError } from "../../errors.js";
import { memoized } from "../memoized.js";

/** Subcarrier spacing in kHz: the numerologies of frequency range 1 (TS 38.211 Table 4.2-1, µ = 0, 1, 2). */
export type SubcarrierSpacing = 15 | 30 | 60;

/** TS 38.211 Table 4.2-1; the extended prefix exists at 60 kHz only. */
export type CyclicPrefix = "normal" | "extended";

/** 1 / (κ·T_c) in Hz: the unit in which TS 38.211 5.3.1 gives every length as a whole number for µ = 0, 1, 2. */
const BASE_RATE = 30_720_000;

/** µ of TS 38.211 Table 4.2-1. */
export function numerology(subcarrierSpacing: SubcarrierSpacing): 0 | 1 | 2 {
  return subcarrierSpacing === 15 ? 0 : subcarrierSpacing === 30 ? 1 : 2;
}

/** N_slot^subframe,µ of TS 38.211 Tables 4.3.2-1 and -2: slots in one millisecond. */
export function slotsPerSubframe(subcarrierSpacing: SubcarrierSpacing): 1 | 2 | 4 {
  return subcarrierSpacing === 15 ? 1 : subcarrierSpacing === 30 ? 2 : 4;
}

/** N_slot^frame,µ: slots in ten milliseconds. */
export function slotsPerFrame(subcarrierSpacing: SubcarrierSpacing): number {
  return 10 * slotsPerSubframe(subcarrierSpacing);
}

/** N_symb^slot: OFDM symbols in a slot, 14 or, with the extended cyclic prefix, 12. */
export function symbolsPerSlot(cyclicPrefix: CyclicPrefix): 14 | 12 {
  return cyclicPrefix === "normal" ? 14 : 12;
}

/** What the timing of OFDM symbols depends on. */
export interface Timing {
  readonly subcarrierSpacing: SubcarrierSpacing;
  readonly cyclicPrefix: CyclicPrefix;
  /** Samples per second. */
  readonly sampleRate: number;
}

/**
 * Transform size: samples of one OFDM symbol without its prefix, `sampleRate / subcarrierSpacing`.
 * @throws InputError where that is no whole number, has a prime factor above 5, or is too small for the carrier.
 */
export function transformSize(
  sampleRate: number,
  subcarrierSpacing: SubcarrierSpacing,
  carrierPrbs: number,
): number {
  const size = sampleRate / (subcarrierSpacing * 1000);
  if (!Number.isFinite(sampleRate) || sampleRate <= 0 || !Number.isInteger(size))
    throw new InputError(
      "sampleRate",
      sampleRate,
      `give a rate in Hz that is a multiple of the subcarrier spacing, ${subcarrierSpacing} kHz`,
    );
  if (size < 12 * carrierPrbs)
    throw new InputError(
      "sampleRate",
      sampleRate,
      `${carrierPrbs} PRBs at ${subcarrierSpacing} kHz need at least ${12 * carrierPrbs * subcarrierSpacing * 1000} Hz`,
    );
  let rest = size;
  for (const factor of [2, 3, 5]) while (rest % factor === 0) rest /= factor;
  if (rest !== 1)
    throw new InputError(
      "sampleRate",
      sampleRate,
      `the transform size, ${size}, may have the factors 2, 3 and 5 only`,
    );
  return size;
}

/** Length of the prefix of symbol `symbol` of the subframe in units of κ·T_c = 1/30.72 µs (TS 38.211 5.3.1). */
function prefixUnits(
  subcarrierSpacing: SubcarrierSpacing,
  cyclicPrefix: CyclicPrefix,
  symbol: number,
): number {
  const slots = slotsPerSubframe(subcarrierSpacing);
  if (cyclicPrefix === "extended") return 512 / slots;
  return 144 / slots + (symbol === 0 || symbol === 7 * slots ? 16 : 0);
}

/** Start of each symbol of a subframe, prefix included, and of its body, in units of κ·T_c. */
function subframeUnits(subcarrierSpacing: SubcarrierSpacing, cyclicPrefix: CyclicPrefix) {
  const slots = slotsPerSubframe(subcarrierSpacing);
  const symbols: { start: number; prefix: number }[] = [];
  let start = 0;
  for (let symbol = 0; symbol < slots * symbolsPerSlot(cyclicPrefix); symbol++) {
    const prefix = prefixUnits(subcarrierSpacing, cyclicPrefix, symbol);
    symbols.push({ start, prefix });
    start += prefix + 2048 / slots;
  }
  return symbols;
}

/** Where one OFDM symbol lies, in samples from the start of its subframe. */
export interface SymbolTiming {
  /** First sample of the cyclic prefix. */
  readonly start: number;
  /** Samples of the cyclic prefix. */
  readonly prefix: number;
}

/**
 * Timing of every OFDM symbol of a subframe in samples (TS 38.211 5.3.1); symbol `l` of slot `n` of the frame
 * is entry `(n mod slotsPerSubframe) * symbolsPerSlot + l`.
 * @throws InputError where the sample rate gives a prefix that is no whole number of samples.
 */
export const symbolTimings = memoized(
  8,
  ({ subcarrierSpacing, cyclicPrefix, sampleRate }: Timing) =>
    `${subcarrierSpacing} ${cyclicPrefix} ${sampleRate}`,
  computeSymbolTimings,
);

function computeSymbolTimings(timing: Timing): readonly SymbolTiming[] {
  const scale = timing.sampleRate / BASE_RATE;
  return subframeUnits(timing.subcarrierSpacing, timing.cyclicPrefix).map((symbol) => {
    const start = symbol.start * scale;
    const prefix = symbol.prefix * scale;
    if (!Number.isInteger(start) || !Number.isInteger(prefix))
      throw new InputError(
        "sampleRate",
        timing.sampleRate,
        `the cyclic prefix must be a whole number of samples at ${timing.subcarrierSpacing} kHz; ${BASE_RATE} Hz, its multiples, and 23040000 Hz are such rates`,
      );
    return { start, prefix };
  });
}

/** First sample of slot `slot` (any slot number; taken modulo the subframe) within its subframe. */
export function slotStart(timing: Timing, slot: number): number {
  const first = (slot % slotsPerSubframe(timing.subcarrierSpacing)) * symbolsPerSlot(timing.cyclicPrefix);
  return symbolTimings(timing)[first]!.start;
}

/** Samples of slot `slot` of the frame: at 60 kHz the slots of a subframe differ in length. */
export function slotSamples(timing: Timing, slot: number): number {
  const slots = slotsPerSubframe(timing.subcarrierSpacing);
  const next = (slot % slots) + 1;
  return (next === slots ? timing.sampleRate / 1000 : slotStart(timing, next)) - slotStart(timing, slot);
}

/**
 * Phase of up-conversion of each OFDM symbol of a subframe (TS 38.211 5.4) as interleaved re, im: the factor
 * `exp(-j2π·f0·(t_start,l + N_CP,l·T_c))` that a transmitter with a free-running carrier applies to symbol `l`;
 * a receiver multiplies by its conjugate. Times count from the start of the subframe. Reduced modulo one turn
 * before the sine, so exact to double precision for whole f0 up to 290 GHz.
 * @param carrierFrequency f0 in Hz; 0 gives all ones.
 */
export function symbolPhases(
  subcarrierSpacing: SubcarrierSpacing,
  cyclicPrefix: CyclicPrefix,
  carrierFrequency: number,
): Float64Array {
  const symbols = subframeUnits(subcarrierSpacing, cyclicPrefix);
  const phases = new Float64Array(2 * symbols.length);
  symbols.forEach(({ start, prefix }, index) => {
    const turns = ((carrierFrequency * (start + prefix)) % BASE_RATE) / BASE_RATE;
    phases[2 * index] = Math.cos(2 * Math.PI * turns);
    phases[2 * index + 1] = -Math.sin(2 * Math.PI * turns);
  });
  return phases;
}
