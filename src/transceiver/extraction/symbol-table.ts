import { memoized } from "../memoized.js";
import type { Carrier } from "../pusch/carrier.js";
import {
  slotSamples,
  slotStart,
  slotsPerSubframe,
  symbolPhases,
  symbolsPerSlot,
  symbolTimings,
} from "../pusch/numerology.js";

/** Timing and phase of every OFDM symbol of a subframe, `[slot of the subframe][symbol]`. */
export interface SymbolTable {
  readonly slots: number;
  readonly symbols: number;
  /** First sample of the cyclic prefix, from the start of the slot. */
  readonly starts: Int32Array;
  /** Samples of the cyclic prefix. */
  readonly prefixes: Int32Array;
  /** Samples of each slot. */
  readonly lengths: Int32Array;
  /** Phase of up-conversion (TS 38.211 5.4), interleaved. */
  readonly phases: Float64Array;
  /** Samples of the shorter prefix, which all symbols but the first of a half subframe have. */
  readonly shortestPrefix: number;
}

/** The table of a carrier; not to be changed. */
export const symbolTable = memoized(
  8,
  ({ subcarrierSpacing, cyclicPrefix, sampleRate, carrierFrequency }: Carrier) =>
    `${subcarrierSpacing} ${cyclicPrefix} ${sampleRate} ${carrierFrequency}`,
  computeSymbolTable,
);

function computeSymbolTable(carrier: Carrier): SymbolTable {
  const slots = slotsPerSubframe(carrier.subcarrierSpacing);
  const symbols = symbolsPerSlot(carrier.cyclicPrefix);
  const timings = symbolTimings(carrier);
  const prefixes = Int32Array.from(timings, (timing) => timing.prefix);
  return {
    slots,
    symbols,
    starts: Int32Array.from(
      timings,
      (timing, index) => timing.start - slotStart(carrier, Math.floor(index / symbols)),
    ),
    prefixes,
    lengths: Int32Array.from({ length: slots }, (_, slot) => slotSamples(carrier, slot)),
    phases: symbolPhases(carrier.subcarrierSpacing, carrier.cyclicPrefix, carrier.carrierFrequency),
    shortestPrefix: prefixes.reduce((least, prefix) => Math.min(least, prefix)),
  };
}
