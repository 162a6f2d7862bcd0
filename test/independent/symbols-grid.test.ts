import { describe, expect, it } from "vitest";
import { hermitian, product } from "./channel-equalization.js";
import type { Complex } from "./complex.js";
import { add, complex, conjugate, multiply, power, scale, subtract, zero } from "./complex.js";
import { dft, inverseDft } from "./dft.js";
import {
  cdmGroupOf,
  dmrsInitialization,
  dmrsPort,
  dmrsPositions,
  dmrsSubcarrier,
  dmrsSymbols,
} from "./dmrs.js";
import { codebook, identity, mapToLayers, precode } from "./layers-precoding.js";
import { modulate } from "./modulation.js";
import {
  demodulateSymbol,
  modulateSlot,
  modulateSymbol,
  type OfdmConfiguration,
  symbolsPerSlot,
  symbolTiming,
} from "./ofdm.js";
import { randomGenerator } from "./random-generator.js";
import { codebookTransmissions } from "./random-grants.js";
import { dataElements, pilots } from "./resource-mapping.js";

const random = randomGenerator(20380214);
const orders = [1, 2, 4, 6, 8] as const;

function randomSymbols(count: number): Complex[] {
  return modulate(random.bits(2 * count), 2);
}

describe("modulation", () => {
  it("has the corner and inner points of the formulas", () => {
    expect(modulate([0, 1], 2)[0]).toEqual(scale(complex(1, -1), 1 / Math.sqrt(2)));
    expect(modulate([0, 0, 1, 1], 4)[0]).toEqual(scale(complex(3, 3), 1 / Math.sqrt(10)));
    expect(modulate([1, 0, 0, 0, 0, 1], 6)[0]).toEqual(scale(complex(-3, 1), 1 / Math.sqrt(42)));
    expect(modulate([0, 1, 1, 1, 1, 1, 1, 1], 8)[0]).toEqual(scale(complex(15, -15), 1 / Math.sqrt(170)));
    expect(modulate([0, 0, 0, 0, 0, 0, 0, 0], 8)[0]).toEqual(scale(complex(5, 5), 1 / Math.sqrt(170)));
  });

  it("turns every second symbol of π/2-BPSK by 90 degrees", () => {
    const points = modulate([0, 0, 1, 1], 1).map(({ re, im }) => [Math.sign(re), Math.sign(im)]);
    expect(points).toEqual([
      [1, 1],
      [-1, 1],
      [-1, -1],
      [1, -1],
    ]);
  });

  it.each(orders)("has mean power 1 and neighbours one bit apart at %i bits a symbol", (order) => {
    const points = Array.from({ length: 2 ** order }, (_, label) => {
      const bits = Array.from({ length: order }, (_, bit) => (label >> bit) & 1);
      return { bits, point: modulate(bits, order)[0]! };
    });
    expect(points.reduce((sum, { point }) => sum + power(point), 0) / points.length).toBeCloseTo(1, 12);
    const distance = (a: Complex, b: Complex) => Math.sqrt(power(subtract(a, b)));
    const nearest = Math.min(...points.slice(1).map(({ point }) => distance(point, points[0]!.point)));
    for (const a of points) {
      for (const b of points.filter(({ point }) => Math.abs(distance(point, a.point) - nearest) < 1e-9)) {
        expect(a.bits.filter((bit, index) => bit !== b.bits[index])).toHaveLength(1);
      }
    }
  });
});

