import { describe, expect, it } from "vitest";
import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import type { Grid } from "./independent/complex.js";
import { type RandomGenerator, randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { hasData } from "./independent/reference-data.js";
import { isSelfDecodable } from "./independent/self-decodable.js";
import { dimensions, type IndependentGrant, precodingMatrix, transmit } from "./independent/transmitter.js";
import { packed } from "./packed-bits.js";
import { carrierFor, productConfiguration } from "./product-grant.js";
import { leastLayerPower, randomChannel, response, type StaticChannel } from "./static-channel.js";

const seed = 38_211;
const grantCount = 220;
const noise = 10 ** -4.5;

/** Delays of the selective channels reach up to this share of the normal cyclic prefix. */
const spreadShare = 0.1;

/** A random channel that leaves every layer a tenth of its power, wherever it is looked at. */
function channelFor(grant: IndependentGrant, random: RandomGenerator): StaticChannel {
  const w = precodingMatrix(grant);
  const spacing = 1000 * grant.subcarrierSpacing;
  const antennas = random.integer(grant.nrOfLayers, 8);
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

/** Sends a random transport block; what went wrong, or undefined. */
function failure(grant: IndependentGrant, random: RandomGenerator): string | undefined {
  const carrier = carrierFor(grant, random);
  const block = random.bits(dimensions(grant).transportBlockSize);
  const channel = channelFor(grant, random);
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

describe.skipIf(!hasData)("the receiver on grids of the independent transmitter", () => {
  const parts = [0, 1, 2, 3];

  it.each(parts)(
    `returns the transport blocks of ${grantCount} random grants of seed ${seed}, part %i of ${parts.length}`,
    { timeout: 120_000 },
    (part) => {
      const failures: string[] = [];
      let done = 0;
      for (let index = part; done < grantCount / parts.length; index += parts.length) {
        const random = randomGenerator(1000 * seed + index);
        const grant = randomGrant(random, index);
        // Half of the iterations that the receiver has: noise, little as it is, takes some.
        if (!isSelfDecodable(grant, 20)) continue;
        done++;
        const wrong = failure(grant, random);
        if (wrong !== undefined) failures.push(`grant ${index}: ${wrong}: ${JSON.stringify(grant)}`);
      }
      expect(failures).toEqual([]);
    },
  );
});
