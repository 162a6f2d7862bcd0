import { describe, expect, it } from "vitest";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import type { Complex } from "./independent/complex.js";
import { modulateSlot, symbolsPerSlot } from "./independent/ofdm.js";
import { randomGenerator } from "./independent/random-generator.js";
import { hasData } from "./independent/reference-data.js";
import { modulateSparsely } from "./independent/sparse-ofdm.js";
import { dimensions, type IndependentGrant, transmit } from "./independent/transmitter.js";
import { packed } from "./packed-bits.js";
import { productConfiguration } from "./product-grant.js";

/** What a slot is sent on; `size` is the transform's. */
interface Case {
  readonly spacing: 15 | 30 | 60;
  readonly prefix?: "extended";
  readonly prbs: number;
  readonly size: number;
  readonly slot: number;
  readonly frequency?: number;
  readonly offset?: number;
  readonly first?: number;
  readonly count?: number;
  readonly mcs?: number;
}

const cases: readonly Case[] = [
  { spacing: 15, prbs: 25, size: 384, slot: 9, frequency: 1747.5e6 },
  { spacing: 15, prbs: 25, size: 512, slot: 0, offset: 30, frequency: 842.5e6 },
  { spacing: 15, prbs: 52, size: 768, slot: 3, first: 51, count: 1 },
  { spacing: 15, prbs: 52, size: 640, slot: 1, frequency: 2.5e9 + 5000 },
  { spacing: 15, prbs: 106, size: 1536, slot: 2, frequency: 3.5e9, mcs: 27 },
  { spacing: 15, prbs: 270, size: 4096, slot: 7, first: 269, count: 1, frequency: 1.9e9 },
  { spacing: 30, prbs: 24, size: 384, slot: 19, frequency: 3619.2e6, offset: 7 },
  { spacing: 30, prbs: 51, size: 768, slot: 4, frequency: 3427.5e6, mcs: 27 },
  { spacing: 30, prbs: 51, size: 640, slot: 5, frequency: 3427.5e6 },
  { spacing: 30, prbs: 51, size: 1024, slot: 17, first: 0, count: 1 },
  { spacing: 30, prbs: 51, size: 1280, slot: 17, first: 25, count: 1, frequency: 7.125e9 },
  { spacing: 30, prbs: 106, size: 1536, slot: 1, frequency: 4.4e9 },
  { spacing: 30, prbs: 273, size: 4096, slot: 11, first: 100, count: 73, frequency: 3.75e9 },
  { spacing: 30, prbs: 275, size: 3456, slot: 12, first: 274, count: 1 },
  { spacing: 30, prbs: 275, size: 4096, slot: 3, offset: 1900, frequency: 3.61e9 + 30e3 / 7 },
  ...[0, 1, 2, 3].map(
    (slot) => ({ spacing: 60, prbs: 24, size: 384, slot, frequency: 2.6e9 + 15e3 }) as const,
  ),
  ...[36, 37, 38, 39].map(
    (slot) =>
      ({ spacing: 60, prefix: "extended", prbs: 18, size: 256, slot, frequency: 5.9e9 + 1e3 }) as const,
  ),
  { spacing: 60, prbs: 11, size: 256, slot: 21, frequency: 3.5e9, mcs: 27 },
  { spacing: 60, prefix: "extended", prbs: 51, size: 640, slot: 7, mcs: 24 },
  { spacing: 60, prbs: 135, size: 2048, slot: 33, first: 134, count: 1, frequency: 3.9e9 },
  { spacing: 15, prbs: 1, size: 128, slot: 8, frequency: 0.9e9 },
  { spacing: 60, prbs: 1, size: 128, slot: 5, frequency: 0.9e9 },
];

describe.skipIf(!hasData)("the receiver on samples of the independent transmitter", () => {
  it.each(cases)(
    "returns the block of slot $slot at $spacing kHz $prefix, PRB $first + $count of $prbs, size $size, offset $offset, $frequency Hz",
    ({ spacing, prefix, prbs, size, slot, frequency = 0, offset = 0, first = 0, count = prbs, mcs = 11 }) => {
      const cyclicPrefix = prefix ?? ("normal" as const);
      const seed = 5300 + size + slot;
      const random = randomGenerator(seed);
      const sampleRate = 1000 * spacing * size;
      const grant: IndependentGrant = {
        slot,
        physCellId: 321,
        rnti: 4711,
        bwpStart: offset,
        bwpSize: prbs,
        subcarrierSpacing: spacing,
        cyclicPrefix,
        rbStart: first,
        rbSize: count,
        startSymbolIndex: 0,
        nrOfSymbols: symbolsPerSlot(cyclicPrefix),
        mappingType: "A",
        dmrsTypeAPosition: 2,
        dmrsAdditionalPosition: 1,
        dmrsLength: 1,
        dmrsConfigType: 1,
        dmrsPorts: [0],
        numDmrsCdmGrpsNoData: 2,
        scid: 0,
        mcsTable: 1,
        mcsIndex: mcs,
        rvIndex: 0,
        nrOfLayers: 1,
        antennaPorts: 1,
      };
      const block = random.bits(dimensions(grant).transportBlockSize);
      const numerology = { subcarrierSpacing: spacing, cyclicPrefix, slot, sampleRate } as const;
      const grid = transmit(grant, block);
      const signal = modulateSparsely(grid, { ...numerology, carrierFrequency: frequency })[0]!;

      const carrier = parseCarrier({
        subcarrierSpacing: spacing,
        cyclicPrefix,
        carrierPrbs: prbs,
        offsetToCarrier: offset,
        sampleRate,
        carrierFrequency: frequency,
      });
      const receiver = createUplinkReceiver({ carrier, receiveAntennas: 1 });
      const samples = new Float32Array(2 * receiver.inputSamples);
      samples.set(signal, 2 * receiver.guard);
      for (let k = 0; k < samples.length; k++) samples[k]! += 0.005 * random.normal();
      const result = receiver.receive(samples, productConfiguration(grant, carrier).grant);
      receiver.close();
      expect(result.crc, `seed ${seed}`).toBe(true);
      expect(result.payload).toEqual(packed(block));
      expect(Math.abs(result.cfo_hz), "CFO").toBeLessThan(0.01 * 1000 * spacing);
      expect(Math.abs(result.timing_s), "timing").toBeLessThan(0.05 / (1000 * spacing * count));
    },
  );

  it("gets the same signal from the sum over all subcarriers and that over those in use", () => {
    const random = randomGenerator(3);
    const numerology = { subcarrierSpacing: 60, cyclicPrefix: "normal", slot: 3 } as const;
    const configuration = { ...numerology, sampleRate: 60e3 * 128, carrierFrequency: 2.1e9 + 77 };
    const zero: Complex = { re: 0, im: 0 };
    const grid = [
      Array.from({ length: 14 }, () =>
        Array.from({ length: 24 }, () =>
          random.uniform() < 0.5 ? zero : { re: random.normal(), im: random.normal() },
        ),
      ),
    ];
    const sum = modulateSlot(grid[0]!, configuration);
    const signal = modulateSparsely(grid, configuration)[0]!;
    expect(signal.length).toBe(2 * sum.length);
    sum.forEach(({ re, im }, n) => {
      expect(signal[2 * n]! * Math.sqrt(128)).toBeCloseTo(re, 9);
      expect(signal[2 * n + 1]! * Math.sqrt(128)).toBeCloseTo(im, 9);
    });
  });
});
