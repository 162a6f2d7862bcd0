import { createGridChannel, type DelayProfileName, meanDelay_s } from "../../../radio/index.js";
import type { Random } from "../../../system/index.js";
import { prepareModulate } from "../../mapping/modulate.js";
import { DEEPRX_ANTENNAS, DEEPRX_ORDERS, DEEPRX_SYMBOLS, type GridShape, isData } from "./features.js";

/** What slots are drawn from, each independently and uniformly within its ranges. */
export interface SlotDraws {
  readonly profiles: readonly DelayProfileName[];
  readonly delaySpread_s: readonly [number, number];
  readonly maximumDoppler_hz: readonly [number, number];
  /** Per resource element and receive antenna. */
  readonly snr_db: readonly [number, number];
  /** kHz. */
  readonly subcarrierSpacings: readonly (15 | 30)[];
  /** Lists of DM-RS symbols; one is drawn for a slot. */
  readonly dmrsSymbols: readonly (readonly number[])[];
  readonly cdmGroupsWithoutData: readonly (1 | 2)[];
  readonly modulationOrders: readonly (typeof DEEPRX_ORDERS)[number][];
  /** What the receiver leaves of both offsets: normal with these standard deviations. */
  readonly timing_s: number;
  readonly frequency_hz: number;
}

/** A slot as it was received, and what was sent in it. All arrays are overwritten by the next. */
export interface ReceivedSlot {
  readonly shape: GridShape;
  /** complex64 `[antenna][symbol][subcarrier]`. */
  readonly received: Float32Array;
  /** What was multiplied with what was sent: shaped like `received`. */
  readonly response: Float32Array;
  /** complex64 `[DM-RS symbol][pilot]`. */
  readonly references: Float32Array;
  /** One a byte, in the order of TS 38.211 6.3.1.6; those of `dataElements`. */
  readonly bits: Uint8Array;
  /** Index in the grid `[symbol][subcarrier]` of each data element. */
  readonly dataElements: Uint32Array;
}

/** The most DM-RS symbols that are drawn. */
const MOST_DMRS_SYMBOLS = 4;

/**
 * Draws slots of the whole bandwidth of a grid of so many subcarriers: random bits of the project's modulation, random
 * QPSK pilots, a tapped delay line whose mean delay the receiver has taken out, and noise.
 */
export function prepareRandomSlots(subcarriers: number, draws: SlotDraws): (random: Random) => ReceivedSlot {
  const elements = DEEPRX_SYMBOLS * subcarriers;
  const sent = new Float32Array(2 * elements);
  const received = new Float32Array(2 * DEEPRX_ANTENNAS * elements);
  const references = new Float32Array(MOST_DMRS_SYMBOLS * subcarriers);
  const bits = new Uint8Array(Math.max(...DEEPRX_ORDERS) * elements);
  const symbols = new Float32Array(2 * elements);
  const dataElements = new Uint32Array(elements);
  const pick = <T>(random: Random, values: readonly T[]): T => values[random.integer(values.length)]!;
  const uniform = (random: Random, [low, high]: readonly [number, number]): number =>
    low + (high - low) * random.next();

  return (random) => {
    const modulationOrder = pick(random, draws.modulationOrders);
    const shape: GridShape = {
      subcarriers,
      dmrsSymbols: pick(random, draws.dmrsSymbols),
      delta: random.integer(2) as 0 | 1,
      cdmGroupsWithoutData: pick(random, draws.cdmGroupsWithoutData),
      modulationOrder,
    };
    // Group 1 has pilots only where it carries no data.
    const placed = shape.cdmGroupsWithoutData === 1 ? { ...shape, delta: 0 as const } : shape;
    let count = 0;
    for (let symbol = 0; symbol < DEEPRX_SYMBOLS; symbol++)
      for (let subcarrier = 0; subcarrier < subcarriers; subcarrier++)
        if (isData(placed, symbol, subcarrier)) dataElements[count++] = symbol * subcarriers + subcarrier;
    const sentBits = bits.subarray(0, count * modulationOrder);
    random.bits(sentBits);
    prepareModulate(modulationOrder, sentBits.length)(sentBits, symbols);
    sent.fill(0);
    for (let index = 0; index < count; index++) {
      const to = 2 * dataElements[index]!;
      sent[to] = symbols[2 * index]!;
      sent[to + 1] = symbols[2 * index + 1]!;
    }
    putPilots(placed, random, references, sent);

    const profile = pick(random, draws.profiles);
    const delaySpread_s = uniform(random, draws.delaySpread_s);
    const spacing = pick(random, draws.subcarrierSpacings);
    const symbolPeriod_s = 15e-3 / spacing / DEEPRX_SYMBOLS;
    const channel = createGridChannel({
      profile,
      delaySpread_s,
      maximumDoppler_hz: uniform(random, draws.maximumDoppler_hz),
      receiveAntennas: DEEPRX_ANTENNAS,
      symbols: DEEPRX_SYMBOLS,
      subcarriers,
      subcarrierSpacing_hz: 1000 * spacing,
      symbolPeriod_s,
      timing_s: meanDelay_s(profile, delaySpread_s) + draws.timing_s * random.gaussian(),
      frequency_hz: draws.frequency_hz * random.gaussian(),
      random,
    });
    channel.apply(sent, received);
    const deviation = Math.sqrt(0.5 * 10 ** (-uniform(random, draws.snr_db) / 10));
    for (let at = 0; at < received.length; at++) received[at]! += deviation * random.gaussian();
    return {
      shape: placed,
      received,
      response: channel.response,
      references: references.subarray(0, shape.dmrsSymbols.length * subcarriers),
      bits: sentBits,
      dataElements: dataElements.subarray(0, count),
    };
  };
}

/** Draws the pilots of a slot and puts them into its grid. */
function putPilots(shape: GridShape, random: Random, references: Float32Array, sent: Float32Array): void {
  const { subcarriers, dmrsSymbols, delta, cdmGroupsWithoutData } = shape;
  const amplitude = Math.sqrt(cdmGroupsWithoutData / 2);
  dmrsSymbols.forEach((symbol, ordinal) => {
    for (let pilot = 0; pilot < subcarriers / 2; pilot++) {
      const from = ordinal * subcarriers + 2 * pilot;
      const drawn = random.integer(4);
      references[from] = drawn & 1 ? amplitude : -amplitude;
      references[from + 1] = drawn & 2 ? amplitude : -amplitude;
      const to = 2 * (symbol * subcarriers + 2 * pilot + delta);
      sent[to] = references[from]!;
      sent[to + 1] = references[from + 1]!;
    }
  });
}
