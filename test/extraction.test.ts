import { describe, expect, it } from "vitest";
import { prepareFunction } from "../src/functions/index.js";
import { extraction, extractionParameters, insertion } from "../src/transceiver/extraction/function.js";
import {
  type CarrierInput,
  dataResourceIndices,
  GRANT_FIELDS,
  grantFieldIndex,
  type PuschConfiguration,
  type PuschGrantInput,
  parseCarrier,
  parseGrant,
  puschConfiguration,
  slotSamples,
  writeGrantMessage,
} from "../src/transceiver/pusch/index.js";
import { longestSlotSamples } from "../src/transceiver/synchronization/guard.js";
import type { Complex } from "./independent/complex.js";
import { modulateSlot } from "./independent/ofdm.js";
import { type RandomGenerator, randomGenerator } from "./independent/random-generator.js";
import { testTargets } from "./targets.js";

interface Case {
  readonly name: string;
  readonly carrier: CarrierInput;
  readonly grant: Partial<PuschGrantInput>;
  readonly guard: number;
}

/** Numerologies, prefixes, transform sizes, slots of the subframe and allocations about and beside the centre. */
const cases: Case[] = [
  {
    name: "15 kHz, 128 points, the first half of the subframe's prefixes",
    carrier: { subcarrierSpacing: 15, carrierPrbs: 9, carrierFrequency: 1_842_567_891 },
    grant: { slot: 3, rbStart: 1, rbSize: 7 },
    guard: 40,
  },
  {
    name: "30 kHz, 384 points, odd PRBs, odd slot, offset to the carrier, few symbols",
    carrier: {
      subcarrierSpacing: 30,
      carrierPrbs: 25,
      sampleRate: 11_520_000,
      offsetToCarrier: 30,
      carrierFrequency: 3_427_500_000,
    },
    grant: {
      slot: 7,
      bwpStart: 33,
      bwpSize: 20,
      rbStart: 2,
      rbSize: 11,
      startSymbolIndex: 3,
      nrOfSymbols: 9,
    },
    guard: 0,
  },
  {
    name: "30 kHz, 768 points, 51 PRBs",
    carrier: {
      subcarrierSpacing: 30,
      carrierPrbs: 51,
      sampleRate: 23_040_000,
      carrierFrequency: 3_427_500_000,
    },
    grant: { slot: 0, rbStart: 0, rbSize: 51 },
    guard: 20,
  },
  {
    name: "60 kHz, 256 points, a slot with the long prefix",
    carrier: {
      subcarrierSpacing: 60,
      carrierPrbs: 11,
      sampleRate: 15_360_000,
      carrierFrequency: 2_345_678_910,
    },
    grant: { slot: 2, rbStart: 6, rbSize: 3 },
    guard: 16,
  },
  {
    name: "60 kHz, 256 points, a slot without the long prefix",
    carrier: {
      subcarrierSpacing: 60,
      carrierPrbs: 11,
      sampleRate: 15_360_000,
      carrierFrequency: 2_345_678_910,
    },
    grant: { slot: 5, rbStart: 0, rbSize: 5 },
    guard: 16,
  },
  {
    name: "60 kHz, extended prefix, 180 points",
    carrier: {
      subcarrierSpacing: 60,
      cyclicPrefix: "extended",
      carrierPrbs: 11,
      sampleRate: 10_800_000,
      carrierFrequency: 2_345_678_910,
    },
    grant: { slot: 6, rbStart: 2, rbSize: 8 },
    guard: 8,
  },
];

function configurationOf({ carrier, grant }: Case): PuschConfiguration {
  const parsed = parseCarrier(carrier);
  const common = { physCellId: 1, rnti: 17921, mcsIndex: 5 };
  return puschConfiguration(
    parsed,
    parseGrant({ ...common, slot: 0, rbStart: 0, rbSize: 1, ...grant }, parsed),
  );
}

function randomComplex(random: RandomGenerator): Complex {
  return { re: random.normal() * Math.SQRT1_2, im: random.normal() * Math.SQRT1_2 };
}

/** The slot's samples of a grid by the independent implementation, scaled as this one. */
function independentSamples(rows: Complex[][], configuration: PuschConfiguration): number[] {
  const { carrier, grant } = configuration;
  const samples = modulateSlot(rows, { ...carrier, slot: grant.slot });
  return samples.flatMap(({ re, im }) => [re, im].map((part) => part / Math.sqrt(carrier.fftSize)));
}

function message(configuration: PuschConfiguration): Int32Array {
  const view = new Int32Array(GRANT_FIELDS);
  writeGrantMessage(configuration, view);
  return view;
}

