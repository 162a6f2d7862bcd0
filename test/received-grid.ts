import { createChannel, type DelayProfileName, type Random } from "../src/radio/index.js";
import { precoder } from "../src/transceiver/mapping/precode.js";
import { GRANT_FIELDS, writeGrantMessage } from "../src/transceiver/pusch/grant-message.js";
import {
  type PuschConfiguration,
  parseCarrier,
  parseGrant,
  puschConfiguration,
  slotsPerSubframe,
  symbolTimings,
} from "../src/transceiver/pusch/index.js";
import { transmittedGrid } from "./transmitted-grid.js";

/** A configuration of a grant on a 30 kHz carrier of 273 PRBs, unless told otherwise. */
export function configurationOf(
  grant: Record<string, unknown>,
  carrier: Record<string, unknown> = {},
): PuschConfiguration {
  const parsed = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 273, ...carrier });
  const rest = { slot: 3, physCellId: 17, rnti: 1234, rbStart: 0, mcsIndex: 9, ...grant };
  return puschConfiguration(parsed, parseGrant(rest, parsed));
}

/** What the air does to a slot. */
export interface Air {
  /** "flat": one random gain for each pair of antennas. */
  readonly profile: DelayProfileName | "flat";
  readonly delaySpread_s?: number;
  readonly doppler_hz?: number;
  readonly timing_s?: number;
  readonly frequency_hz?: number;
  /** Per resource element of one layer's power and antenna; Infinity: no noise. */
  readonly snr_db: number;
  readonly antennas: number;
}

/** A slot as it comes out of extraction, and what the receiver should find. */
export interface ReceivedGrid {
  /** complex64 [antenna][symbol][subcarrier], of the allocation. */
  readonly grid: Float32Array;
  /** complex64 [layer][antenna][symbol][subcarrier]: what a layer's symbols were multiplied by. */
  readonly channel: Float32Array;
  readonly noise: number;
  readonly message: Int32Array;
  readonly payload: Uint8Array;
  /** complex64 [layer][re]. */
  readonly dimensions: { antenna: number; layer: number; symbol: number; subcarrier: number };
}

/** Transmits random bytes and takes them through the air in the frequency domain: exact responses, symbol by symbol. */
export function receiveGrid(configuration: PuschConfiguration, air: Air, random: Random): ReceivedGrid {
  const { allocation, grant, carrier, layers, antennaPorts } = configuration;
  const { antennas } = air;
  const { subcarriers, gridSubcarriers, firstSubcarrier } = allocation;
  const payload = Uint8Array.from({ length: configuration.transportBlockSize / 8 }, () =>
    random.integer(256),
  );
  const sent = transmittedGrid(configuration, payload);

  const spacing = 1000 * carrier.subcarrierSpacing;
  const frequencies = Float64Array.from({ length: subcarriers }, (_, k) => (firstSubcarrier + k) * spacing);
  const line =
    air.profile === "flat"
      ? undefined
      : createChannel({
          profile: air.profile,
          delaySpread_s: air.delaySpread_s,
          maximumDoppler_hz: air.doppler_hz ?? 0,
          sampleRate: carrier.sampleRate,
          transmitAntennas: antennaPorts,
          receiveAntennas: antennas,
          random,
        });
  const flat = Float64Array.from(
    { length: 2 * antennas * antennaPorts },
    () => random.gaussian() * Math.SQRT1_2,
  );
  const timings = symbolTimings(carrier);
  const perSlot = allocation.slotSymbols;
  const first = (grant.slot % slotsPerSubframe(carrier.subcarrierSpacing)) * perSlot;
  const timeOf = (symbol: number) => {
    const { start, prefix } = timings[first + symbol]!;
    return (start + prefix) / carrier.sampleRate;
  };
  const { nrOfSymbols: symbols, startSymbolIndex } = grant;
  const deviation = Math.sqrt(10 ** (-air.snr_db / 10) / 2);
  const weights = precoder(configuration);
  const grid = new Float32Array(2 * antennas * symbols * subcarriers);
  const channel = new Float32Array(2 * layers * antennas * symbols * subcarriers);
  for (let l = 0; l < symbols; l++) {
    const symbol = startSymbolIndex + l;
    const time = timeOf(symbol);
    const response = line?.frequencyResponse(time, frequencies);
    const turn = 2 * Math.PI * (air.frequency_hz ?? 0) * (time - timeOf(startSymbolIndex));
    for (let k = 0; k < subcarriers; k++) {
      const angle = turn - 2 * Math.PI * k * spacing * (air.timing_s ?? 0);
      const [turnRe, turnIm] = [Math.cos(angle), Math.sin(angle)];
      for (let antenna = 0; antenna < antennas; antenna++) {
        let [sumRe, sumIm] = [deviation * random.gaussian(), deviation * random.gaussian()];
        for (let port = 0; port < antennaPorts; port++) {
          const link = antenna * antennaPorts + port;
          const at = response ? 2 * (link * subcarriers + k) : 2 * link;
          const [a, b] = response ? [response[at]!, response[at + 1]!] : [flat[at]!, flat[at + 1]!];
          const [re, im] = [a * turnRe - b * turnIm, a * turnIm + b * turnRe];
          const from = 2 * ((port * perSlot + symbol) * gridSubcarriers + firstSubcarrier + k);
          sumRe += re * sent[from]! - im * sent[from + 1]!;
          sumIm += re * sent[from + 1]! + im * sent[from]!;
          for (let layer = 0; layer < layers; layer++) {
            const [wRe, wIm] = [
              weights[2 * (port * layers + layer)]!,
              weights[2 * (port * layers + layer) + 1]!,
            ];
            const to = 2 * (((layer * antennas + antenna) * symbols + l) * subcarriers + k);
            channel[to]! += re * wRe - im * wIm;
            channel[to + 1]! += re * wIm + im * wRe;
          }
        }
        const to = 2 * ((antenna * symbols + l) * subcarriers + k);
        grid[to] = sumRe;
        grid[to + 1] = sumIm;
      }
    }
  }
  const message = new Int32Array(GRANT_FIELDS);
  writeGrantMessage(configuration, message);
  return {
    grid,
    channel,
    noise: 2 * deviation * deviation,
    message,
    payload,
    dimensions: { antenna: antennas, layer: layers, symbol: symbols, subcarrier: subcarriers },
  };
}

/** Mean power of the difference over mean power of the reference. */
export function relativeError(estimate: ArrayLike<number>, reference: ArrayLike<number>): number {
  let [difference, power] = [0, 0];
  for (let k = 0; k < reference.length; k++) {
    difference += (estimate[k]! - reference[k]!) ** 2;
    power += reference[k]! ** 2;
  }
  return difference / power;
}
