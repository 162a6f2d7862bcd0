import { z } from "zod";
import { InputError } from "../../errors.js";
import { type CyclicPrefix, type SubcarrierSpacing, symbolTimings, transformSize } from "./numerology.js";
import { oneOf, parseWith, wholeNumber } from "./schema.js";

/** The carrier of a cell as a receiver or transmitter sees it (TS 38.211 4.4). */
export interface Carrier {
  /** kHz. */
  readonly subcarrierSpacing: SubcarrierSpacing;
  readonly cyclicPrefix: CyclicPrefix;
  /** N_grid^size: physical resource blocks; the grid has `12 * carrierPrbs` subcarriers. */
  readonly carrierPrbs: number;
  /** N_grid^start: first resource block of the grid, counted from common resource block 0. */
  readonly offsetToCarrier: number;
  /** Samples per second at baseband. */
  readonly sampleRate: number;
  /** f0 of TS 38.211 5.4 in Hz, centre of the carrier; 0: no phase of up-conversion. */
  readonly carrierFrequency: number;
  /** Samples of an OFDM symbol without prefix. */
  readonly fftSize: number;
}

const carrierSchema = z.strictObject({
  subcarrierSpacing: oneOf(15, 30, 60),
  cyclicPrefix: oneOf("normal", "extended").default("normal"),
  carrierPrbs: wholeNumber(1, 275),
  offsetToCarrier: wholeNumber(0, 2199).default(0),
  sampleRate: z.number("give samples per second").optional(),
  carrierFrequency: z
    .number("give Hz")
    .min(0, "give Hz, from 0 to 7.125e9")
    .max(7.125e9, "give Hz, from 0 to 7.125e9")
    .default(0),
});

/** What a carrier is given by. */
export type CarrierInput = z.input<typeof carrierSchema>;

/**
 * Checks a carrier and fills in what may be left out: normal cyclic prefix, `offsetToCarrier` 0,
 * `carrierFrequency` 0, and the sample rate whose transform size is the smallest power of two that holds the
 * carrier (at least 128).
 * @throws InputError naming the field, its value and what is allowed.
 */
export function parseCarrier(value: unknown): Carrier {
  const given = parseWith(carrierSchema, value, "carrier");
  if (given.cyclicPrefix === "extended" && given.subcarrierSpacing !== 60)
    throw new InputError("cyclicPrefix", "extended", "the extended cyclic prefix exists at 60 kHz only");
  const smallest = Math.max(128, 2 ** Math.ceil(Math.log2(12 * given.carrierPrbs)));
  const sampleRate = given.sampleRate ?? smallest * given.subcarrierSpacing * 1000;
  const fftSize = transformSize(sampleRate, given.subcarrierSpacing, given.carrierPrbs);
  const carrier = { ...given, sampleRate, fftSize };
  symbolTimings(carrier);
  return Object.freeze(carrier);
}

/** The carrier at three quarters of the rate that a power of two takes, where that holds it. */
export function compactCarrier(carrier: CarrierInput): Carrier {
  const usual = parseCarrier(carrier);
  if (12 * usual.carrierPrbs > 0.75 * usual.fftSize) return usual;
  return parseCarrier({ ...carrier, sampleRate: 0.75 * usual.sampleRate });
}