describe.each(testTargets)("on $name", (target) => {
  describe.each(cases)("OFDM of $name", (given) => {
    const configuration = configurationOf(given);
    const { carrier, grant, allocation } = configuration;
    const { guard } = given;
    const sample = longestSlotSamples(carrier) + 2 * guard;

    it("is taken apart to the grid that the independent transmitter sent, guard intervals full of noise", () => {
      const random = randomGenerator(7);
      const antenna = 2;
      const prepared = prepareFunction(extraction, "fast-fourier", {
        dimensions: {
          antenna,
          sample,
          symbol: grant.nrOfSymbols,
          subcarrier: allocation.subcarriers,
          grantField: GRANT_FIELDS,
        },
        parameters: extractionParameters(configuration),
        target,
      });
      const grids = Array.from({ length: antenna }, () =>
        Array.from({ length: allocation.slotSymbols }, () =>
          Array.from({ length: allocation.gridSubcarriers }, () => randomComplex(random)),
        ),
      );
      const { samples } = prepared.inputs;
      for (let at = 0; at < samples.view.length; at++) samples.view[at] = random.normal();
      grids.forEach((rows, index) => {
        samples.view.set(independentSamples(rows, configuration), 2 * (index * sample + guard));
      });
      prepared.inputs.grant.view.set(message(configuration));
      prepared.process();
      let [error, count] = [0, 0];
      grids.forEach((rows, index) => {
        for (let symbol = 0; symbol < grant.nrOfSymbols; symbol++)
          for (let k = 0; k < allocation.subcarriers; k++) {
            const wanted = rows[grant.startSymbolIndex + symbol]![allocation.firstSubcarrier + k]!;
            const at = 2 * ((index * grant.nrOfSymbols + symbol) * allocation.subcarriers + k);
            const [re, im] = [prepared.outputs.grid.view[at]!, prepared.outputs.grid.view[at + 1]!];
            error += (re - wanted.re) ** 2 + (im - wanted.im) ** 2;
            count++;
          }
      });
      expect(count).toBe(antenna * grant.nrOfSymbols * allocation.subcarriers);
      expect(Math.sqrt(error / count)).toBeLessThan(1e-5);
      expect([...prepared.outputs.pdu.view]).toEqual([...message(configuration)]);
      prepared.release();
    });

    it("is made as by the independent transmitter, with zeros beside the slot", () => {
      const random = randomGenerator(8);
      const port = 2;
      const dimensions = {
        port,
        re: allocation.dataResourceElements,
        dmrsSymbol: grant.dmrsSymbPos.length,
        subcarrier: allocation.subcarriers,
        grantField: GRANT_FIELDS,
        symbol: allocation.slotSymbols,
        carrierSubcarrier: allocation.gridSubcarriers,
        sample,
      };
      const prepared = prepareFunction(insertion, "fast-fourier", {
        dimensions,
        parameters: extractionParameters(configuration),
        target,
      });
      const { symbols, pilots } = prepared.inputs;
      for (let at = 0; at < symbols.view.length; at++) symbols.view[at] = random.normal();
      const indices = dataResourceIndices(allocation, grant);
      const data = new Set(indices);
      const grids = Array.from({ length: port }, (_, p) => {
        const grid = Array.from({ length: allocation.slotSymbols }, () =>
          Array.from({ length: allocation.gridSubcarriers }, (): Complex => ({ re: 0, im: 0 })),
        );
        indices.forEach((index, k) => {
          const at = 2 * (p * indices.length + k);
          grid[Math.floor(index / allocation.gridSubcarriers)]![index % allocation.gridSubcarriers] = {
            re: symbols.view[at]!,
            im: symbols.view[at + 1]!,
          };
        });
        grant.dmrsSymbPos.forEach((symbol, ordinal) => {
          for (let k = 0; k < allocation.subcarriers; k++) {
            if (data.has(symbol * allocation.gridSubcarriers + allocation.firstSubcarrier + k)) continue;
            const at = 2 * ((p * grant.dmrsSymbPos.length + ordinal) * allocation.subcarriers + k);
            pilots.view.set([random.normal(), random.normal()], at);
            grid[symbol]![allocation.firstSubcarrier + k] = {
              re: pilots.view[at]!,
              im: pilots.view[at + 1]!,
            };
          }
        });
        return grid;
      });
      prepared.inputs.grant.view.set(message(configuration));
      // Twice: what the first slot left must not show in the second.
      prepared.process();
      prepared.process();
      const grid = grids.flat(2).flatMap(({ re, im }) => [re, im]);
      expect(prepared.outputs.grid.view.every((value, at) => value === grid[at])).toBe(true);
      const length = slotSamples(carrier, grant.slot);
      grids.forEach((rows, p) => {
        const own = prepared.outputs.samples.view.subarray(2 * p * sample, 2 * (p + 1) * sample);
        const wanted = independentSamples(rows, configuration);
        expect(wanted.length).toBe(2 * length);
        const worst = wanted.reduce(
          (most, value, at) => Math.max(most, Math.abs(value - own[2 * guard + at]!)),
          0,
        );
        expect(worst).toBeLessThan(1e-5);
        expect(own.subarray(0, 2 * guard).every((value) => value === 0)).toBe(true);
        expect(own.subarray(2 * (guard + length)).every((value) => value === 0)).toBe(true);
      });
      prepared.release();
    });
  });
});