describe("layers and precoding", () => {
  it("deals symbols out to the layers in turn", () => {
    const symbols = [0, 1, 2, 3, 4, 5].map((value) => complex(value));
    expect(mapToLayers(symbols, 3).map((layer) => layer.map(({ re }) => re))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
  });

  it("has 6, 28, 3, 22, 7 and 5 matrices, all different", () => {
    const sizes = [
      [1, 2],
      [1, 4],
      [2, 2],
      [2, 4],
      [3, 4],
      [4, 4],
    ].map(([layers, ports]) => {
      const all = codebook(layers!, ports!);
      expect(new Set(all.map((w) => JSON.stringify(w))).size).toBe(all.length);
      return all.length;
    });
    expect(sizes).toEqual([6, 28, 3, 22, 7, 5]);
    expect(codebook(2, 1)).toEqual([]);
  });

  it("keeps layers orthogonal, and of equal powers that sum to 1 where no entry is zero", () => {
    for (const { nrOfLayers, antennaPorts, tpmi } of codebookTransmissions) {
      const w = codebook(nrOfLayers, antennaPorts)[tpmi!]!;
      const gram = product(hermitian(w), w);
      const coherent = w.flat().every((weight) => power(weight) > 0);
      gram.forEach((row, a) => {
        row.forEach((value, b) => {
          if (a !== b) {
            expect(power(value)).toBeLessThan(1e-24);
          } else if (coherent) {
            expect(value.re).toBeCloseTo(1 / nrOfLayers, 12);
          } else {
            expect(value.re).toBeGreaterThan(0);
          }
        });
      });
    }
  });

  it("leaves layers as they are without a codebook", () => {
    const x = randomSymbols(3);
    expect(precode(identity(3), x)).toEqual(x);
  });
});

const grants = [1, 2].flatMap((dmrsLength) =>
  ["A", "B"].flatMap((mappingType) =>
    [0, 1, 2, 3].flatMap((dmrsAdditionalPosition) =>
      Array.from({ length: 14 }, (_, index) => ({
        dmrsConfigType: 1 as const,
        dmrsLength: dmrsLength as 1 | 2,
        mappingType: mappingType as "A" | "B",
        dmrsTypeAPosition: 2 as const,
        dmrsAdditionalPosition: dmrsAdditionalPosition as 0 | 1 | 2 | 3,
        startSymbolIndex: 0,
        nrOfSymbols: index + 1,
      })),
    ),
  ),
);

describe("DM-RS", () => {
  it("lies within the allocation for every entry of the tables, in order", () => {
    let entries = 0;
    for (const grant of grants.filter((grant) => dmrsPositions(grant))) {
      entries++;
      const symbols = dmrsSymbols(grant).map(({ symbol }) => symbol);
      expect(symbols.at(-1)!, JSON.stringify(grant)).toBeLessThan(grant.nrOfSymbols);
      expect(symbols).toEqual([...new Set(symbols)].sort((a, b) => a - b));
    }
    // Single symbol: A 11 durations, B 14, four positions each; double: A 11, B 10, two positions each.
    expect(entries).toBe(4 * (11 + 14) + 2 * (11 + 10));
    expect(() => dmrsSymbols({ ...grants[0]!, nrOfSymbols: 3 })).toThrow("no entry");
  });

  it("counts mapping type B from the start of the PUSCH", () => {
    const grant = { ...grants[0]!, mappingType: "B", startSymbolIndex: 3, nrOfSymbols: 10 } as const;
    const symbols = dmrsSymbols({ ...grant, dmrsAdditionalPosition: 3 }).map(({ symbol }) => symbol);
    expect(symbols).toEqual([3, 6, 9, 12]);
  });

  it.each([1, 2] as const)("gives the ports of configuration type %i orthogonal codes", (configType) => {
    const ports = Array.from({ length: configType === 1 ? 8 : 12 }, (_, port) => dmrsPort(configType, port));
    ports.forEach((a, first) => {
      ports.forEach((b, second) => {
        if (first !== second && a.delta === b.delta) {
          const frequency = a.wf[0] * b.wf[0] + a.wf[1] * b.wf[1];
          const time = a.wt[0] * b.wt[0] + a.wt[1] * b.wt[1];
          expect(frequency * time).toBe(0);
        }
      });
    });
    for (const { cdmGroup, delta } of ports) {
      const occupied = [0, 1].flatMap((n) =>
        [0, 1].map((kPrime) => dmrsSubcarrier(configType, delta, n, kPrime)),
      );
      expect(occupied.map((subcarrier) => cdmGroupOf(configType, subcarrier))).toEqual(
        occupied.map(() => cdmGroup),
      );
    }
    expect(() => dmrsPort(configType, 12)).toThrow("no port");
  });

  it("starts its sequence by slot, symbol and identity", () => {
    // 2^17 · (14·1 + 2 + 1) · (2·3 + 1) + 2·3 + 1 by hand.
    expect(dmrsInitialization(14, 1, 2, 3, 1)).toBe(131072 * 17 * 7 + 7);
    expect(dmrsInitialization(14, 19, 13, 65535, 0)).toBe(
      Number((2n ** 17n * 280n * 131071n + 131070n) % 2n ** 31n),
    );
  });

  it("counts r(n) from common resource block 0, so that moving the bandwidth part changes nothing on air", () => {
    const transmission = {
      rbStart: 5,
      rbSize: 3,
      startSymbolIndex: 0,
      nrOfSymbols: 14,
      dmrsConfigType: 2 as const,
      numDmrsCdmGrpsNoData: 1,
      symbolsPerSlot: 14,
      slot: 3,
      dmrsPorts: [0],
      dmrsScramblingId: 77,
      scid: 0 as const,
    };
    const symbols = [{ symbol: 2, lPrime: 0 as const }];
    const inCarrier = pilots({ ...transmission, bwpStart: 0, rbStart: 12 }, symbols, 0);
    const inPart = pilots({ ...transmission, bwpStart: 7 }, symbols, 0);
    expect(inPart.map((pilot) => ({ ...pilot, subcarrier: pilot.subcarrier + 84 }))).toEqual(inCarrier);
    expect(inPart).toHaveLength(12);
  });

  it("leaves data the elements outside the CDM groups without data", () => {
    const allocation = { bwpStart: 0, rbStart: 1, rbSize: 2, startSymbolIndex: 1, nrOfSymbols: 3 };
    const symbols = [{ symbol: 2, lPrime: 0 as const }];
    const expected = { "1-1": 12, "1-2": 0, "2-1": 16, "2-2": 8, "2-3": 0 };
    for (const [key, count] of Object.entries(expected)) {
      const [dmrsConfigType, numDmrsCdmGrpsNoData] = key.split("-").map(Number) as [1 | 2, number];
      const elements = dataElements({ ...allocation, dmrsConfigType, numDmrsCdmGrpsNoData }, symbols);
      expect(elements).toHaveLength(48 + count);
      const order = elements.map(({ symbol, subcarrier }) => 1000 * symbol + subcarrier);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  });
});

const numerologies = [
  { subcarrierSpacing: 15, cyclicPrefix: "normal", sampleRate: 1.92e6 },
  { subcarrierSpacing: 30, cyclicPrefix: "normal", sampleRate: 3.84e6 },
  { subcarrierSpacing: 30, cyclicPrefix: "normal", sampleRate: 23.04e6 },
  { subcarrierSpacing: 60, cyclicPrefix: "normal", sampleRate: 7.68e6 },
  { subcarrierSpacing: 60, cyclicPrefix: "extended", sampleRate: 7.68e6 },
] as const;

describe("OFDM", () => {
  it.each(numerologies)(
    "fills a subframe: $subcarrierSpacing kHz, $cyclicPrefix, $sampleRate Hz",
    (numerology) => {
      const slots = numerology.subcarrierSpacing / 15;
      const last = symbolsPerSlot(numerology.cyclicPrefix) - 1;
      const { start, prefix, useful } = symbolTiming(numerology, slots - 1, last);
      expect(start + prefix + useful).toBe(480e3 * 4096 * 1e-3);
      expect(symbolTiming(numerology, slots, 0).start).toBe(0);
    },
  );

  it.each(numerologies)(
    "comes back from the time signal: $subcarrierSpacing kHz, $cyclicPrefix, $sampleRate Hz",
    (numerology) => {
      const symbolCount = symbolsPerSlot(numerology.cyclicPrefix);
      const configuration: OfdmConfiguration = { ...numerology, slot: 1, carrierFrequency: 3_427_500_000 };
      const grid = Array.from({ length: symbolCount }, () => randomSymbols(24));
      const samples = modulateSlot(grid, configuration);
      for (const symbol of [0, 1, symbolCount - 1]) {
        const back = demodulateSymbol(samples, configuration, symbol, 24);
        back.forEach((value, k) => {
          expect(power(subtract(value, grid[symbol]![k]!))).toBeLessThan(1e-16);
        });
      }
    },
  );

  it("is an inverse DFT with a cyclic prefix", () => {
    const configuration: OfdmConfiguration = { ...numerologies[1], slot: 0, carrierFrequency: 0 };
    const subcarriers = randomSymbols(24);
    const bins = Array.from({ length: 128 }, (_, bin) => {
      const k = ((bin + 64) % 128) - 64 + 12;
      return subcarriers[k] ?? zero;
    });
    const useful = inverseDft(bins).map((value) => scale(value, 128));
    const symbol = modulateSymbol(subcarriers, configuration, 0);
    // 144/2048 of the transform, and the 16κ that the first symbol has more.
    expect(symbol).toHaveLength(128 + 9 + 2);
    symbol.forEach((value, n) => {
      const expected = useful[(n - symbol.length + 2 * 128) % 128]!;
      expect(power(subtract(value, expected))).toBeLessThan(1e-20);
    });
  });

  it("bears the phase of up-conversion at the start of each useful part", () => {
    const carrierFrequency = 1_000_000_123;
    const configuration: OfdmConfiguration = { ...numerologies[0], slot: 0, carrierFrequency };
    const plain = { ...configuration, carrierFrequency: 0 };
    const subcarriers = randomSymbols(12);
    for (const symbol of [0, 1, 7]) {
      const { start, prefix } = symbolTiming(configuration, 0, symbol);
      const seconds = (start + prefix) / (480e3 * 4096);
      const [a, b] = [
        modulateSymbol(subcarriers, configuration, symbol),
        modulateSymbol(subcarriers, plain, symbol),
      ];
      const turn = multiply(a[3]!, conjugate(b[3]!));
      const expected = -2 * Math.PI * carrierFrequency * seconds;
      expect(Math.cos(Math.atan2(turn.im, turn.re) - expected)).toBeCloseTo(1, 6);
    }
  });
});

describe("DFT", () => {
  it.each([1, 2, 3, 12, 17, 48])("of size %i inverts and keeps energy", (size) => {
    const x = randomSymbols(size);
    const spectrum = dft(x);
    inverseDft(spectrum).forEach((value, n) => {
      expect(power(subtract(value, x[n]!))).toBeLessThan(1e-20);
    });
    const energy = (values: readonly Complex[]) => values.reduce((sum, value) => sum + power(value), 0);
    expect(energy(spectrum) / size).toBeCloseTo(energy(x), 9);
    expect(power(subtract(spectrum[0]!, x.reduce(add, zero)))).toBeLessThan(1e-20);
  });

  it("of a tone is one line", () => {
    const tone = Array.from({ length: 8 }, (_, n) =>
      complex(Math.cos((Math.PI * 3 * n) / 4), Math.sin((Math.PI * 3 * n) / 4)),
    );
    expect(dft(tone).map((value) => Math.round(Math.sqrt(power(value))))).toEqual([0, 0, 0, 8, 0, 0, 0, 0]);
    expect(dft([])).toEqual([]);
  });
});
