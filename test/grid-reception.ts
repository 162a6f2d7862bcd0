import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import type { Grid } from "./independent/complex.js";
import type { RandomGenerator } from "./independent/random-generator.js";
import { dimensions, type IndependentGrant, precodingMatrix, transmit } from "./independent/transmitter.js";
import { packed } from "./packed-bits.js";
import { carrierFor, productConfiguration } from "./product-grant.js";
import { leastLayerPower, randomChannel, response, type StaticChannel } from "./static-channel.js";

const noise = 10 ** -4.5;

/** Delays of the selective channels reach up to this share of the normal cyclic prefix. */
const spreadShare = 0.1;

/** A random channel that leaves every layer a tenth of its power, wherever it is looked at. */
function channelFor(grant: IndependentGrant, random: RandomGenerator, mostAntennas: number): StaticChannel {
  const w = precodingMatrix(grant);
  const spacing = 1000 * grant.subcarrierSpacing;
  const antennas = random.integer(grant.nrOfLayers, mostAntennas);
  const spread = random.choose([0, (spreadShare * 144) / 2048 / spacing]);
  for (;;) {
    const channel = randomChannel(random, antennas, w.length, spread);
    const least = Array.from({ length: 2 * grant.rbSize }, (_, half) =>
      leastLayerPower(response(channel, (12 * grant.rbStart + 6 * half) * spacing), w),
    );
    if (Math.min(...least) > 0.1) return channel;
  }
}

/** What the receive antennas get of a grid whose first subcarrier is `before` of `total`: `[antenna][symbol][total]`. */
function received(
  channel: StaticChannel,
  grid: Grid,
  { before, total, spacing }: { before: number; total: number; spacing: number },
  random: RandomGenerator,
): Float32Array {
  const symbols = grid[0]!.length;
  const out = Float32Array.from(
    { length: 2 * channel.receiveAntennas * symbols * total },
    () => Math.sqrt(noise / 2) * random.normal(),
  );
  grid[0]![0]!.forEach((_, k) => {
    response(channel, k * spacing).forEach((row, antenna) => {
      for (let symbol = 0; symbol < symbols; symbol++) {
        const to = 2 * ((antenna * symbols + symbol) * total + before + k);
        row.forEach((gain, port) => {
          const value = grid[port]![symbol]![k]!;
          out[to]! += value.re * gain.re - value.im * gain.im;
          out[to + 1]! += value.re * gain.im + value.im * gain.re;
        });
      }
    });
  });
  return out;
}

/**
 * Sends a random transport block by the independent transmitter over a random channel to up to so many antennas; what
 * went wrong, or undefined.
 */
export function receptionFailure(
  grant: IndependentGrant,
  random: RandomGenerator,
  mostAntennas: number,
): string | undefined {
  const carrier = carrierFor(grant, random);
  const block = random.bits(dimensions(grant).transportBlockSize);
  const channel = channelFor(grant, random, mostAntennas);
  const place = {
    before: 12 * (grant.bwpStart - carrier.offsetToCarrier),
    total: 12 * carrier.carrierPrbs,
    spacing: 1000 * grant.subcarrierSpacing,
  };
  const grid = received(channel, transmit(grant, block), place, random);
  const receiver = createUplinkReceiver({
    carrier,
    receiveAntennas: channel.receiveAntennas,
    maximumIterations: 50,
    arenaBytes: 2 ** 27,
  });
  const result = receiver.receiveGrid(grid, productConfiguration(grant, carrier).grant);
  receiver.close();
  if (!result.crc) return `CRC failed, iterations ${result.iterations}, ${result.snr_db} dB`;
  return Buffer.compare(result.payload, packed(block)) === 0 ? undefined : "CRC passed on other bits";
}