describe.each(testTargets)("extraction on $name", (target) => {
  const configuration = configurationOf(cases[1]!);
  const { grant, allocation, carrier } = configuration;
  const dimensions = {
    antenna: 1,
    sample: longestSlotSamples(carrier),
    symbol: grant.nrOfSymbols,
    subcarrier: allocation.subcarriers,
    grantField: GRANT_FIELDS,
  };
  const options = { dimensions, parameters: extractionParameters(configuration), target };

  it("keeps the grant in force until a valid one comes", () => {
    const prepared = prepareFunction(extraction, "fast-fourier", options);
    const { grant: input } = prepared.inputs;
    prepared.process();
    expect(prepared.outputs.pdu.view[grantFieldIndex.valid]).toBe(0);
    const first = message(configuration);
    input.view.set(first);
    prepared.process();
    expect([...prepared.state.schedulingGrant.view]).toEqual([...first]);
    for (const [field, value] of [
      ["valid", 0],
      ["slot", -1],
      ["slot", 20],
    ] as const) {
      input.view.set(first);
      input.view[grantFieldIndex.rnti] = 99;
      input.view[grantFieldIndex[field]] = value;
      prepared.process();
      expect([...prepared.outputs.pdu.view]).toEqual([...first]);
    }
    input.view.set(first);
    input.view[grantFieldIndex.slot] = 19;
    prepared.process();
    expect(prepared.outputs.pdu.view[grantFieldIndex.slot]).toBe(19);
    prepared.release();
  });

  it("bears a window that is early by a quarter of the prefix, or late", () => {
    const random = randomGenerator(9);
    const rows = Array.from({ length: 14 }, () =>
      Array.from({ length: allocation.gridSubcarriers }, () => randomComplex(random)),
    );
    const guard = 16;
    const sample = dimensions.sample + 2 * guard;
    const prepared = prepareFunction(extraction, "fast-fourier", {
      ...options,
      dimensions: { ...dimensions, sample },
    });
    prepared.inputs.grant.view.set(message(configuration));
    // The ordinary prefix at 384 points is 27 samples; the window begins 6 of them early.
    for (const delay of [-6, -3, 5, 16]) {
      prepared.inputs.samples.view.fill(0);
      prepared.inputs.samples.view.set(independentSamples(rows, configuration), 2 * (guard + delay));
      prepared.process();
      let error = 0;
      for (let k = 0; k < allocation.subcarriers; k++) {
        const wanted = rows[grant.startSymbolIndex]![allocation.firstSubcarrier + k]!;
        const angle =
          (-2 * Math.PI * delay * (allocation.firstSubcarrier + k - allocation.gridSubcarriers / 2)) / 384;
        const [re, im] = [Math.cos(angle), Math.sin(angle)];
        error += (prepared.outputs.grid.view[2 * k]! - (wanted.re * re - wanted.im * im)) ** 2;
        error += (prepared.outputs.grid.view[2 * k + 1]! - (wanted.re * im + wanted.im * re)) ** 2;
      }
      expect(Math.sqrt(error / allocation.subcarriers), `delay ${delay}`).toBeLessThan(1e-5);
    }
    prepared.release();
  });

  it("refuses sizes that are not the configuration's", () => {
    for (const [dimension, size] of [
      ["symbol", 14],
      ["subcarrier", 12],
      ["grantField", 3],
      ["sample", 100],
      ["sample", dimensions.sample + 1],
    ] as const)
      expect(() =>
        prepareFunction(extraction, "fast-fourier", {
          ...options,
          dimensions: { ...dimensions, [dimension]: size },
        }),
      ).toThrow(new RegExp(`${dimension} is ${size} and must be`));
  });
});
